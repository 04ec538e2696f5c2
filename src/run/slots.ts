import { HeadraceError } from '../errors.ts'
import { type Append, type Entry, type Log, type Position, readCommitted } from '../log/log.ts'

/** An entry of a slot topic. `isEnd` closes the topic: no slot follows. */
export interface SlotEntry extends Entry {
  readonly slot: number
  readonly isEnd: boolean
}

/**
 * Reads slots 0, 1, 2 ... of a topic across its partitions: slot n stands in partition n mod P. A gap or a repeat is a lost or
 * doubled commit and is an error. Ends after the `end` slot, or, once `signal` aborts, when all that is committed was read.
 */
export class SlotReader {
  readonly #log: Log
  readonly #topic: string
  readonly #partitions: AsyncIterator<Entry>[]
  readonly #next: bigint[]
  #slot: number
  #ended = false

  constructor(log: Log, topic: string, from: readonly Position[], signal: AbortSignal) {
    this.#log = log
    this.#topic = topic
    this.#slot = Math.min(...from.map(position => position.slot))
    this.#next = from.map(position => position.offset)
    this.#partitions = from.map(({ partition, offset }) =>
      log.read({ topic, partition, offset }, signal)[Symbol.asyncIterator](),
    )
  }

  /** The next slot, or null at the end. */
  async next(): Promise<SlotEntry | null> {
    if (this.#ended) return null
    const partition = this.#slot % this.#partitions.length
    const { done, value } = await this.#partitions[partition].next()
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
    return (await this.#log.bounds(this.#topic, partition)).next > this.#next[partition]
  }

  /** The position after what was read. */
  positions(note: string): Position[] {
    return this.#next.map((offset, partition) => ({ partition, offset, slot: this.#slot, note }))
  }

  async close(): Promise<void> {
    for (const partition of this.#partitions) await partition.return?.()
  }
}

/** A slot as an append: number, rows and fingerprint stand in the headers. */
export function slotAppend(
  topic: string,
  slot: number,
  partitions: number,
  value: Uint8Array,
  headers: Readonly<Record<string, string>>,
): Append {
  return { topic, partition: slot % partitions, headers: { slot: String(slot), ...headers }, value }
}

/** The `end` slot for every partition: no slot follows it anywhere. */
export function endAppends(topic: string, slot: number, partitions: number): Append[] {
  return Array.from({ length: partitions }, (_, i) =>
    slotAppend(topic, slot + i, partitions, new Uint8Array(0), { end: '1' }),
  )
}

/** Positions from which a reader gets slot `slot` and those after it, in each partition. */
export async function positionsAt(log: Log, topic: string, partitions: number, slot: number): Promise<Position[]> {
  const positions: Position[] = []
  for (let partition = 0; partition < partitions; partition++)
    positions.push({ partition, offset: await findOffset(log, topic, partition, partitions, slot), slot, note: '' })
  return positions
}

/** The entry of a slot, or null when it is not in the log. */
export async function readSlot(log: Log, topic: string, partitions: number, slot: number): Promise<Entry | null> {
  const partition = slot % partitions
  const offset = await findOffset(log, topic, partition, partitions, slot)
  const entry = await firstEntry(log, topic, partition, offset)
  return entry?.headers.slot === String(slot) ? entry : null
}

/**
 * An offset at which a partition's first slot from `slot` on is read next. Slots rise with offsets; where a log leaves no gaps the slot
 * stands where counting says, else it is found by halving.
 */
async function findOffset(
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

/** A stage's committed position on every partition. */
export async function positionsOf(log: Log, stage: string, partitions: number): Promise<Position[]> {
  return Promise.all(Array.from({ length: partitions }, (_, partition) => log.position(stage, partition)))
}

/** Whether the stage has committed the `end` slot, as its note says. */
export function isEnded(positions: readonly Position[]): boolean {
  return positions[0].note !== '' && JSON.parse(positions[0].note).ended === true
}
