import { setTimeout as sleep } from 'node:timers/promises'
import { HeadraceError } from '../errors.ts'
import { type Append, type Entry, type Log, readCommitted, type Topics } from '../log/log.ts'
import { type RunShape, topics } from './layout.ts'
import { offsetOfSlot } from './slot-reader.ts'
import type { ApartTexts } from './text-log.ts'

// The same of a run on Kafka: each slot's texts are an entry of a topic, committed with the slot, so that processes on other machines have
// them. They are trimmed when files would be removed. Brokers free room by whole segments, so those of this topic are small.

/** The texts of a slot as an append, beside its entry of `scored`. */
export function textsAppend({ partitions }: RunShape, slot: number, texts: Uint8Array): Append {
  return { topic: topics.texts, partition: slot % partitions, headers: { slot: String(slot) }, value: texts }
}

/** Trims the texts of the slots before one. */
export async function trimTexts(log: Log, target: Topics, { partitions }: RunShape, before: number): Promise<void> {
  for (let partition = 0; partition < partitions; partition++)
    await target.trim(topics.texts, partition, await offsetOfSlot(log, topics.texts, partition, partitions, before))
}

/** How long a stage waits for the texts of a slot that it was given: as long as brokers may take to mark the end of a transaction everywhere. */
export const stageWaitMs = 30_000
const pauseMs = 20

/**
 * The texts of a partition's slots. They are committed with the slot, but a transaction's end shows in one partition sooner than in another,
 * so that who needs them waits for them. Of a slot that refers to texts of another run there is no entry.
 */
export class TextTopic implements ApartTexts {
  readonly #log: Log
  readonly #partition: number
  readonly #partitions: number
  readonly #waitMs: number
  #entries: AsyncIterator<Entry> | null = null
  #ahead: Entry | null = null
  /** Where reading goes on; null where a slot is to be looked for. */
  #next: bigint | null = null

  /** `waitMs`: how long to wait for texts behind which none stand, which are still to be seen or trimmed. */
  constructor(log: Log, partition: number, partitions: number, waitMs: number) {
    this.#log = log
    this.#partition = partition
    this.#partitions = partitions
    this.#waitMs = waitMs
  }

  async find(slot: number): Promise<Uint8Array | null> {
    const end = performance.now() + this.#waitMs
    for (let isFirst = true; ; isFirst = false) {
      const entry = await this.#tryReadTo(slot)
      if (entry) return Number(entry.headers.slot) === slot ? entry.value : null
      // The end that the first read has seen may have been passed before.
      if (!isFirst && performance.now() >= end) return null
      if (!isFirst) await sleep(pauseMs)
    }
  }

  placeOf(slot: number): string {
    return `${topics.texts}/${this.#partition}, slot ${slot},`
  }

  async #tryReadTo(slot: number): Promise<Entry | null> {
    try {
      const entry = await this.#readTo(slot)
      if (entry) return entry
    } catch (error) {
      if (!(error instanceof HeadraceError) || error.code !== 'trimmed') throw error
      this.#next = null
    }
    await this.#close()
    return null
  }

  /** The first entry of the slot or a later one; null where what was committed when reading began has none. */
  async #readTo(slot: number): Promise<Entry | null> {
    while (!this.#ahead || Number(this.#ahead.headers.slot) < slot) {
      this.#entries ??= await this.#open(slot)
      const { done, value } = await this.#entries.next()
      if (done) return null
      this.#ahead = value
      this.#next = value.offset + 1n
    }
    return this.#ahead
  }

  async #open(slot: number): Promise<AsyncIterator<Entry>> {
    const [log, partition] = [this.#log, this.#partition]
    const offset = this.#next ?? (await offsetOfSlot(log, topics.texts, partition, this.#partitions, slot))
    return readCommitted(log, topics.texts, partition, offset)[Symbol.asyncIterator]()
  }

  async #close(): Promise<void> {
    await this.#entries?.return?.()
    this.#entries = null
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#close()
  }
}
