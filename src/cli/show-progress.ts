import type { Figures } from '../record/figures.ts'
import type { Terminal } from './command.ts'
import { formatBar, formatBytes, formatCount, formatPlural, formatSeconds, formatShort } from './table.ts'
import { clipText, displayWidth } from './wrap.ts'

/** How often a terminal is redrawn, and how often a pipe gets a line. */
const redrawMs = 200
const lineMs = 5000

export interface ProgressDisplay {
  /** Prints a line without hurting the one that is redrawn. */
  note(text: string): void
  stop(): void
}

/** Shows a run's progress until stopped. */
export function showProgress(figures: () => Figures, out: Terminal['out'], err: Terminal['err']): ProgressDisplay {
  return showParts(seconds => describeProgress(figures(), seconds), out, err)
}

/** Shows how far something is until stopped: one line that is redrawn on a terminal, a plain line now and then in a pipe. */
export function showParts(
  describe: (seconds: number) => ProgressPart[],
  out: Terminal['out'],
  err: Terminal['err'],
): ProgressDisplay {
  const isLive = out.isTTY === true
  const started = performance.now()
  const clear = () => isLive && out.redraw?.('')
  const show = () => {
    const parts = describe((performance.now() - started) / 1000)
    if (isLive) out.redraw?.(fitParts(parts, (out.columns ?? 80) - 1))
    else out.write(`${joinParts(parts)}\n`)
  }
  const timer = setInterval(show, isLive ? redrawMs : lineMs)
  timer.unref()
  return {
    note: text => {
      clear()
      err.write(`${text}\n`)
    },
    stop: () => {
      clearInterval(timer)
      clear()
    },
  }
}

/** A part of the line; where there is no room, those of the highest rank are left out. */
export type ProgressPart = { readonly text: string; readonly rank: number }

/** How much was read, how fast, what is left, what became of it. */
export function describeProgress(figures: Figures, seconds: number): ProgressPart[] {
  const { decide, readBytes, readBytesBefore, inputBytes, shard, steps } = figures
  const rate = (readBytes - readBytesBefore) / Math.max(seconds, 0.001)
  const share = inputBytes ? Math.min(1, readBytes / inputBytes) : 0
  const left = inputBytes > readBytes && rate > 0 ? `${formatSeconds((inputBytes - readBytes) / rate)} left` : ''
  const dropped = Object.values(decide.dropped).reduce((a, b) => a + b, 0)
  const parts = [
    { rank: 3, text: inputBytes ? formatBar(share, 12) : '' },
    { rank: 0, text: inputBytes ? `${Math.floor(100 * share)}%` : '' },
    { rank: 5, text: formatBytes(readBytes) },
    { rank: 1, text: `${formatBytes(rate)}/s` },
    { rank: 0, text: left },
    { rank: 1, text: formatPlural(decide.documents, 'document') },
    { rank: 2, text: `${formatCount(decide.kept)} kept` },
    { rank: 4, text: `${formatCount(dropped)} dropped` },
    { rank: 2, text: decide.dead ? `${formatCount(decide.dead)} dead` : '' },
    { rank: 6, text: `${formatShort(shard.tokens)} tokens` },
    { rank: 7, text: steps ? formatPlural(steps, 'step') : '' },
  ]
  return parts.filter(part => part.text !== '')
}

function joinParts(parts: readonly ProgressPart[]): string {
  return parts.map(part => part.text).join('  ')
}

/** The parts that fit the width. */
export function fitParts(parts: readonly ProgressPart[], width: number): string {
  let fitting = parts
  for (let rank = 7; rank > 0 && displayWidth(joinParts(fitting)) > width; rank--)
    fitting = fitting.filter(part => part.rank < rank)
  return clipText(joinParts(fitting), width)
}
