import type { Append } from '../../log/log.ts'
import { deadPartitionsOf, topics } from '../../record/layout.ts'
import { slotAppend } from '../../record/slots.ts'
import type { Chunk } from '../../sources/source.ts'
import type { RunContext } from '../context.ts'

/** Has the pool measure a slot. Returns its entry of `scored`, and that of `dead` where records are. */
export async function annotatedAppends(context: RunContext, slot: number, chunks: readonly Chunk[]): Promise<Append[]> {
  const { pool, plan, shape } = context
  const result = await pool.annotate(slot, chunks)
  const headers = {
    rows: String(result.rows),
    dead: String(result.deadRows),
    contract: 'document.v1',
    fingerprint: plan.annotateFingerprint,
  }
  const scored = slotAppend(topics.scored, slot, shape.partitions, result.scored, headers)
  if (!result.dead) return [scored]
  const partition = slot % deadPartitionsOf(shape)
  return [scored, { topic: topics.dead, partition, headers: { slot: String(slot) }, value: result.dead }]
}
