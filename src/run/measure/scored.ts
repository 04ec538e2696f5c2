import { deadPartitionsOf, topics } from '../../record/layout.ts'
import { slotAppend } from '../../record/slots.ts'
import type { RunContext } from '../context.ts'
import type { SlotOutput } from '../load/load-parts.ts'

/** Slots as the pool measures them: an entry of `scored`, and one of `dead` where records are. */
export function scoredSlots({ pool, plan, shape }: RunContext): SlotOutput {
  return {
    topic: topics.scored,
    async encode(slot, chunks) {
      const { scored, dead, rows, deadRows } = await pool.annotate(slot, chunks)
      const headers = {
        rows: String(rows),
        dead: String(deadRows),
        contract: 'document.v1',
        fingerprint: plan.annotateFingerprint,
      }
      const append = slotAppend(topics.scored, slot, shape.partitions, scored, headers)
      return dead ? [append, slotAppend(topics.dead, slot, deadPartitionsOf(shape), dead, {})] : [append]
    },
  }
}
