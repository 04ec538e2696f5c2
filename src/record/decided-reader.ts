import { HeadraceError } from '../errors.ts'
import type { Log } from '../log/log.ts'
import { type RunShape, topics } from './layout.ts'
import { refuseOtherTime } from './refusals.ts'
import { markOfEntry } from './sequel.ts'
import { positionsAt, type SlotEntry, SlotReader } from './slot-reader.ts'

/** A slot as it was decided: what was kept of it, and what it was measured as, null for the `end`. */
export interface DecidedEntry {
  readonly slot: number
  readonly kept: SlotEntry
  readonly scored: SlotEntry | null
}

/** What says where a run's slots are; `dir` is for people to read. */
export interface DecidedPlace {
  readonly dir: string
  readonly log: Log
  readonly shape: RunShape
}

const restoreAdvice = 'a commit was lost; restore the log from a copy, or replay the run'

/** Reads `kept` and `scored` side by side, as each slot of the one is made of the same slot of the other. */
export class DecidedReader implements AsyncDisposable {
  readonly #dir: string
  readonly #kept: SlotReader
  readonly #scored: SlotReader

  private constructor(dir: string, kept: SlotReader, scored: SlotReader) {
    this.#dir = dir
    this.#kept = kept
    this.#scored = scored
  }

  /** From a slot on, as a `SlotReader` does. */
  static async open({ dir, log, shape }: DecidedPlace, slot: number, signal: AbortSignal): Promise<DecidedReader> {
    const readerOf = async (topic: string) =>
      new SlotReader(log, topic, await positionsAt(log, topic, shape.partitions, slot), signal)
    const scored = await readerOf(topics.scored)
    return new DecidedReader(dir, await readerOf(topics.kept), scored)
  }

  /** The next slot that is decided, or null at the end. 'corrupt' where it was decided from other rows than are measured now. */
  async next(): Promise<DecidedEntry | null> {
    const kept = await this.#kept.next()
    if (!kept) return null
    const { slot } = kept
    if (kept.isEnd) return { slot, kept, scored: null }
    const scored = await this.#scored.next()
    if (!scored || scored.isEnd)
      throw new HeadraceError('corrupt', `slot ${slot} is decided and not in ${topics.scored}: ${restoreAdvice}`)
    const mark = kept.headers.scored
    if (mark !== undefined && markOfEntry(scored) !== mark) throw refuseOtherTime(this.#dir, slot)
    return { slot, kept, scored }
  }

  /** Whether the next slot is decided already, so that `next` would not wait. */
  isReady(): Promise<boolean> {
    return this.#kept.isReady()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#kept[Symbol.asyncDispose](), this.#scored[Symbol.asyncDispose]()])
  }
}
