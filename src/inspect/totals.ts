import { type Figures, figuresAt } from '../record/figures.ts'
import { loaderOf } from '../record/layout.ts'
import { isEnded } from '../record/notes.ts'
import type { RunReader } from '../record/run-reader.ts'
import { annotatedSlot } from '../record/slots.ts'

/** A run's figures as its stages committed them, and whether it has ended. */
export async function readTotals({ log, run }: RunReader): Promise<{ progress: Figures; isEnded: boolean }> {
  const [load, decide, shard] = await Promise.all(
    [loaderOf(run).stage, 'decide', 'shard'].map(stage => log.position(stage, 0)),
  )
  return {
    progress: figuresAt(load, await annotatedSlot(log, run), decide, shard),
    isEnded: isEnded([run.tokenizer === null ? decide : shard]),
  }
}
