import { type Batch, numbers } from '../../batch/batch.ts'
import type { Plan } from '../../pipeline/plan.ts'
import { encodeOwnColumns, isSameColumn } from '../../record/own-columns.ts'
import { columnsOf, decodeScored, encodeApart, encodeOwnApart, encodeScored, splitJoined } from '../../record/scored.ts'
import type { MeasuredSlot } from '../../record/slots.ts'
import type { StoredSlot } from './jobs.ts'

type Encoded = Pick<MeasuredSlot, 'scored' | 'isJoined' | 'texts'>

/** A slot that refers to no other one, apart from its texts where these are not stored. */
export function encodeWhole(plan: Plan, scored: Batch): Encoded {
  const columns = columnsOf(plan)
  const isApart = plan.storedText !== 'all' && scored.columns.text
  return isApart ? encodeApart(scored, columns) : { scored: encodeScored(scored, columns) }
}

/**
 * A slot that another pipeline had measured before: with `base`, what differs from it alone, if its rows are the same. Texts that are not
 * stored are referred to where they are the base's. `stored`: the rows of `value`, of which `scored` may have columns as they are.
 */
export function encodeStored(plan: Plan, scored: Batch, { value, base }: StoredSlot, stored: Batch): Encoded {
  const joined = base === 'joined' ? splitJoined(value) : null
  const known = joined ? decodeScored(joined.base) : stored
  const reference = base === null ? null : known
  if (!reference || !hasSameRows(scored, reference)) return encodeWhole(plan, scored)
  const columns = columnsOf(plan)
  const { text } = scored.columns
  if (plan.storedText === 'all' || (text && isSameColumn(text, reference.columns.text, scored.rows)))
    return { scored: encodeOwnColumns(scored, reference, columns), isJoined: true }
  return { ...encodeOwnApart(scored, reference, columns), isJoined: true }
}

function hasSameRows(a: Batch, b: Batch): boolean {
  const [rows, others] = [numbers(a, 'row'), numbers(b, 'row')]
  return rows.length === others.length && rows.every((row, i) => row === others[i])
}
