import type { StoredText } from '../pipeline/pipeline.ts'
import type { Plan } from '../pipeline/plan.ts'
import { wholePosition } from '../record/long-notes.ts'
import { readDecideNote } from '../record/notes.ts'
import type { RunReader } from '../record/run-reader.ts'
import { RunReader as Reader } from '../record/run-reader.ts'
import type { ReplayOptions } from '../run/options.ts'
import { chooseSlots } from '../run/replay/begin.ts'
import { planReplay, type SegmentPlan } from '../run/replay/replay-plan.ts'
import { type Sample, sampleReplay } from '../run/replay/sample.ts'
import type { Terminal } from './command.ts'
import { formatBytes, formatCount, formatPlural, formatSeconds } from './table.ts'
import { formatPairs, pageWidth, printable, wrapText } from './wrap.ts'

/** How one column is got, for most rows: those that no gate stopped. */
interface ColumnPlan {
  readonly column: string
  readonly from:
    | 'read back'
    | 'measured from what is stored'
    | 'measured from the source'
    | (typeof lateTexts)[StoredText]
    | 'not stored'
  /** The annotator that measures it, or null. */
  readonly by: string | null
}

/** Rows that a gate stopped, and what they are measured by from there on if they pass it now. */
interface GatePlan {
  readonly reasons: readonly string[]
  readonly rows: number
  readonly measuredBy: readonly string[]
}

interface ReplayPlan {
  readonly run: string
  readonly from: number
  readonly to: number
  readonly documents: number
  readonly segments: readonly {
    readonly from: number
    readonly to: number
    /** What some of its slots took. */
    readonly sample: Sample
    readonly kind: SegmentPlan['kind']
    readonly whySource: string | null
    readonly columns: readonly ColumnPlan[]
    readonly gates: readonly GatePlan[]
  }[]
}

/** Prints what a replay would read back, and what it would measure. */
export async function showReplayPlan(
  plan: Plan,
  replay: ReplayOptions,
  isJson: boolean,
  terminal: Terminal,
): Promise<void> {
  await using reader = await Reader.open(replay.of)
  const note = (text: string) => terminal.err.write(`headrace replay: ${printable(text)}\n`)
  const described = await describeReplay(plan, reader, { ...replay, note })
  terminal.out.write(isJson ? `${JSON.stringify(described)}\n` : formatReplay(described, pageWidth(terminal)))
}

async function describeReplay(plan: Plan, reader: RunReader, replay: ReplayOptions): Promise<ReplayPlan> {
  const { from, to } = await chooseSlots(reader, replay)
  const { totals } = readDecideNote(await wholePosition(reader.log, 'decide', await reader.log.position('decide', 0)))
  const all = planReplay(plan, reader.run, replay.recompute ?? [])
  const ends = all.map((_, i) => Math.min(all[i + 1]?.from ?? to, to))
  const rowsOf = (reasons: readonly string[]) => reasons.reduce((sum, reason) => sum + (totals.dropped[reason] ?? 0), 0)
  const segments: ReplayPlan['segments'][number][] = []
  for (const [i, segment] of all.entries()) {
    const part = { from: Math.max(segment.from, from), to: ends[i] }
    if (part.from >= part.to) continue
    const { kind, whySource } = segment
    const sample = await sampleReplay(plan, reader, segment, part)
    const gates = describeGates(plan, segment, rowsOf)
    segments.push({ ...part, sample, kind, whySource, columns: describeColumns(plan, segment), gates })
  }
  return {
    run: reader.dir,
    from,
    to,
    documents: totals.documents,
    segments,
  }
}

/** Rows that a gate stopped which is another now: those of the others are stopped again. */
function describeGates(
  { steps }: Plan,
  { groups, before }: SegmentPlan,
  rowsOf: (reasons: readonly string[]) => number,
): GatePlan[] {
  const goOn = groups.slice(0, -1).filter(({ reuse }) => reuse.plan.steps.length === steps.length)
  return goOn.map(({ reached, reuse }) => {
    const step = before.steps[reached]
    const reasons = 'gate' in step ? [...new Set(step.gate.map(rule => rule.reason))] : []
    return { reasons, rows: rowsOf(reasons), measuredBy: reuse.measured.map(one => one.annotator.name) }
  })
}

function describeColumns({ fields, steps, storedText }: Plan, segment: SegmentPlan): ColumnPlan[] {
  const { kind, groups } = segment
  const whole = groups.at(-1)?.reuse
  return fields.map(({ name }) => {
    if (name === 'text' && isTextLeftOut(segment))
      return { column: name, from: segment.readsLate ? lateTexts[storedText] : 'not stored', by: null }
    if (kind === 'same' || whole?.stored.has(name)) return { column: name, from: 'read back', by: null }
    const writer = steps.findLast(
      step => 'annotator' in step && step.annotator.writes.some(field => field.name === name),
    )
    const by = writer && 'annotator' in writer ? writer.annotator.name : null
    const isFromSource = kind === 'anew' || (whole?.fromSource.size ?? 0) > 0
    return { column: name, from: isFromSource ? 'measured from the source' : 'measured from what is stored', by }
  })
}

const lateTexts = {
  all: 'read back',
  kept: 'stored of kept documents, and made from the source where it was not',
  none: 'not stored, and made from the source where it has no tokens yet',
} as const

/** Neither the run that is replayed nor the new one stores it, and nothing is read again on the way. */
function isTextLeftOut({ before, kind, whySource, groups }: SegmentPlan): boolean {
  if (!before.lacksTexts || whySource !== null || kind === 'anew') return false
  return !groups.some(({ reuse }) => reuse.measured.some(({ annotator }) => annotator.writes.some(isText)))
}
const isText = ({ name }: { readonly name: string }) => name === 'text'

function formatReplay({ run, from, to, documents, segments }: ReplayPlan, width: number): string {
  const head = `slots ${from} to ${to - 1} of ${printable(run)}, of ${formatCount(documents)} documents\n`
  return head + segments.map(segment => formatSegment(segment, segments.length > 1, width)).join('')
}

function formatSegment(segment: ReplayPlan['segments'][number], isOneOfMany: boolean, width: number): string {
  const title = isOneOfMany ? `\nfrom slot ${segment.from} on\n` : '\n'
  const guess = `${guessOf(segment)}\n`
  if (segment.kind === 'same') return `${title}${formatSame(segment)}\n${guess}`
  const groups = Map.groupBy(segment.columns, ({ from, by }) => `${from}\0${by ?? ''}`)
  const rows = Array.from(groups.values(), columns => {
    const [{ from, by }] = columns
    return [by === null ? from : `${from}, by ${by}`, columns.map(one => one.column).join(', ')] as const
  })
  const source = segment.whySource === null ? '' : `the source is read again: ${segment.whySource}\n`
  const gates = segment.gates.map(
    ({ reasons, rows: stopped, measuredBy }) =>
      `up to ${formatCount(stopped)} rows that the gate for ${reasons.join(', ')} stopped go on, where they pass now, to ${measuredBy.join(', ') || 'nothing'}`,
  )
  return (
    title +
    source +
    formatPairs(rows, width) +
    gates
      .flatMap(text => wrapText(text, width))
      .map(line => `${line}\n`)
      .join('') +
    guess
  )
}

function formatSame({ columns }: ReplayPlan['segments'][number]): string {
  const text = columns.find(({ column }) => column === 'text')
  const others = text && text.from !== 'read back' ? `; text is ${text.from}` : ''
  return `every column is read back: only what decides has changed${others}`
}

/** What it would read and how long measuring would take, guessed from the slots that were tried. */
function guessOf({ from, to, sample, kind }: ReplayPlan['segments'][number]): string {
  const { slots, logBytes, textBytes, seconds } = sample
  const all = to - from
  const read = `about ${formatBytes(logBytes * all)} of the log are read, texts of ${formatBytes(textBytes * all)}`
  const by = `guessed from ${formatPlural(slots, 'slot')}`
  if (kind === 'same') return `${read}: ${by}`
  return seconds === null
    ? `${read}: ${by}; how long measuring takes is not, as records come from the source`
    : `${read}, and measuring takes a thread about ${formatSeconds(seconds * all)}: ${by}`
}
