import type { Plan } from '../../pipeline/plan.ts'
import { findNamed } from '../../record/base.ts'
import { loaderOf } from '../../record/layout.ts'
import { readDecideNote, readLoadNote } from '../../record/notes.ts'
import type { RunFile } from '../../record/run-file.ts'
import { RunReader } from '../../record/run-reader.ts'
import { planReplay } from './replay-plan.ts'
import type { Replay } from './replay-stage.ts'

/** Opens what the replay in `dir` is of and lays out how it is done. Throws as `planReplay`. */
export async function openReplay(
  dir: string,
  { replays, base }: RunFile,
  plan: Plan,
  recompute: readonly string[] = [],
) {
  const replayed = replays!
  const named = await findNamed(dir, replayed)
  const reader = await RunReader.open(named.dir)
  try {
    const segments = planReplay(plan, reader.run.segments, recompute)
    const isJoined = base !== undefined
    const isOfReplay = reader.run.base !== undefined
    const replay: Replay = {
      reader,
      replayed,
      segments,
      isOfReplay,
      isJoined,
      atEnd: await readEnd(reader, replayed.to),
    }
    return { replay, [Symbol.asyncDispose]: () => reader[Symbol.asyncDispose]() }
  } catch (error) {
    await reader[Symbol.asyncDispose]()
    throw error
  }
}

async function readEnd({ log, run }: RunReader, to: number): Promise<Replay['atEnd']> {
  const { load, tombstones } = readLoadNote(await log.position(loaderOf(run).stage, 0))
  const decide = await log.position('decide', 0)
  const isWhole = readDecideNote(decide).ended && decide.slot === to + 1
  return isWhole ? { load, tombstones } : { load: null, tombstones: 0 }
}
