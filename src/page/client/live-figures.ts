import { formatBytes, formatCount, formatPlural, formatSeconds, formatShare, formatShort } from '../../text/figures.ts'
import { cleanName } from '../../text/printable.ts'
import { drawShare } from '../charts.ts'
import type { LiveData } from '../live/live-data.ts'
import { make, note, show, tableOf } from './dom.ts'

type Card = readonly [name: string, figure: string, below: string]

/** What a run has come to, and what it takes. What is not known has no card. */
export function describeFigures(data: LiveData): HTMLElement[] {
  const { documents, kept, dropped, dead, tokens, state, documentsPerSecond, diskBytes, freeBytes } = data
  const known = documents !== null
  const share = (count: number) => (documents ? formatShare(count, documents) : '')
  const rate =
    documentsPerSecond === null || state !== 'running' ? '' : `${formatShort(Math.round(documentsPerSecond))} a second`
  const cards: (Card | null)[] = [
    known ? ['documents', formatCount(documents), rate] : null,
    known ? ['kept', formatCount(kept), share(kept)] : null,
    known ? ['dropped', formatCount(dropped), share(dropped)] : null,
    known ? ['dead', formatCount(dead), share(dead)] : null,
    inputCard(data),
    tokens === null ? null : ['tokens sealed', formatShort(tokens), ''],
    stepsCard(data),
    memoryCard(data),
    diskBytes === null
      ? null
      : ['disk', formatBytes(diskBytes), freeBytes === null ? '' : `${formatBytes(freeBytes)} free`],
  ]
  return cards.flatMap(card => (card ? [cardOf(card)] : []))
}

function cardOf([name, figure, below]: Card): HTMLElement {
  const muted = (text: string) => make('span', { class: 'muted' }, text)
  return make('div', { class: 'figure', 'data-figure': name }, muted(name), make('b', {}, figure), muted(below))
}

function inputCard({ readBytes, inputBytes, bytesPerSecond, state, seconds }: LiveData): Card | null {
  if (readBytes === null) return null
  const left = inputBytes && bytesPerSecond ? Math.max(0, inputBytes - readBytes) / bytesPerSecond : null
  const parts = [
    ...(inputBytes ? [`${Math.floor(100 * Math.min(1, readBytes / inputBytes))}% of ${formatBytes(inputBytes)}`] : []),
    ...(state === 'running' && left !== null ? [`${formatSeconds(left)} left`] : []),
    ...(state === 'running' && seconds !== null ? [`${formatSeconds(seconds)} at work`] : []),
  ]
  return ['read', formatBytes(readBytes), parts.join(', ')]
}

function stepsCard({ steps, trainer }: LiveData): Card | null {
  if (steps === null) return null
  if (!trainer) return ['steps', formatCount(steps), 'no trainer reports']
  const who = `${trainer.trainers > 1 ? 'slowest trainer' : 'trainer'} ${cleanName(trainer.trainer, 20)}`
  return ['steps', formatCount(steps), `${formatCount(trainer.behind)} ahead of ${who}`]
}

function memoryCard({ memoryBytes, tableBytes, tableBytesMax, cores }: LiveData): Card | null {
  if (memoryBytes === null) return null
  const parts = [
    ...(tableBytes === null ? [] : [`tables ${formatBytes(tableBytes)} of ${formatBytes(tableBytesMax)}`]),
    ...(cores === null ? [] : [`CPU ${Math.round(100 * cores)}%`]),
  ]
  return ['memory', formatBytes(memoryBytes), parts.join(', ')]
}

/** The kept share of each domain in the run, and of late. */
export function describeDomains({ domains, domainsLeft, recentSeconds, recentDocuments }: LiveData): (Node | string)[] {
  if (domains.length === 0) return [note('No document is decided yet, or this process does not know.')]
  const isRecent = recentSeconds !== null && recentDocuments > 0
  const rows = domains.map(({ domain, documents, kept, recent }) => {
    const bar = make('span', { class: 'share' })
    show(bar, drawShare(kept / (documents || 1), 'kept'))
    const late = recent.documents > 0 ? formatShare(recent.kept, recent.documents) : '-'
    return [
      cleanName(domain) || '(none)',
      formatCount(documents),
      formatShare(kept, documents),
      bar,
      ...(isRecent ? [late] : []),
    ]
  })
  const head = ['domain', 'documents', 'kept', '', ...(isRecent ? [`last ${Math.round(recentSeconds)} s`] : [])]
  const table = make(
    'div',
    { class: 'scroll', tabindex: 0, role: 'group', 'aria-label': 'domains' },
    tableOf([head, ...rows]),
  )
  return [table, ...(domainsLeft > 0 ? [note(`and ${formatPlural(domainsLeft, 'more domain')}`)] : [])]
}

const reasonsShown = 12

/** Reasons with what they took, and whether they take more or less of late. */
export function describeReasons(data: LiveData): HTMLElement[] {
  const { reasons, reasonsLeft, rising, falling, documents, recentSeconds, recentDocuments } = data
  const none = documents === null ? 'This process does not know what was decided.' : 'Nothing was dropped.'
  if (reasons.length === 0) return [note(none)]
  const shifts = new Map([...rising, ...falling].map(({ reason, points }) => [reason, points]))
  const shown = reasons.slice(0, reasonsShown)
  const most = reasons[0].count
  const cells = shown.flatMap(({ reason, count }) => {
    const button = make('button', { class: 'plain', type: 'button', 'data-reason': reason }, cleanName(reason))
    const bar = make('span')
    show(bar, drawShare(count / most, 'rule'))
    return [
      button,
      bar,
      make('span', {}, formatShare(count, documents ?? 0)),
      make('span', {}, shiftOf(shifts.get(reason))),
    ]
  })
  const left = reasons.length - shown.length + reasonsLeft
  const late =
    recentSeconds === null || recentDocuments === 0
      ? ''
      : ` The last column: percentage points more or fewer in the last ${Math.round(recentSeconds)} s.`
  return [
    note(`Share of all documents.${late}`),
    make('div', { class: 'why' }, ...cells),
    ...(left > 0 ? [note(`and ${formatPlural(left, 'more reason')}`)] : []),
  ]
}

function shiftOf(points: number | undefined): string {
  if (points === undefined) return ''
  return points > 0 ? `▲ +${points.toFixed(1)}` : `▼ −${Math.abs(points).toFixed(1)}`
}
