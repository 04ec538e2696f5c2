import type { Append } from '../../log/log.ts'
import type { Plan } from '../../pipeline/plan.ts'
import type { RunShape } from '../../record/layout.ts'
import { type MeasuredSlot, measuredAppends } from '../../record/slots.ts'
import { writeTexts } from '../../record/text-files.ts'
import type { Chunk } from '../../sources/source.ts'
import type { StoredSlot } from './jobs.ts'
import type { Pool } from './pool.ts'

/** What is left to do for a slot once it is loaded. `base`: in a replay, the mark of the entry that its own may refer to. */
export type SlotWork = SlotToMeasure | SlotMeasured

/** It is measured, from its records or, in a replay, from what is stored of it. */
export interface SlotToMeasure {
  readonly chunks: readonly Chunk[]
  readonly stored: StoredSlot | null
  readonly base: string | undefined
}

/** Nothing: another run has measured it, and all of it holds. */
interface SlotMeasured {
  readonly measured: MeasuredSlot
  readonly base: string | undefined
}

/** Who measures, and how its run is cut. */
export interface Measurer {
  /** Folder of the run, where texts that it does not store stand for a while. */
  readonly dir: string
  readonly pool: Pick<Pool, 'annotate'>
  readonly plan: Pick<Plan, 'annotateFingerprint'>
  readonly shape: RunShape
  /** Throws `fenced` when the run is another process's. */
  checkOwner(): void
}

/** A slot's entries, made by the process that loads or by another: they are the same. */
export async function finishSlot(measurer: Measurer, slot: number, work: SlotWork): Promise<Append[]> {
  const { dir, pool, plan, shape } = measurer
  const measured = 'measured' in work ? work.measured : await pool.annotate(slot, work.chunks, work.stored)
  if (measured.texts && !shape.textTopic) await writeTexts(dir, slot, measured.texts, () => measurer.checkOwner())
  return measuredAppends(shape, slot, measured, plan.annotateFingerprint, work.base)
}
