import { loaderOf } from '../run/context.ts'
import { emptyProgress, type Progress } from '../run/progress.ts'
import { annotatedSlot } from '../run/slots.ts'
import type { RunReader } from './run-reader.ts'

/** A run's figures as its stages committed them, and whether it has ended. */
export async function readTotals(run: RunReader): Promise<{ progress: Progress; isEnded: boolean }> {
  const progress = emptyProgress()
  const [load, decide, shard] = await Promise.all(
    [loaderOf(run.run).stage, 'decide', 'shard'].map(stage => run.log.position(stage, 0)),
  )
  progress.annotated = await annotatedSlot(run.log, run.run)
  progress.decided = decide.slot
  progress.sharded = shard.slot
  const notes = [load, decide, shard].map(position => (position.note ? JSON.parse(position.note) : {}))
  progress.readBytes = progress.readBytesBefore = notes[0].readBytes ?? 0
  if (notes[1].totals) progress.decide = notes[1].totals
  if (notes[2].totals) progress.shard = notes[2].totals
  return { progress, isEnded: notes[1].ended === true && (run.run.tokenizer === null || notes[2].ended === true) }
}
