import type { ReadAt, Region } from '../batch/arrow/layout.ts'
import { Ahead } from '../record/ahead.ts'
import { deadPartitionsOf, topics } from '../record/layout.ts'
import { batchAt, type RunReader } from '../record/run-reader.ts'
import { PartialSlot, readPartialSlots } from '../record/slot-columns.ts'
import { readBySlot } from '../record/slots.ts'
import { type Outcome, outcomeColumns, outcomesOf } from './outcome.ts'
import { TokenCounts } from './tokens.ts'

/** The outcomes of a slot, and its texts where they are asked for. */
export interface RunSlot {
  readonly slot: number
  /** Of rows that were measured, in the order of rows. */
  readonly measured: readonly Outcome[]
  readonly dead: readonly Outcome[]
  readonly textOffsets: Int32Array
  /** Reads regions of the slot's texts, and returns what gives them. */
  readTexts(regions: readonly Region[]): Promise<ReadAt>
}

/** Slots that one comparison is of. */
export interface SlotRange {
  readonly from: number
  readonly to: number
}

/** Reads the outcomes of slots, in order, with one slot ahead. */
export async function* readRunSlots(run: RunReader, range: SlotRange): AsyncGenerator<RunSlot, void> {
  const { log } = run
  const { partitions } = run.run
  const scored = readPartialSlots(log, { topic: topics.scored, partitions, ...range })
  const kept = readPartialSlots(log, { topic: topics.kept, partitions, ...range })
  const drops = new Ahead(readBySlot(log, topics.drops, 1))
  const dead = new Ahead(readBySlot(log, topics.dead, deadPartitionsOf(run.run)))
  const tokens = await TokenCounts.open(run)
  const read = async (slot: number): Promise<RunSlot> => {
    const [measured, keptRows, dropRows, deadRows] = await Promise.all([
      readNext(scored, outcomeColumns, ['text']),
      readNext(kept, ['row', 'domain'], []),
      batchAt(drops, slot),
      batchAt(dead, slot),
    ])
    const textOffsets = measured.offsetsOf('text')
    const batches = { scored: measured.batch, kept: keptRows.batch, drops: dropRows, dead: deadRows }
    const readTexts = (regions: readonly Region[]) => measured.readValues('text', regions)
    return { slot, textOffsets, readTexts, ...outcomesOf({ slot, textOffsets, ...batches, tokens: tokens.take(slot) }) }
  }
  for (let slot = range.from; slot < range.to; slot++) yield await read(slot)
}

async function readNext(
  entries: ReturnType<typeof readPartialSlots>,
  columns: readonly string[],
  lengthsOf: readonly string[],
) {
  const { value } = await entries.next()
  return PartialSlot.read(value!, columns, lengthsOf)
}
