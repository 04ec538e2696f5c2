import type { Batch } from '../batch/batch.ts'
import type { Entry } from '../log/log.ts'
import { Ahead } from '../record/ahead.ts'
import { deadPartitionsOf, topics } from '../record/layout.ts'
import { batchAt, type RunReader } from '../record/run-reader.ts'
import { textLengths } from '../record/scored.ts'
import { readSlotColumns, readSomeSlots, someAt } from '../record/slot-columns.ts'
import { readBySlot } from '../record/slots.ts'

/** Columns of a decided slot. Of the text there is its length alone, as it is most of what is stored. */
export interface StoredSlot {
  readonly slot: number
  readonly scored: Batch
  /** Where each row's text begins, and the last ends: rows + 1 numbers. */
  readonly textOffsets: Int32Array
  readonly drops: Batch | null
  /** Rows that are dead, which are in no other batch. */
  readonly dead: number
  readonly deadRows: Batch | null
}

/**
 * The slots from `from` (default the first that the run still has) to before `end`, which must be decided, in their order, with these columns; a slot
 * that does not hold them all is read whole.
 */
export async function* readStoredSlots(
  run: RunReader,
  columns: readonly string[],
  end: number,
  from: number = run.first,
): AsyncIterable<StoredSlot> {
  const { log } = run
  await using drops = new Ahead(readSomeSlots(log, topics.drops, from))
  await using dead = new Ahead<Entry>(readBySlot(log, topics.dead, deadPartitionsOf(run.run), from))
  const wanted = {
    topic: topics.scored,
    partitions: run.run.partitions,
    from,
    to: end,
    columns,
    lengthsOf: 'text',
  }
  for await (const { slot, batch, offsets } of readSlotColumns(log, wanted)) {
    const isWhole = columns.every(name => batch.columns[name])
    const scored = isWhole ? batch : await run.scored(slot)
    const textOffsets = isWhole ? offsets : textLengths(scored)
    const deadRows = await batchAt(dead, slot)
    yield { slot, scored, textOffsets, drops: await someAt(drops, slot), dead: deadRows?.rows ?? 0, deadRows }
  }
}
