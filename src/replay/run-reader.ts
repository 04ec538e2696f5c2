import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type Batch, numbers, stringAt, utf8 } from '../batch/batch.ts'
import { decodeBatch } from '../batch/ipc.ts'
import { type Address, rowOf, slotOf } from '../decide/decider.ts'
import { HeadraceError } from '../errors.ts'
import { JournalLog } from '../log/journal.ts'
import { type Entry, type Log, readCommitted } from '../log/log.ts'
import { topics } from '../run/context.ts'
import { type RunFile, readRunFile } from '../run/run.ts'

/** Slots kept decoded at once, for look-ups of a duplicate's partner. About 0.5 MB each. */
const slotsCachedMax = 32

/** One decided slot with all that is recorded of it. */
export interface RecordedSlot {
  readonly slot: number
  readonly scored: Batch
  readonly drops: Batch | null
  readonly dead: Batch | null
}

/** Reads a run's log, while it goes or afterwards, without touching it. */
export class RunReader implements AsyncDisposable {
  readonly dir: string
  readonly run: RunFile
  readonly log: Log
  readonly #slots = new Map<number, Batch>()

  private constructor(dir: string, run: RunFile) {
    this.dir = dir
    this.run = run
    this.log = new JournalLog(join(dir, 'log'), { writable: false })
  }

  static async open(dir: string): Promise<RunReader> {
    const run = await readRunFile(dir)
    if (run) return new RunReader(dir, run)
    const exists = await stat(dir).catch(() => null)
    throw new HeadraceError(
      'not-found',
      exists ? `${dir} holds no run (no run.json)` : `there is no run ${dir}: see 'headrace run --help'`,
    )
  }

  /** All slots that were decided, in order. */
  async *slots(): AsyncIterable<RecordedSlot> {
    const { slot: end } = await this.log.position('decide', 0)
    const drops = new SlotCursor(readCommitted(this.log, topics.drops))
    const dead = new SlotCursor(readCommitted(this.log, topics.dead))
    for await (const entry of readCommitted(this.log, topics.scored)) {
      const slot = Number(entry.headers.slot)
      if (slot >= end || entry.headers.end) return
      yield { slot, scored: decodeBatch(entry.value).batch, drops: await drops.at(slot), dead: await dead.at(slot) }
    }
  }

  /** The scored rows of a slot. */
  async scored(slot: number): Promise<Batch> {
    const cached = this.#slots.get(slot)
    if (cached) return cached
    for await (const entry of this.log.read(
      { topic: topics.scored, partition: 0, offset: BigInt(slot) },
      AbortSignal.abort(),
    )) {
      const { batch } = decodeBatch(entry.value)
      if (this.#slots.size >= slotsCachedMax) this.#slots.delete(this.#slots.keys().next().value!)
      this.#slots.set(slot, batch)
      return batch
    }
    throw new HeadraceError('not-found', `slot ${slot} is not in the log of ${this.dir}`)
  }

  /** The row of a batch that stands at an address, with its batch. */
  async find(address: Address): Promise<{ batch: Batch; index: number }> {
    const batch = await this.scored(slotOf(address))
    const index = numbers(batch, 'row').indexOf(rowOf(address) as never)
    if (index < 0) throw new HeadraceError('not-found', `slot ${slotOf(address)} has no row ${rowOf(address)}`)
    return { batch, index }
  }

  async idAt(address: Address): Promise<string> {
    const { batch, index } = await this.find(address)
    return stringAt(utf8(batch, 'id'), index)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.log[Symbol.asyncDispose]()
  }
}

/** Walks a topic that has entries for some slots only. */
class SlotCursor {
  readonly #entries: AsyncIterator<Entry>
  #next: Entry | null | undefined

  constructor(entries: AsyncIterable<Entry>) {
    this.#entries = entries[Symbol.asyncIterator]()
  }

  /** The batch for this slot, or null. Slots are asked for in rising order. */
  async at(slot: number): Promise<Batch | null> {
    while (this.#next === undefined || (this.#next && Number(this.#next.headers.slot) < slot)) {
      const { done, value } = await this.#entries.next()
      this.#next = done ? null : value
    }
    return this.#next && Number(this.#next.headers.slot) === slot ? decodeBatch(this.#next.value).batch : null
  }
}
