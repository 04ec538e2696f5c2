import { HeadraceError } from '../../errors.ts'
import { type DeadRecords, findDead } from '../../record/dead-records.ts'
import { openLogToRead } from '../../record/open-log.ts'
import { readRunFile } from '../../record/run-file.ts'
import { readSplits, stampsOf } from '../../record/splits.ts'
import type { Again, Source, Split } from '../../sources/source.ts'

/**
 * The splits that read these records again, one a file, with the file's present stamp. `known` are all splits so far. A file that is gone is
 * left out: its records stay dead.
 */
export async function splitsOf(
  source: Pick<Source, 'stamp'>,
  dead: DeadRecords,
  known: readonly Split[],
  request: string,
): Promise<Split[]> {
  const stamps = stampsOf(known)
  const round = 1 + new Set(known.flatMap(({ again }) => again?.request ?? [])).size
  const splits: Split[] = []
  for (const [file, lines] of dead.files) {
    const again: Again = { of: file, lines, request, before: dead.before }
    const stamp = await stampNow(source, file)
    if (stamp === null) continue
    splits.push({ name: `redrive/${round}/${file}`, stamp: stamp ?? stamps.get(file) ?? '', again })
  }
  return splits
}

/** Null for a file that is gone, undefined where the source has no stamps. */
async function stampNow({ stamp }: Pick<Source, 'stamp'>, file: string): Promise<string | null | undefined> {
  try {
    return await stamp?.(file)
  } catch (error) {
    if (error instanceof HeadraceError && error.code === 'not-found') return null
    throw error
  }
}

/** The source whose whole input are the dead records of the run in `dir`, read by `base`, which is that run's source. */
export function redriveSource(base: Source, dir: string, reasons: readonly string[]): Source {
  return {
    name: base.name,
    options: { ...base.options, patterns: [], follow: false },
    async *splits() {
      const run = await readRunFile(dir)
      if (!run) throw new HeadraceError('not-found', `there is no run in ${dir} to read dead records of`)
      await using log = await openLogToRead(dir, run)
      const known = await readSplits(log, run)
      // What is dead in the run that reads them is dead after this, whatever its slot.
      const dead = await findDead({ log, shape: run }, known, reasons)
      const splits = await splitsOf(base, { ...dead, before: 0 }, known, '')
      const gone = [...dead.files.keys()].filter(file => !splits.some(({ again }) => again!.of === file))
      if (gone.length > 0)
        throw new HeadraceError(
          'not-found',
          `${gone[0]}, with dead records that are to be read again, is gone: restore it`,
        )
      yield* splits
    },
    ...(base.origin ? { origin: base.origin } : {}),
    ...(base.stamp ? { stamp: (name: string) => base.stamp!(name) } : {}),
    read: (split, from, signal, tell) => base.read(split, from, signal, tell),
    parse: chunk => base.parse(chunk),
  }
}
