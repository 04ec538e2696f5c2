import type { Entry } from '../../log/log.ts'
import { Ahead } from '../../record/ahead.ts'
import { deadPartitionsOf, topics } from '../../record/layout.ts'
import type { RunReader } from '../../record/run-reader.ts'
import { positionsAt, readBySlot, type SlotEntry, SlotReader } from '../../record/slots.ts'
import type { Chunk, Source } from '../../sources/source.ts'
import type { SegmentPlan } from './replay-plan.ts'
import { SourceSlots } from './source-slots.ts'

interface Needed {
  readonly source: Source
  readonly segments: readonly SegmentPlan[]
}

/** What a replay reads of the run that it is of, slot after slot: entries, and, where they are needed, the records that they were made of. */
export class ReplayedEntries implements AsyncDisposable {
  readonly #run: RunReader
  readonly #stop: AbortSignal
  readonly #source: Source
  readonly #scored: SlotReader
  readonly #dead: Ahead<Entry>
  #records: SourceSlots | null = null

  private constructor(run: RunReader, scored: SlotReader, source: Source, stop: AbortSignal) {
    this.#run = run
    this.#stop = stop
    this.#source = source
    this.#scored = scored
    this.#dead = new Ahead(readBySlot(run.log, topics.dead, deadPartitionsOf(run.run)))
  }

  /** Begins with `slot`. Where records will be needed, the input is looked at now. */
  static async open(
    run: RunReader,
    slot: number,
    stop: AbortSignal,
    { source, segments }: Needed,
  ): Promise<ReplayedEntries> {
    const first = Math.max(slot, run.first)
    const positions = await positionsAt(run.log, topics.scored, run.run.partitions, first)
    const scored = new SlotReader(run.log, topics.scored, positions, AbortSignal.abort())
    const entries = new ReplayedEntries(run, scored, source, stop)
    const needed = segments.find(({ whySource }) => whySource !== null)
    if (needed) await entries.#openRecords(needed.whySource!)
    return entries
  }

  /** The entries of a slot. Slots are asked for in rising order. */
  async next(slot: number): Promise<{ entry: SlotEntry; dead: Entry | null }> {
    let entry = await this.#scored.next()
    while (entry && entry.slot < slot) entry = await this.#scored.next()
    return { entry: entry!, dead: await this.#deadOf(slot) }
  }

  /** The records of a slot: none where nobody says why, and null where reading was stopped. */
  async records(slot: number, why: string | null): Promise<readonly Chunk[] | null> {
    return why === null ? [] : (await this.#openRecords(why)).read(slot, this.#stop)
  }

  async #openRecords(why: string): Promise<SourceSlots> {
    this.#records ??= await SourceSlots.open(this.#run, this.#source, why, this.#stop)
    return this.#records
  }

  async #deadOf(slot: number): Promise<Entry | null> {
    for (
      let next = await this.#dead.peek();
      next && Number(next.headers.slot) <= slot;
      next = await this.#dead.peek()
    ) {
      await this.#dead.take()
      if (Number(next.headers.slot) === slot) return next
    }
    return null
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#scored.close()
    await this.#dead[Symbol.asyncDispose]()
  }
}
