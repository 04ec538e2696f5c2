import { relative, resolve } from 'node:path'
import { HeadraceError } from '../../errors.ts'
import { limits } from '../../limits.ts'
import type { LogPlace } from '../../log/place.ts'
import { findNamed } from '../../record/base.ts'
import type { RunShape } from '../../record/layout.ts'
import { readDecideNote } from '../../record/notes.ts'
import { addReferrer } from '../../record/referrers.ts'
import type { Replayed, RunFile, RunName } from '../../record/run-file.ts'
import { RunReader } from '../../record/run-reader.ts'
import type { ReplayOptions } from '../options.ts'

/** What `run.json` says of a replay, with how the run is cut that it replays. */
export type ReplayPlace = LogPlace & RunShape & Pick<RunFile, 'recall' | 'base'> & { readonly replays: Replayed }

/**
 * Where a replay goes and what of. It goes on with what its folder says; for a new one the run that it replays is looked at, which notes
 * that it is referred to before anything depends on it. Throws for what can't be replayed.
 */
export async function placeReplay(
  dir: string,
  known: RunFile | null,
  place: LogPlace,
  asked: ReplayOptions,
): Promise<ReplayPlace> {
  if (known) return { ...place, ...(await goOn(dir, known, asked)) }
  await using reader = await RunReader.open(asked.of)
  const { run } = reader
  if (run.id === undefined)
    throw new HeadraceError(
      'bad-option',
      `the run in ${asked.of} was begun by an older version, which gave it no id: it can't be referred to; run its input again with this one, and replay that`,
    )
  if (run.slotBytes !== limits.slotBytes)
    throw new HeadraceError(
      'bad-option',
      `the run in ${asked.of} has slots of ${run.slotBytes} bytes, and this version cuts ${limits.slotBytes}`,
    )
  const { from, to } = await chooseSlots(reader, asked)
  const { partitions, lanes } = { ...run, ...(asked.partitions !== undefined && { partitions: asked.partitions }) }
  const name = (folder: string, id: string): RunName => ({ dir: relative(dir, folder) || '.', id })
  const replays = { ...name(asked.of, run.id), from, to }
  const { recall } = asked
  const fixed = { ...place, partitions, lanes, replays, ...(recall && { recall }) }
  if (asked.isCopy) return fixed
  // The rows of a replay's replay lie where those of the replay do.
  const origin = run.base ? { dir: resolve(asked.of, run.base.dir), id: run.base.id } : { dir: asked.of, id: run.id }
  await addReferrer(origin.dir, dir)
  // It is not known without these what was recalled before.
  for (const one of recall?.after ?? []) await addReferrer(resolve(dir, one.dir), dir)
  return { ...fixed, base: name(origin.dir, origin.id) }
}

/** What the folder says of a replay that is begun. Where its log is reached from may change. */
async function goOn(dir: string, known: RunFile, asked: ReplayOptions): Promise<Omit<ReplayPlace, keyof LogPlace>> {
  const { replays, base, partitions, lanes, recall } = known
  if (!replays) throw new HeadraceError('bad-option', `the run in ${dir} is no replay: name another with --run`)
  if (recall && !asked.recall)
    throw new HeadraceError(
      'bad-option',
      `the run in ${dir} is a recall: go on with it by 'headrace enrich', or name another`,
    )
  const named = await findNamed(dir, replays)
  const other = [
    resolve(asked.of) === named.dir ? '' : `of ${named.dir}`,
    (asked.from ?? replays.from) === replays.from ? '' : `from slot ${replays.from} on`,
    (asked.to ?? replays.to) === replays.to ? '' : `up to slot ${replays.to}`,
    (asked.isCopy ?? false) && base ? 'one that refers to rows of another run' : '',
  ].filter(Boolean)
  if (other.length > 0)
    throw new HeadraceError(
      'bad-option',
      `the replay in ${dir} was begun as ${other.join(', ')}: name another with --run, or go on with it as it is`,
    )
  return { partitions, lanes, replays, ...(base && { base }), ...(recall && { recall }) }
}

/** The slots of a run that are to be replayed. Throws for those that it has not. */
export async function chooseSlots({ log, dir, first }: RunReader, { from = first, to, note }: ReplayOptions) {
  const position = await log.position('decide', 0)
  const { ended } = readDecideNote(position)
  const decided = ended ? position.slot - 1 : position.slot
  const last = to ?? decided
  if (from < first)
    throw new HeadraceError(
      'trimmed',
      `slots before ${first} of the run in ${dir} were trimmed: begin with --from-slot ${first}`,
    )
  if (last > decided)
    throw new HeadraceError(
      'bad-option',
      `--to-slot is ${last}, and the run in ${dir} has decided the slots before ${decided}`,
    )
  if (from >= last)
    throw new HeadraceError(
      'bad-option',
      `there is no slot to replay from ${from} to ${last}: the run in ${dir} has decided the slots before ${decided}`,
    )
  if (!ended && to === undefined)
    note?.(
      `the run in ${dir} has not ended: its slots before ${decided} are replayed, which are those that are decided now`,
    )
  return { from, to: last }
}
