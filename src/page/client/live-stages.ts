import { formatBytes, formatCount, formatPlural, formatSeconds } from '../../text/figures.ts'
import { drawShare } from '../charts.ts'
import type { LiveData, LiveStage } from '../live/live-data.ts'
import { make, show } from './dom.ts'

const works: Readonly<Record<LiveStage['stage'], string>> = {
  load: 'reads the input',
  annotate: 'measures documents',
  decide: 'keeps or drops them',
  shard: 'makes tokens and shards',
  sealed: 'in sealed shards',
}

const standings: Readonly<Record<LiveStage['standing'], string>> = {
  works: '',
  slowest: 'slowest',
  stalled: 'stalled',
  'held-back': 'held back: those behind are too far',
  starved: 'has nothing before it',
}

/** Stages as boxes in a line, in their order. */
export function describeStages({ stages, state, leadSlotsMax }: LiveData): HTMLElement[] {
  return stages.map((stage, i) => {
    const { standing, lag, slot, slotsPerSecond, bytesPerSecond } = stage
    const isRunning = state === 'running'
    const rates = [
      ...(slotsPerSecond === null ? [] : [`${slotsPerSecond.toFixed(1)} slots/s`]),
      ...(bytesPerSecond === null ? [] : [`${formatBytes(bytesPerSecond)}/s`]),
    ]
    const queue = make('div', { class: 'queue' })
    // What may wait before the first is a few slots, whatever the bound of the others.
    if (lag !== null && i > 0) show(queue, drawShare(lag / leadSlotsMax, lag > 0.5 * leadSlotsMax ? 'dead' : 'rule'))
    return make(
      'li',
      { class: `stage ${standing}`, 'data-stage': stage.stage, 'data-standing': standing },
      make('b', {}, stage.stage),
      ' ',
      make('span', { class: 'muted' }, works[stage.stage]),
      ...(isRunning && standing !== 'works'
        ? [make('div', {}, make('span', { class: 'tag' }, standings[standing] + howLong(stage)))]
        : []),
      make('div', {}, `slot ${formatCount(slot)}`),
      make('div', { class: 'muted' }, isRunning ? rates.join(', ') : ''),
      make('div', {}, lag === null ? '' : `${formatPlural(lag, 'slot')} before it`),
      queue,
    )
  })
}

function howLong({ standing, stillSeconds }: LiveStage): string {
  return (standing === 'stalled' || standing === 'starved') && stillSeconds !== null
    ? ` for ${formatSeconds(stillSeconds)}`
    : ''
}
