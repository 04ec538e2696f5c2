import { runParts, sumBytes } from '../inspect/runs.ts'
import { describeTrip, type Hold, releaseCommand } from '../record/hold.ts'
import type { DomainPace, Pace, StagePace } from '../watch/pace.ts'
import type { RunLook } from '../watch/run-look.ts'
import type { ScreenLine } from './command.ts'
import { fitParts, type ProgressPart } from './show-progress.ts'
import {
  formatBytes,
  formatCount,
  formatPlural,
  formatSeconds,
  formatShare,
  formatShort,
  formatTable,
  sortCounts,
} from './table.ts'
import { cleanName, clipText, displayWidth, printable, wrapText } from './wrap.ts'

/** What a frame has to fit. */
export interface FrameSize {
  readonly columns: number
  /** Null in a pipe. */
  readonly rows: number | null
}

/** Domains of a frame without a height. */
const pipedDomainsMax = 25
const domainColumnsMax = 20
const reasonColumnsMax = 40
const reasonColumnsMin = 12
/** Lines of a note: a command with a long path is of use whole. */
const noteLinesMax = 6
/** Groups that are told of a hold. */
const tripsMax = 3

/** The lines of a frame. `dir` is the run's folder; null where it was looked at from its server alone. */
export function describeFrame(pace: Pace, dir: string | null, { columns, rows }: FrameSize): ScreenLine[] {
  const above: ScreenLine[] = [
    { text: fitParts(titleParts(pace), columns), tone: 'strong' },
    ...[inputParts(pace), feedParts(pace), diskParts(pace)].flatMap(parts =>
      parts.length > 0 ? [{ text: fitParts(parts, columns) }] : [],
    ),
    ...notesOf(pace, dir).flatMap(note => wrapText(printable(note), columns, noteLinesMax).map(text => warn(text))),
  ]
  const stages = pace.stages.length > 0 ? ['', ...tableLines(stageRows(pace), [0])] : []
  const room = rows === null ? pipedDomainsMax + 1 : rows - above.length - stages.length - 2
  const below = ['', ...domainLines(pace, columns, Math.max(0, room))]
  const lines = [...above, ...[...stages, ...(below.length > 1 ? below : [])].map(text => ({ text }))]
  return cutLines(lines, columns, rows)
}

const warn = (text: string): ScreenLine => ({ text, tone: 'warning' })

/** Lines that don't fit are counted in the last one. */
function cutLines(lines: readonly ScreenLine[], columns: number, rows: number | null): ScreenLine[] {
  const isCut = rows !== null && lines.length > rows
  const shown = isCut ? lines.slice(0, Math.max(1, rows - 1)) : lines
  const more = isCut && rows > 1 ? [{ text: `and ${formatPlural(lines.length - shown.length, 'more line')}` }] : []
  return [...shown, ...more].map(line => ({ ...line, text: clipText(line.text, columns) }))
}

function tableLines(rows: readonly (readonly string[])[], left: readonly number[]): string[] {
  return formatTable(rows, left).split('\n').slice(0, -1)
}

const part = (rank: number, text: string | false | null): ProgressPart => ({ rank, text: text || '' })
const some = (parts: readonly ProgressPart[]) => parts.filter(({ text }) => text !== '')

function titleParts({ look, state, bytesPerSecond, stages }: Pace): ProgressPart[] {
  const { documents, kept, seconds } = look
  const lags = stages.flatMap(({ lag }) => (lag === null ? [] : [lag]))
  const isAtWork = state === 'running' && look.state !== 'quiet'
  return some([
    part(0, cleanName(look.run, 30)),
    part(0, isAtWork && seconds !== null ? `${state} ${formatSeconds(seconds)}` : state),
    part(1, state === 'running' && bytesPerSecond !== null && `${formatBytes(bytesPerSecond)}/s`),
    part(2, documents !== null && formatPlural(documents, 'document')),
    part(1, documents !== null && documents > 0 && `${formatShare(kept, documents)} kept`),
    part(3, state === 'running' && lags.length > 0 && `lag ${formatPlural(Math.max(...lags), 'slot')}`),
  ])
}

function inputParts({ look, state, bytesPerSecond }: Pace): ProgressPart[] {
  const { readBytes, inputBytes, dead } = look
  const isKnown = inputBytes !== null && readBytes !== null
  const left = isKnown && bytesPerSecond ? Math.max(0, inputBytes - readBytes) / bytesPerSecond : null
  return some([
    part(1, readBytes !== null && `${formatBytes(readBytes)} read${isKnown ? ` of ${formatBytes(inputBytes)}` : ''}`),
    part(2, isKnown && `${Math.floor(100 * Math.min(1, readBytes / (inputBytes || 1)))}%`),
    part(3, state === 'running' && left !== null && `${formatSeconds(left)} left`),
    part(0, dead > 0 && `${formatCount(dead)} dead`),
  ])
}

function feedParts({ look: { tokens, steps, slowest } }: Pace): ProgressPart[] {
  return some([
    part(2, tokens !== null && `${formatShort(tokens)} tokens sealed`),
    part(1, steps !== null && formatPlural(steps, 'step')),
    part(0, slowest && describeSlowest(slowest)),
  ])
}

function describeSlowest({ trainer, consumed, behind, trainers }: NonNullable<RunLook['slowest']>): string {
  const who = `${trainers > 1 ? 'slowest trainer' : 'trainer'} ${cleanName(trainer, 16)}`
  return `${who} ${consumed === null ? 'before its first step' : `at step ${formatCount(consumed)}`}, ${formatCount(behind)} behind`
}

function diskParts({ look: { bytes, freeBytes, memoryBytes }, cores, state }: Pace): ProgressPart[] {
  const parts = bytes ? runParts.map(name => part(3, bytes[name] > 0 && `${name} ${formatBytes(bytes[name])}`)) : []
  return some([
    part(0, bytes && `disk ${formatBytes(sumBytes(bytes))}`),
    ...parts,
    part(1, freeBytes !== null && `${formatBytes(freeBytes)} free`),
    part(1, memoryBytes !== null && `memory ${formatBytes(memoryBytes)}`),
    part(2, state === 'running' && cores !== null && `CPU ${(100 * cores).toFixed(0)}%`),
  ])
}

/** What a reader has to know or to do, a sentence each. */
function notesOf(pace: Pace, dir: string | null): string[] {
  const { look, state, rateSeconds, stages } = pace
  const { why, hold, first } = look
  const notes = hold ? describeHold(hold, dir) : []
  if (why !== null) notes.push(state === 'running' ? `running: ${why}` : why)
  if (state === 'stopped' && why === null)
    notes.push('no process has it, and it has not ended: the same run command goes on')
  if (state === 'quiet')
    notes.push('a spread run, which no lock names: it has committed nothing between these looks, and may wait')
  if (first > 0) notes.push(`slots before ${formatCount(first)} were trimmed`)
  if (state === 'running' && rateSeconds === null && stages.length > 0) notes.push('rates need two looks')
  return notes
}

function describeHold({ slot, trips }: Hold, dir: string | null): string[] {
  const more = trips.length > tripsMax ? [`and ${formatPlural(trips.length - tripsMax, 'more group')}`] : []
  return [
    `held by a guard rail at slot ${formatCount(slot)}`,
    ...trips.slice(0, tripsMax).map(describeTrip),
    ...more,
    `${releaseCommand(dir)} lets it pass, then the same run command goes on`,
  ]
}

/** What can't be known of any stage has no column. */
function stageRows({ stages, state }: Pace): string[][] {
  const isKnown = (read: (one: StagePace) => number | null) => stages.some(one => read(one) !== null)
  const rate = (value: number | null) => (value === null ? '-' : value.toFixed(1))
  const columns: [title: string, isShown: boolean, cell: (one: StagePace) => string][] = [
    ['stage', true, ({ stage }) => stage],
    ['slot', true, ({ slot }) => formatCount(slot)],
    ['slots/s', state === 'running' && isKnown(one => one.slotsPerSecond), one => rate(one.slotsPerSecond)],
    ['MB/s', state === 'running' && isKnown(one => one.bytesPerSecond), one => rate(inMegabytes(one.bytesPerSecond))],
    ['lag', isKnown(one => one.lag), ({ lag }) => (lag === null ? '-' : formatCount(lag))],
  ]
  const shown = columns.filter(([, isShown]) => isShown)
  return [shown.map(([title]) => title), ...stages.map(one => shown.map(([, , cell]) => cell(one)))]
}

const inMegabytes = (bytes: number | null) => (bytes === null ? null : bytes / 1e6)

/** Domains with the reasons beside them, or below where there is no room; `room` lines below the head. */
function domainLines(pace: Pace, columns: number, room: number): string[] {
  const left = domainTable(pace, room)
  const widest = Math.max(0, ...left.map(displayWidth))
  const beside = columns - widest - 4 - 2 - 6
  if (left.length > 0 && beside < reasonColumnsMin) {
    const reasons = reasonTable(pace, room, Math.max(reasonColumnsMin, columns - 8))
    return reasons.length > 0 ? [...left, '', ...reasons] : left
  }
  const right = reasonTable(pace, room, Math.min(reasonColumnsMax, beside))
  return Array.from({ length: Math.max(left.length, right.length) }, (_, i) => {
    const text = left[i] ?? ''
    const gap = ' '.repeat(left.length > 0 ? widest - displayWidth(text) + 4 : 0)
    return right[i] === undefined ? text : `${text}${gap}${right[i]}`
  })
}

function domainTable({ domains, recentSeconds, recentDocuments }: Pace, room: number): string[] {
  if (domains.length === 0) return []
  const isRecent = recentSeconds !== null && recentDocuments > 0
  const shown = fitRows(domains, room)
  const rows = shown.map(({ domain, documents, kept, recent, parts }) => [
    cleanName(domain, domainColumnsMax) || '(none)',
    formatShare(kept, documents),
    ...(isRecent ? [`${parts.map(cellOf).join('')} ${formatShare(recent.kept, recent.documents).padStart(6)}`] : []),
  ])
  const head = ['domain', 'kept', ...(isRecent ? [`last ${Math.round(recentSeconds)} s`] : [])]
  return countRest(tableLines([head, ...rows], [0]), domains.length - shown.length, 'domain')
}

/** The share that was kept, from nothing to all; blank where nothing came. */
function cellOf({ documents, kept }: Pick<DomainPace, 'documents' | 'kept'>): string {
  return documents === 0 ? ' ' : '▁▂▃▄▅▆▇█'[Math.min(7, Math.floor((8 * kept) / documents))]
}

/** The reasons that rise; where nothing was decided of late, the most frequent ones. */
function reasonTable({ look, rising, recentDocuments }: Pace, room: number, columnsMax: number): string[] {
  const { documents, dropped } = look
  const isRecent = recentDocuments > 0
  const all = isRecent
    ? rising.map(({ reason, points }) => [reason, `+${points.toFixed(1)}`])
    : sortCounts(dropped).map(([reason, count]) => [reason, formatShare(count, documents ?? 0)])
  if (all.length === 0) return []
  const shown = fitRows(all, room)
  const rows = shown.map(([reason, figure]) => [cleanName(reason, columnsMax), figure])
  const lines = tableLines([[isRecent ? 'reasons rising' : 'reasons', ''], ...rows], [0])
  return countRest(lines, all.length - shown.length, 'reason')
}

/** The rows that fit, with a line for how many do not. */
function fitRows<T>(rows: readonly T[], room: number): readonly T[] {
  return rows.length > room ? rows.slice(0, Math.max(0, room - 1)) : rows
}

function countRest(lines: string[], rest: number, noun: string): string[] {
  return rest > 0 ? [...lines, `and ${formatPlural(rest, `more ${noun}`)}`] : lines
}
