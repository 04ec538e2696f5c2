import { setTimeout as sleep } from 'node:timers/promises'
import { HeadraceError } from '../../errors.ts'
import { describeRecorded, type Recorded } from '../fields.ts'
import type { Again, Chunk, LineRange, ReadPosition, Source, Split, SplitRange } from '../source.ts'
import { RangePace } from './pace.ts'
import { Patience } from './patience.ts'
import { RecordCutter, type RecordFormat, recordParser } from './records.ts'
import { type Fetched, SharedClient, type TopicClient, type TopicState } from './topic-client.ts'

export interface KafkaSourceOptions extends Recorded {
  readonly format: RecordFormat
}

/** Lines are offsets + 1 in 32 bits. */
const offsetMax = 2 ** 32 - 2

/**
 * Documents from the records of somebody's topic, in which `file` is `topic/partition` and `line` the offset + 1. A split is what a
 * partition had when it was looked at, of a follower what was decided then; what comes later is another, so that no partition waits for another's end. A follower cuts one
 * when all before it of that partition is read, and not too often (`RangePace`). The range is recorded with the run, so that it is
 * never read to another end.
 */
export function kafkaSource(
  open: () => Promise<TopicClient>,
  topic: string,
  options: KafkaSourceOptions,
  transactionWaitMs = 0,
): Source {
  const shared = new SharedClient(open)
  const { format, ...recorded } = options
  const reached = new Map<string, number>()
  return {
    name: 'kafka',
    // 1, of Arrow: what is a part of the document within a column stood in `meta`, too.
    version: format === 'arrow' ? 2 : 1,
    options: { ...options },
    splits: (signal, known = []) => listRanges({ shared, topic, options, reached }, known, signal),
    stamp: async () => {
      await using held = await shared.borrow(new AbortController().signal)
      return (await held.client.describe()).stamp
    },
    async *read(split, from, signal, tell) {
      const waitMs = options.follow ? Number.POSITIVE_INFINITY : transactionWaitMs
      yield* readRange({ shared, format, signal, tell, waitMs }, split, from)
      const { of, end } = split.range ?? { of: split.name, end: 0 }
      if (!signal.aborted) reached.set(of, Math.max(end, reached.get(of) ?? 0))
    },
    parse: recordParser(format, options),
    following: () => kafkaSource(open, topic, { ...options, follow: true }, transactionWaitMs),
    describe: () => `${describeRecorded('kafka', recorded)}${format === 'arrow' ? ', records in Arrow' : ''}`,
  }
}

interface Listing {
  readonly shared: SharedClient
  readonly topic: string
  readonly options: KafkaSourceOptions
  /** How far each partition was read. */
  readonly reached: ReadonlyMap<string, number>
}

async function* listRanges(listing: Listing, known: readonly Split[], signal: AbortSignal): AsyncGenerator<Split> {
  const { shared, options, topic } = listing
  try {
    await using held = await shared.borrow(signal)
    let state = await held.client.describe()
    const { stamp } = state
    const ends = new Map<string, number>()
    for (const { name, range } of known.filter(split => split.range)) {
      ends.set(range!.of, range!.end)
      yield { name, stamp, range: range! }
    }
    const pace = options.follow ? new RangePace() : null
    const cut = new Set<string>()
    for (;;) {
      yield* cutRanges(listing, state, { ends, cut, pace })
      if (!options.follow) return
      await sleep(options.pollMs, undefined, { signal })
      state = await held.client.describe()
      if (state.stamp !== stamp) throw recreatedError(topic)
    }
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

/**
 * A range of what came in each partition, up to its new end in `ends`. A follower, which has a pace, cuts one only where the last that it
 * cut of the partition was read to its end, and of what is decided, as an open transaction would hold up all other partitions.
 */
function* cutRanges(
  { topic, reached }: Listing,
  { stamp, partitions }: TopicState,
  { ends, cut, pace }: { ends: Map<string, number>; cut: Set<string>; pace: RangePace | null },
): Generator<Split> {
  for (const [partition, { first, next: decided, high }] of partitions.entries()) {
    const next = pace ? decided : high
    const of = `${topic}/${partition}`
    const from = ends.get(of) ?? first
    if (next <= from || (pace && cut.has(of) && (reached.get(of) ?? 0) < from)) continue
    if (pace && !pace.take(of, next - from)) continue
    const name = ends.has(of) ? `${of}@${from}` : of
    ends.set(of, next)
    cut.add(of)
    yield { name, stamp, range: { of, first: from, end: next } }
  }
}

export function recreatedError(topic: string): HeadraceError {
  return new HeadraceError(
    'source-changed',
    `topic '${topic}' was deleted and made anew since this run began to read it: begin another run with --run NAME`,
  )
}

interface Reading {
  readonly shared: SharedClient
  readonly format: RecordFormat
  readonly signal: AbortSignal
  readonly tell: ((waiting: string) => void) | undefined
  readonly waitMs: number
}

async function* readRange(reading: Reading, split: Split, from: ReadPosition): AsyncGenerator<Chunk> {
  const { shared, format, signal } = reading
  if (signal.aborted || (split.range && from.offset >= split.range.end)) return
  try {
    await using held = await shared.borrow(signal)
    const range = split.range ?? (await rangeAgain(held.client, split))
    let first = Math.max(from.offset, range.first)
    if (split.again) {
      const lost = await loseAgain(held.client, split.again, { ...range, first }, format)
      if (lost) yield lost
      first = lost?.next.offset ?? first
    }
    for await (const chunk of readChunks(held.client, { ...range, first }, split, reading)) {
      if (signal.aborted) return
      yield { split: range.of, ...chunk }
      if (signal.aborted) return
    }
  } catch (error) {
    // The signal closes the connection, so that fetching fails.
    if (!signal.aborted) throw error
  }
}

async function* readChunks(
  client: TopicClient,
  { of, first, end }: SplitRange,
  { stamp, again }: Split,
  { tell, waitMs }: Reading,
): AsyncGenerator<Omit<Chunk, 'split'>> {
  if (end > offsetMax)
    throw new HeadraceError('limit', `${of} has offsets up to ${end}; at most ${offsetMax} can be numbered`)
  const partition = partitionOf(of)
  const fetch = (from: number) => {
    const fetched = client.fetch(partition, from, stamp)
    // Who waits for it is told; who went away need not be.
    fetched.catch(() => {})
    return fetched
  }
  const cutter = new RecordCutter(first, again !== undefined)
  const patience = new Patience({ of, end, waitMs, tell })
  let from = first
  for (let ahead = first < end ? fetch(first) : null; ahead; ) {
    const fetched: Fetched = await ahead
    patience.see(from, fetched)
    const { records, next } = fetched
    from = next
    ahead = next < end ? fetch(next) : null
    for (const record of records) {
      if (record.offset >= end) break
      const chunk = cutter.add(record)
      if (chunk) yield chunk
    }
  }
  const last = cutter.cut(end)
  if (last) yield last
}

const partitionOf = (file: string) => Number(file.slice(file.lastIndexOf('/') + 1))

/** The part of a partition that holds the records that are read again; all that it has when none are named. */
async function rangeAgain(client: TopicClient, { name, again }: Split): Promise<SplitRange> {
  const { first, next } = (await client.describe()).partitions[partitionOf(name)]
  if (!again) return { of: name, first, end: next }
  return { of: name, first: again.lines[0][0] - 1, end: Math.min(next, again.lines.at(-1)![1]) }
}

/**
 * The records of a range that can't be read again, as dead: those whose offsets are trimmed, and rows of Arrow messages, which share the
 * line of their message with others that lived.
 */
async function loseAgain(
  client: TopicClient,
  { lines }: Again,
  { of, first, end }: SplitRange,
  format: RecordFormat,
): Promise<Chunk | null> {
  const isArrow = format === 'arrow'
  const begin = (await client.describe()).partitions[partitionOf(of)].first
  const until = isArrow ? end : Math.min(begin, end)
  if (first >= until) return null
  const detail = isArrow ? 'a row of an Arrow message has no line of its own' : `the topic begins at ${begin} now`
  const lost = lines.flatMap(range => linesWithin(range, first + 1, until))
  const dead = lost.map(line => ({ line, reason: 'not-read-again', detail }))
  return { split: of, line: first + 1, bytes: new Uint8Array(0), dead, next: { offset: until, line: until + 1 } }
}

function linesWithin([first, last]: LineRange, from: number, to: number): number[] {
  const start = Math.max(first, from)
  return Array.from({ length: Math.max(0, Math.min(last, to) - start + 1) }, (_, i) => start + i)
}
