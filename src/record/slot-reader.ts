import { HeadraceError } from '../errors.ts'
import { type Cursor, type Entry, type Log, type Position, readCommitted } from '../log/log.ts'

// Reading topics whose entries are numbered: `slot` stands in the headers, and slot n of a topic that has them all in partition n mod P.

/** An entry of a slot topic. `isEnd` closes the topic: no slot follows. */
export interface SlotEntry extends Entry {
  readonly slot: number
  readonly isEnd: boolean
}

/** How long a slot that seems to be there is waited for. */
const readyMs = 50

/**
 * Reads slots 0, 1, 2 ... of a topic across its partitions: slot n stands in partition n mod P. A gap or a repeat is a lost or
 * doubled commit and is an error. Ends after the `end` slot, or, once `signal` aborts, when all that is committed was read.
 */
export class SlotReader implements AsyncDisposable {
  readonly #log: Log
  readonly #topic: string
  readonly #partitions: AsyncIterator<Entry>[]
  readonly #next: bigint[]
  readonly #close = new AbortController()
  /** The read that `isReady` has begun, of the partition whose turn is next. */
  #reading: Promise<IteratorResult<Entry>> | null = null
  #slot: number
  #ended = false

  constructor(log: Log, topic: string, from: readonly Position[], signal: AbortSignal) {
    this.#log = log
    this.#topic = topic
    this.#slot = Math.min(...from.map(position => position.slot))
    this.#next = from.map(position => position.offset)
    const ended = AbortSignal.any([signal, this.#close.signal])
    this.#partitions = from.map(({ partition, offset }) =>
      log.read({ topic, partition, offset }, ended)[Symbol.asyncIterator](),
    )
  }

  /** The next slot, or null at the end. */
  async next(): Promise<SlotEntry | null> {
    if (this.#ended) return null
    const partition = this.#slot % this.#partitions.length
    const { done, value } = await (this.#reading ?? this.#partitions[partition].next())
    this.#reading = null
    if (done) return null
    const entry = { ...value, slot: Number(value.headers.slot), isEnd: value.headers.end === '1' }
    if (entry.slot !== this.#slot)
      throw new HeadraceError(
        'corrupt',
        `${this.#topic}: slot ${this.#slot} was expected and ${entry.slot} came: a commit was lost or doubled; restore the log from a copy, or replay the run`,
      )
    this.#slot++
    this.#next[partition] = entry.offset + 1n
    this.#ended = entry.isEnd
    return entry
  }

  /** Whether the next slot is committed already, so that `next` would not wait. */
  async isReady(): Promise<boolean> {
    if (this.#ended) return false
    const partition = this.#slot % this.#partitions.length
    if ((await this.#log.bounds(this.#topic, partition)).next <= this.#next[partition]) return false
    // What lies behind may be no entry: Kafka's offsets count the ends of transactions too.
    this.#reading ??= this.#partitions[partition].next()
    this.#reading.catch(() => {})
    const isThere = this.#reading.then(() => true)
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const waited = setTimeout(resolve, readyMs, false).unref()
    return Promise.race([isThere, promise]).finally(() => clearTimeout(waited))
  }

  /** The position after what was read. */
  positions(note: string): Position[] {
    return this.#next.map((offset, partition) => ({ partition, offset, slot: this.#slot, note }))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#close.abort()
    for (const partition of this.#partitions) await partition.return?.()
  }
}

/** Positions from which a reader gets slot `slot` and those after it, in each partition. `trimmed` when the topic no longer has them all. */
export async function positionsAt(log: Log, topic: string, partitions: number, slot: number): Promise<Position[]> {
  const positions: Position[] = []
  for (let partition = 0; partition < partitions; partition++) {
    const offset = await offsetOfSlot(log, topic, partition, partitions, slot)
    await checkNotTrimmed(log, { topic, partition, offset }, partitions, slot)
    positions.push({ partition, offset, slot, note: '' })
  }
  return positions
}

/** The first slot from which on a topic has all that were committed: 0 where nothing was trimmed. */
export async function firstSlot(log: Log, topic: string, partitions: number): Promise<number> {
  let slot = 0
  for (let partition = 0; partition < partitions; partition++) {
    const { first } = await log.bounds(topic, partition)
    const entry = first > 0n ? await firstEntry(log, topic, partition, first) : null
    if (entry) slot = Math.max(slot, Number(entry.headers.slot) - partitions + 1)
  }
  return slot
}

/** Whether the first entry that is left of a partition is behind the slot that is wanted: an earlier one was trimmed. */
async function checkNotTrimmed(log: Log, { topic, partition, offset }: Cursor, partitions: number, slot: number) {
  const { first } = await log.bounds(topic, partition)
  const entry = first > 0n ? await firstEntry(log, topic, partition, first) : null
  if (!entry || entry.offset < offset || Number(entry.headers.slot) - slot < partitions) return
  throw new HeadraceError(
    'trimmed',
    `${topic} begins with slot ${entry.headers.slot}, and slot ${slot} is needed: it was trimmed; restore the run's folder state (of a spread run snapshot) from a copy, or run its input again with another --run NAME`,
  )
}

/** The entry of a slot, or null when it is not in the log. */
export async function readSlot(log: Log, topic: string, partitions: number, slot: number): Promise<Entry | null> {
  const partition = slot % partitions
  const offset = await offsetOfSlot(log, topic, partition, partitions, slot)
  const entry = await firstEntry(log, topic, partition, offset)
  return entry?.headers.slot === String(slot) ? entry : null
}

/**
 * An offset at which a partition's first slot from `slot` on is read next. Slots rise with offsets; where a log leaves no gaps the slot
 * stands where counting says, else it is found by halving.
 */
export async function offsetOfSlot(
  log: Log,
  topic: string,
  partition: number,
  partitions: number,
  slot: number,
): Promise<bigint> {
  let { first: low, next: high } = await log.bounds(topic, partition)
  let guess = BigInt(Math.ceil((slot - partition) / partitions))
  // Below `low` are earlier slots alone; from `high` on the wanted one, later ones, or none.
  while (low < high) {
    if (guess < low || guess >= high) guess = guess < low ? low : high - 1n
    const entry = await firstEntry(log, topic, partition, guess)
    const found = entry ? Number(entry.headers.slot) : Number.POSITIVE_INFINITY
    if (entry && (found === slot || (guess === low && found > slot))) return entry.offset
    if (entry && found < slot) low = entry.offset + 1n
    else high = guess
    guess = (low + high) / 2n
  }
  return low
}

async function firstEntry(log: Log, topic: string, partition: number, from: bigint): Promise<Entry | null> {
  for await (const entry of readCommitted(log, topic, partition, from)) return entry
  return null
}

/**
 * Committed entries of a topic across its partitions, in the order of their slots; within a partition they rise. Begins behind what was
 * trimmed, or with the first slot from `from` on.
 */
export async function* readBySlot(log: Log, topic: string, partitions: number, from = 0): AsyncIterable<Entry> {
  const read = (partition: number) => readFrom(log, topic, partition, partitions, from)
  if (partitions === 1) return yield* read(0)
  const readers = Array.from({ length: partitions }, (_, i) => read(i)[Symbol.asyncIterator]())
  try {
    const heads = await Promise.all(readers.map(reader => reader.next()))
    for (;;) {
      const slots = heads.map(({ done, value }) => (done ? Number.POSITIVE_INFINITY : Number(value.headers.slot)))
      const first = slots.indexOf(Math.min(...slots))
      if (heads[first].done) return
      yield heads[first].value
      heads[first] = await readers[first].next()
    }
  } finally {
    await Promise.all(readers.map(reader => reader.return?.()))
  }
}

/** Of a partition all that is committed and not trimmed, of the slots from one on. */
async function* readFrom(log: Log, topic: string, partition: number, partitions: number, from: number) {
  const isWhole = from === 0
  const offset = isWhole
    ? (await log.bounds(topic, partition)).first
    : await offsetOfSlot(log, topic, partition, partitions, from)
  yield* readCommitted(log, topic, partition, offset)
}
