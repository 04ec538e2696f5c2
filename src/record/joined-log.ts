import { HeadraceError } from '../errors.ts'
import type { Cursor, Entry, Log, Owner, Position, Topics } from '../log/log.ts'
import { topics } from './layout.ts'
import { joinScored } from './scored.ts'
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
export class JoinedLog implements Log, Topics {
  readonly #own: Log & Partial<Topics>
  readonly #base: BaseLog

  constructor(own: Log & Partial<Topics>, base: BaseLog) {
    this.#own = own
    this.#base = base
  }

  async *read(from: Cursor, signal: AbortSignal): AsyncIterable<Entry> {
    const entries = this.#own.read(from, signal)
    if (from.topic !== topics.scored) return yield* entries
    await using base = this.openBase()
    for await (const entry of entries) yield { ...entry, value: await base.join(entry) }
  }

  /** The entries that this log's refer to. */
  openBase(): BaseEntries {
    return new BaseEntries(this.#base)
  }

  bounds(topic: string, partition: number): ReturnType<Log['bounds']> {
    return this.#own.bounds(topic, partition)
  }

  position(stage: string, partition: number): Promise<Position> {
    return this.#own.position(stage, partition)
  }

  own(stage: string): Promise<Owner> {
    return this.#own.own(stage)
  }

  async trim(topic: string, partition: number, before: bigint): Promise<void> {
    await this.#own.trim?.(topic, partition, before)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#own[Symbol.asyncDispose]()
    await this.#base.log[Symbol.asyncDispose]()
  }
}

/** Gives the entries of a base's slots, which are asked for as one partition of a replay holds them: in rising order. */
export class BaseEntries implements AsyncDisposable {
  readonly #base: BaseLog
  readonly #readers = new Map<number, AsyncIterator<Entry>>()

  constructor(base: BaseLog) {
    this.#base = base
  }

  /** The value of an entry of `scored`, joined with its base where it refers to one. */
  async join({ headers, value }: Pick<Entry, 'headers' | 'value'>): Promise<Uint8Array> {
    const { base: mark, slot } = headers
    if (mark === undefined) return value
    const base = await this.#find(Number(slot))
    if (base && markOf(base.value) === mark) return joinScored(base.value, value)
    const what = base ? 'it is another now' : 'it is gone: slots of it were trimmed'
    throw new HeadraceError(
      'corrupt',
      `slot ${slot} of this replay refers to the rows of the run that it replays, and ${what}; bring back that run as it was, or replay again with another --run NAME`,
    )
  }

  async #find(slot: number): Promise<Entry | null> {
    const { log, partitions } = this.#base
    const partition = slot % partitions
    let reader = this.#readers.get(partition)
    for (;;) {
      if (!reader) {
        const offset = await offsetOfSlot(log, topics.scored, partition, partitions, slot)
        reader = log.read({ topic: topics.scored, partition, offset }, AbortSignal.abort())[Symbol.asyncIterator]()
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
