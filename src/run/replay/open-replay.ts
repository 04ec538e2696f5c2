import { HeadraceError } from '../../errors.ts'
import type { Plan } from '../../pipeline/plan.ts'
import { findNamed } from '../../record/base.ts'
import { loaderOf } from '../../record/layout.ts'
import { readLoadNote } from '../../record/notes.ts'
import { recallNames } from '../../record/recalled.ts'
import type { Replayed } from '../../record/run-file.ts'
import { RunReader } from '../../record/run-reader.ts'
import type { Priming } from '../context.ts'
import type { ReplayOptions } from '../options.ts'
import type { ReplayPlace } from './begin.ts'
import { planReplay, type SegmentPlan } from './replay-plan.ts'
import type { Replay } from './replay-stage.ts'
import { whyTexts } from './source-texts.ts'

/** Opens what the replay in `dir` is of and lays out how it is done, telling what is read again. Throws as `planReplay`. */
export async function openReplay(
  dir: string,
  { replays: replayed, base, recall }: Named,
  plan: Plan,
  { recompute = [], note }: Asked,
) {
  const named = await findNamed(dir, replayed)
  await using opened = new AsyncDisposableStack()
  const reader = opened.use(await RunReader.open(named.dir))
  const planned = planReplay(plan, reader.run, recompute)
  const segments = recall ? planRecall(planned, reader.dir) : planned
  const earlier: RunReader[] = []
  for (const one of recall?.after ?? []) earlier.push(opened.use(await RunReader.open((await findNamed(dir, one)).dir)))
  for (const why of new Set(segments.flatMap(one => describeSource(one, whyTexts(reader, plan))))) note?.(why)
  const isJoined = base !== undefined
  const isOfReplay = reader.run.base !== undefined
  const end = await readEnd(reader, replayed)
  const recalling = recall ? { earlier, priming: primingOf([reader, ...earlier], replayed) } : null
  const replay: Replay = { reader, replayed, segments, recalling, isOfReplay, isJoined, ...end }
  const kept = opened.move()
  return { replay, [Symbol.asyncDispose]: () => kept.disposeAsync() }
}

type Named = Pick<ReplayPlace, 'replays' | 'base' | 'recall'>
type Asked = Pick<ReplayOptions, 'recompute' | 'note'>

/** A recall reads what is stored alone, and what is dead stays dead. Throws 'bad-option' where that is not enough. */
function planRecall(segments: readonly SegmentPlan[], dir: string): SegmentPlan[] {
  return segments.map(segment => {
    const { kind, whySource, from } = segment
    if (kind !== 'stored' || whySource !== null)
      throw new HeadraceError(
        'bad-option',
        `what ${dir} stores from slot ${from} on is not enough to recall from (${whySource ?? 'its columns are another pipeline’s'}): replay it by its pipeline, and recall from that run`,
      )
    return { ...segment, retriesFailed: false }
  })
}

/** What was kept is a copy's original; caps count what is recalled alone. */
function primingOf(runs: readonly RunReader[], { to }: Replayed): Priming {
  return { runs, to, isEntered: ({ name, tables }) => tables.length > 0 && name !== recallNames.caps }
}

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
