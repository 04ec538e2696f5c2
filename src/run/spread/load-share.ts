import { limits } from '../../limits.ts'
import type { Owner } from '../../log/log.ts'
import { leavesTexts, topics } from '../../record/layout.ts'
import { slotAppend } from '../../record/slots.ts'
import type { RunContext } from '../context.ts'
import { loadAll } from '../load/load-stage.ts'
import type { SlotWork } from '../measure/slot-work.ts'
import { openRedriveInbox } from '../redrive/redrive-inbox.ts'
import { type Replay, replayAll } from '../replay/replay-stage.ts'
import { encodeRaw } from './raw.ts'

/** Fills `raw`, as its owner: from the source or, in a replay, from the run that is replayed. Whoever annotates needs nothing else. */
export async function loadRaw(context: RunContext, owner: Owner, replay: Replay | null): Promise<void> {
  const { plan, shape } = context
  // Who annotates must be of the pipeline that loaded.
  const headers = { fingerprint: plan.annotateFingerprint, ...(leavesTexts(plan) && { texts: plan.storedText }) }
  const toRaw = async (slot: number, work: SlotWork) => [
    slotAppend(topics.raw, slot, shape.partitions, encodeRaw(work), headers),
  ]
  if (replay)
    return replayAll(context, owner, replay, async (slot, work) => toRaw(slot, await fit(context, slot, work)))
  await loadAll(context, owner, {
    encode: (slot, chunks) => toRaw(slot, { chunks, stored: null, base: undefined }),
    openMore: openRedriveInbox(context),
  })
}

/** A slot of a replay that is too much for an entry, as it has records besides what is stored of them, is measured here. */
async function fit({ pool }: RunContext, slot: number, work: SlotWork): Promise<SlotWork> {
  if ('measured' in work || !work.stored) return work
  const { chunks, stored, base } = work
  const parts = [...chunks.map(chunk => chunk.bytes), stored.value, stored.dead ?? new Uint8Array(0)]
  const bytes = parts.reduce((sum, part) => sum + part.length, 0)
  return bytes <= limits.documentBytesMax ? work : { measured: await pool.annotate(slot, chunks, stored), base }
}
