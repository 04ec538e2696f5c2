import { type Batch, numbers, utf8 } from '../batch/batch.ts'
import { hasTexts, indexesOf, isWhole } from '../record/kept.ts'
import { textBytesOf } from '../record/scored.ts'

/**
 * What is wrong with the texts that stand with a slot's kept rows, or null: they must be those that were measured, of which the lengths at
 * least are stored, and be there where no others are and `storesKept`. Each kept row was measured; both batches are in the order of rows.
 */
export function judgeKeptTexts(slot: number, scored: Batch, kept: Batch, storesKept: boolean): string | null {
  if (!isWhole(kept) && !hasTexts(kept))
    return storesKept && kept.rows > 0 && !scored.columns.text
      ? `slot ${slot}: the texts of the rows that it has kept are not there`
      : null
  const edited = scored.columns.text ? findEdited(scored, kept) : findOtherLength(scored, kept)
  return edited < 0 ? null : `slot ${slot}, row ${edited} was kept with another text than it was measured with`
}

/** A kept row whose text is of another length than the measured one, or -1. */
function findOtherLength(scored: Batch, kept: Batch): number {
  const [before, after] = [textBytesOf(scored), textBytesOf(kept)]
  const other = indexesOf(scored, kept).findIndex((index, i) => before[index] !== after[i])
  return other < 0 ? -1 : numbers(kept, 'row')[other]
}

/** A kept row whose text is not the measured one's, or -1. */
function findEdited(scored: Batch, kept: Batch): number {
  const [before, after] = [utf8(scored, 'text'), utf8(kept, 'text')]
  const [left, right] = [before, after].map(({ bytes }) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length))
  for (const [i, j] of indexesOf(scored, kept).entries())
    if (right.compare(left, before.offsets[j], before.offsets[j + 1], after.offsets[i], after.offsets[i + 1]) !== 0)
      return numbers(kept, 'row')[i]
  return -1
}
