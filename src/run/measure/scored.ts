import type { Append } from '../../log/log.ts'
import { deadPartitionsOf, topics } from '../../record/layout.ts'
import { slotAppend } from '../../record/slots.ts'
import type { Chunk } from '../../sources/source.ts'
import type { RunContext } from '../context.ts'

/** Has the pool measure a slot. Returns its entry of `scored`, and that of `dead` where records are. */
export async function scoredAppends(context: RunContext, slot: number, chunks: readonly Chunk[]): Promise<Append[]> {
  const { pool, plan, shape } = context
  const { scored, dead, rows, deadRows } = await pool.annotate(slot, chunks)
  const headers = {
    rows: String(rows),
    dead: String(deadRows),
    contract: 'document.v1',
    fingerprint: plan.annotateFingerprint,
  }
  const append = slotAppend(topics.scored, slot, shape.partitions, scored, headers)
  return dead ? [append, slotAppend(topics.dead, slot, deadPartitionsOf(shape), dead, {})] : [append]
}
