import type { Plan } from '../../pipeline/plan.ts'
import { findNamed } from '../../record/base.ts'
import { loaderOf } from '../../record/layout.ts'
import { readLoadNote } from '../../record/notes.ts'
import type { Replayed } from '../../record/run-file.ts'
import { RunReader } from '../../record/run-reader.ts'
import type { ReplayOptions } from '../options.ts'
import type { ReplayPlace } from './begin.ts'
import { planReplay, type SegmentPlan } from './replay-plan.ts'
import type { Replay } from './replay-stage.ts'
import { whyTexts } from './source-texts.ts'

/** Opens what the replay in `dir` is of and lays out how it is done, telling what is read again. Throws as `planReplay`. */
export async function openReplay(
  dir: string,
  { replays: replayed, base }: Named,
  plan: Plan,
  { recompute = [], note }: Asked,
) {
  const named = await findNamed(dir, replayed)
  const reader = await RunReader.open(named.dir)
  try {
    const segments = planReplay(plan, reader.run, recompute)
    for (const why of new Set(segments.flatMap(one => describeSource(one, whyTexts(reader, plan))))) note?.(why)
    const isJoined = base !== undefined
    const isOfReplay = reader.run.base !== undefined
    const replay: Replay = { reader, replayed, segments, isOfReplay, isJoined, ...(await readEnd(reader, replayed)) }
    return { replay, [Symbol.asyncDispose]: () => reader[Symbol.asyncDispose]() }
  } catch (error) {
    await reader[Symbol.asyncDispose]()
    throw error
  }
}

type Named = Pick<ReplayPlace, 'replays' | 'base'>
type Asked = Pick<ReplayOptions, 'recompute' | 'note'>

function describeSource({ kind, whySource, readsLate }: SegmentPlan, why: string): string[] {
  if (whySource === null) return readsLate ? [`${why}: these are read from the source again`] : []
  const what = kind === 'anew' ? 'no measurement holds for this pipeline, and all' : 'records'
  return [`${what} are read from the source again: ${whySource}`]
}

/** What its notes say of all that the run has loaded, in equal parts for its slots, and of its end. */
async function readEnd({ log, run }: RunReader, { to }: Replayed): Promise<Pick<Replay, 'bytesOf' | 'atEnd'>> {
  const load = await log.position(loaderOf(run).stage, 0)
  const note = readLoadNote(load)
  const slots = note.ended ? load.slot - 1 : load.slot
  const bytesBefore = (slot: number) => Math.round((note.readBytes * slot) / slots)
  const isWhole = note.ended && to === slots
  return {
    bytesOf: slot => bytesBefore(slot + 1) - bytesBefore(slot),
    atEnd: isWhole ? { load: note.load, tombstones: note.tombstones } : { load: null, tombstones: 0 },
  }
}
