import { HeadraceError } from '../errors.ts'
import { type Cursor, type Entry, type Log, type PartialEntry, readPartially, type Topics } from '../log/log.ts'
import { topics } from './layout.ts'
import { LogView } from './log-view.ts'
import { joinParts, joinScored } from './scored.ts'
import { markOf } from './sequel.ts'
import { offsetOfSlot } from './slot-reader.ts'

/** A log that is read besides, and how many partitions its slots are cut into. */
export interface BaseLog {
  readonly log: Log
  readonly partitions: number
}

/**
 * The log of a replay, whose `scored` entries hold what is its own: readers get each joined with the entry that it refers to, in the run
 * that it replays. The header `base` has that entry's mark; one without it is whole.
 */
export class JoinedLog extends LogView {
  readonly #base: BaseLog

  constructor(own: Log & Partial<Topics>, base: BaseLog) {
    super(own)
    this.#base = base
  }

  override async *read(from: Cursor, signal: AbortSignal): AsyncIterable<Entry> {
    const entries = this.log.read(from, signal)
    if (from.topic !== topics.scored) return yield* entries
    await using base = this.openBase()
    for await (const entry of entries) yield { ...entry, ...(await base.join(entry)) }
  }

  /** Of an entry in parts the checksum of the one that it refers to is not looked at, as none is that is of whole values. */
  override async *readPartial(from: Cursor): AsyncIterable<PartialEntry> {
    const entries = super.readPartial(from)
    if (from.topic !== topics.scored) return yield* entries
    await using slots = new BaseSlots(this.#base, cursor => readPartially(this.#base.log, cursor))
    for await (const entry of entries) yield await joinPartly(entry, slots)
  }

  /** The entries that this log's refer to. */
  openBase(): BaseEntries {
    return new BaseEntries(this.#base)
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await super[Symbol.asyncDispose]()
    await this.#base.log[Symbol.asyncDispose]()
  }
}

async function joinPartly(entry: PartialEntry, slots: BaseSlots<PartialEntry>): Promise<PartialEntry> {
  const { headers, length } = entry
  if (headers.base === undefined) return entry
  const base = await slots.find(Number(headers.slot))
  if (!base) throw refuseOther(headers.slot, isGone)
  const own = { length, readPart: (at: number, bytes: number) => entry.readPart(at, bytes) }
  return { ...entry, ...joinParts(base, own) }
}

/** Gives the entries of `scored` with those that they refer to. */
export class BaseEntries implements AsyncDisposable {
  readonly #slots: BaseSlots<Entry>

  constructor(base: BaseLog) {
    this.#slots = new BaseSlots(base, cursor => base.log.read(cursor, AbortSignal.abort()))
  }

  /** An entry of `scored`, joined with its base where it refers to one; the header `mark` where that is all of it. Slots are asked for in rising order. */
  async join({ headers, value }: Pick<Entry, 'headers' | 'value'>): Promise<Pick<Entry, 'headers' | 'value'>> {
    const { base: mark, slot } = headers
    if (mark === undefined) return { headers, value }
    const base = await this.#slots.find(Number(slot))
    if (!base || markOf(base.value) !== mark) throw refuseOther(slot, base ? 'it is another now' : isGone)
    return value.length === 0
      ? { headers: { ...headers, mark }, value: base.value }
      : { headers, value: joinScored(base.value, value) }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#slots[Symbol.asyncDispose]()
  }
}

const isGone = 'it is gone: slots of it were trimmed'

function refuseOther(slot: string, what: string): HeadraceError {
  return new HeadraceError(
    'corrupt',
    `slot ${slot} of this replay refers to the rows of the run that it replays, and ${what}; bring back that run as it was, or replay again with another --run NAME`,
  )
}

/** Finds a base's slots, which are asked for as one partition of a replay holds them: in rising order. */
class BaseSlots<E extends Pick<Entry, 'headers'>> implements AsyncDisposable {
  readonly #base: BaseLog
  readonly #read: (from: Cursor) => AsyncIterable<E>
  readonly #readers = new Map<number, AsyncIterator<E>>()

  constructor(base: BaseLog, read: (from: Cursor) => AsyncIterable<E>) {
    this.#base = base
    this.#read = read
  }

  async find(slot: number): Promise<E | null> {
    const { log, partitions } = this.#base
    const partition = slot % partitions
    let reader = this.#readers.get(partition)
    for (;;) {
      if (!reader) {
        const offset = await offsetOfSlot(log, topics.scored, partition, partitions, slot)
        reader = this.#read({ topic: topics.scored, partition, offset })[Symbol.asyncIterator]()
        this.#readers.set(partition, reader)
      }
      const { done, value } = await reader.next()
      if (done) return null
      const found = Number(value.headers.slot)
      if (found === slot) return value
      if (found > slot) return null
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const reader of this.#readers.values()) await reader.return?.()
  }
}
