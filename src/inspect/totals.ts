import { loaderOf } from '../record/layout.ts'
import { isEnded, readDecideNote, readLoadNote, readShardNote } from '../record/notes.ts'
import type { RunReader } from '../record/run-reader.ts'
import { annotatedSlot } from '../record/slots.ts'
import { emptyProgress, type Progress } from '../run/progress.ts'

/** A run's figures as its stages committed them, and whether it has ended. */
export async function readTotals(run: RunReader): Promise<{ progress: Progress; isEnded: boolean }> {
  const progress = emptyProgress()
  const [load, decide, shard] = await Promise.all(
    [loaderOf(run.run).stage, 'decide', 'shard'].map(stage => run.log.position(stage, 0)),
  )
  progress.annotated = await annotatedSlot(run.log, run.run)
  progress.decided = decide.slot
  progress.sharded = shard.slot
  progress.readBytes = progress.readBytesBefore = readLoadNote(load).readBytes
  progress.decide = readDecideNote(decide).totals
  progress.shard = readShardNote(shard).totals
  return { progress, isEnded: isEnded([run.run.tokenizer === null ? decide : shard]) }
}
