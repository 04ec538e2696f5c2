import { HeadraceError } from '../../errors.ts'
import { refuseChanged, refuseMissing } from '../../record/refusals.ts'
import { stampsOf } from '../../record/splits.ts'
import type { Source, Split } from '../../sources/source.ts'
import type { Watch } from '../events.ts'

/**
 * Yields what the run has not met yet, beside the `known`. Of these one that changed under its name, or that is gone, is refused before
 * anything is read; of a follower's one that is gone was cleared away once it was read, and one that changes later is told to `watch`.
 */
export async function* findSplits(
  source: Source,
  known: readonly Split[],
  watch: Watch,
  signal: AbortSignal,
): AsyncGenerator<Split, void> {
  try {
    yield* source.options.follow ? findFollowed(source, known, watch, signal) : findAll(source, known, signal)
  } catch (error) {
    throw judgeListing(error, known.filter(isListed), known.length)
  }
}

/** Refuses what a follower has still to read and is gone or changed. */
export function checkUnread(source: Source, unread: readonly Split[]): Promise<void> {
  return source.stamp ? checkThere(source, unread.filter(isListed), unread.length) : Promise.resolve()
}

/** Refuses splits of `count` that the run has met, of which the source has no such one now. */
export async function checkThere(source: Source, splits: readonly Split[], count: number): Promise<void> {
  if (!source.stamp && splits.length > 0) throw refuseMissing(splits, count)
  for (const [i, split] of splits.entries()) {
    const stamp = await source.stamp!(split.name).catch(error => {
      throw judgeListing(error, splits.slice(i), count)
    })
    if (stamp !== split.stamp) throw refuseChanged({ ...split, stamp }, split.stamp)
  }
}

/** Whether the source lists a split, under this name, for as long as it is there. */
const isListed = ({ again, range }: Split): boolean => !again && !range

async function* findAll(source: Source, known: readonly Split[], signal: AbortSignal): AsyncGenerator<Split, void> {
  const stamps = stampsOf(known)
  const listed = new Set<string>()
  for await (const split of source.splits(signal, known)) {
    const was = stamps.get(split.name)
    if (was === undefined) yield split
    else if (was !== split.stamp) throw refuseChanged(split, was)
    listed.add(split.name)
  }
  if (signal.aborted) return
  const unlisted = known.filter(split => isListed(split) && !listed.has(split.name))
  const missing = unlisted.map(split => ({ ...split, stamp: stamps.get(split.name)! }))
  // Other patterns than those that the run met it by may leave out a split that is there.
  await checkThere(source, missing, known.length)
}

async function* findFollowed(
  source: Source,
  known: readonly Split[],
  watch: Watch,
  signal: AbortSignal,
): AsyncGenerator<Split, void> {
  const stamps = stampsOf(known)
  const listed = new Map<string, string>()
  for await (const split of source.splits(signal, known)) {
    const { name, stamp } = split
    const [was, before] = [listed.get(name), stamps.get(name)]
    if (was !== undefined && was !== stamp) watch({ kind: 'split-changed', split: name, was, now: stamp })
    else if (before === undefined && was === undefined) yield split
    else if (was === undefined && before !== stamp) throw refuseChanged(split, before!)
    listed.set(name, stamp)
  }
}

/** Where nothing is found of what a run has begun to read, its input is another; what the system forbids to look at stays what it is. */
function judgeListing(error: unknown, missing: readonly Split[], count: number): unknown {
  const isNotFound = error instanceof HeadraceError && error.code === 'not-found' && !isForbidden(error.cause)
  return isNotFound && missing.length > 0 ? refuseMissing(missing, count, error) : error
}

const isForbidden = (cause: unknown): boolean =>
  ['EACCES', 'EPERM'].includes((cause as NodeJS.ErrnoException | undefined)?.code ?? '')
