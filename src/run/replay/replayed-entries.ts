import type { Entry } from '../../log/log.ts'
import { Ahead } from '../../record/ahead.ts'
import { deadPartitionsOf, topics } from '../../record/layout.ts'
import type { RunReader } from '../../record/run-reader.ts'
import { withoutTexts } from '../../record/scored.ts'
import { markOf, markOfEntry } from '../../record/sequel.ts'
import { readPartialSlots } from '../../record/slot-columns.ts'
import { positionsAt, readBySlot, SlotReader } from '../../record/slots.ts'
import type { Chunk, Source } from '../../sources/source.ts'
import type { SegmentPlan } from './replay-plan.ts'
import { SourceSlots } from './source-slots.ts'

/** A slot of the run that is replayed, as its log has it. */
export interface ReplayedSlot {
  readonly headers: Entry['headers']
  /** What its entry of `scored` is known by. */
  readonly mark: string
  /** The entry's value; empty where it is only referred to. */
  readonly value: Uint8Array
  readonly dead: Entry | null
}

/** What a replay needs of the run that it is of. */
export interface Needed {
  readonly source: Source
  readonly segments: readonly SegmentPlan[]
  /** The slots `[from, to)`. */
  readonly from: number
  readonly to: number
  /** No row is looked at: its entries are referred to as they are. */
  readonly marksOnly: boolean
}

/** What a replay reads of the run that it is of, slot after slot: entries, and, where they are needed, the records that they were made of. */
export class ReplayedEntries implements AsyncDisposable {
  readonly #run: RunReader
  readonly #stop: AbortSignal
  readonly #source: Source
  readonly #scored: AsyncIterator<Omit<ReplayedSlot, 'dead'>>
  readonly #dead: Ahead<Entry>
  #records: SourceSlots | null = null

  private constructor(run: RunReader, stop: AbortSignal, needed: Needed) {
    this.#run = run
    this.#stop = stop
    this.#source = needed.source
    const read = needed.marksOnly ? readMarks : readWhole
    this.#scored = read(run, Math.max(needed.from, run.first), needed.to)[Symbol.asyncIterator]()
    this.#dead = new Ahead(readBySlot(run.log, topics.dead, deadPartitionsOf(run.run)))
  }

  /** Where records will be needed, the input is looked at now. */
  static async open(run: RunReader, stop: AbortSignal, needed: Needed): Promise<ReplayedEntries> {
    const entries = new ReplayedEntries(run, stop, needed)
    const reading = needed.segments.find(({ whySource }) => whySource !== null)
    if (reading) await entries.#openRecords(reading.whySource!)
    return entries
  }

  /** The next slot, which is this one. */
  async next(slot: number): Promise<ReplayedSlot> {
    const { value } = await this.#scored.next()
    return { ...value, dead: await this.#deadOf(slot) }
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
    await this.#scored.return?.()
    await this.#dead[Symbol.asyncDispose]()
    await this.#records?.close()
  }
}

async function* readWhole({ log, run }: RunReader, from: number): AsyncGenerator<Omit<ReplayedSlot, 'dead'>, void> {
  const positions = await positionsAt(log, topics.scored, run.partitions, from)
  await using reader = new SlotReader(log, topics.scored, positions, AbortSignal.abort())
  for (let entry = await reader.next(); entry; entry = await reader.next()) {
    const { headers, value } = entry
    // Texts that a run has only until they are tokenized may be gone in the next moment.
    yield { headers, value: withoutTexts(value), mark: markOfEntry(entry) }
  }
}

const noBytes = new Uint8Array(0)

/** What was decided of a slot says by which mark it was measured, so that its rows need not be read. */
async function* readMarks(
  { log, run }: RunReader,
  from: number,
  to: number,
): AsyncGenerator<Omit<ReplayedSlot, 'dead'>, void> {
  const { partitions } = run
  await using kept = readPartialSlots(log, { topic: topics.kept, partitions, from, to })
  for await (const { headers, length, readPart } of readPartialSlots(log, {
    topic: topics.scored,
    partitions,
    from,
    to,
  })) {
    const { value: decided } = await kept.next()
    const mark = decided?.headers.scored ?? markOf(await readPart(0, length))
    yield { headers, value: noBytes, mark }
  }
}
