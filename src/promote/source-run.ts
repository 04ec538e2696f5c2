import { join, relative, resolve, sep } from 'node:path'
import { HeadraceError } from '../errors.ts'
import type { PromotedRun } from '../feed/plan/promotion.ts'
import type { RunReader } from '../record/run-reader.ts'

/** A run as a promotion names it, seen from the folder of the run that the feed is of: so forks of the feed may have the same words. */
export function nameRun(home: RunReader, { dir, run }: RunReader): PromotedRun {
  const path = relative(resolve(home.dir), resolve(dir)).split(sep).join('/') || '.'
  return { run: path, id: run.id ?? '', fingerprint: run.segments.at(-1)!.shard }
}

/** Opens a run that a promotion of a feed of `home` names. Throws `not-found` where it was moved or removed, and `corrupt` where another stands there. */
export async function openPromotedRun(home: RunReader, named: PromotedRun): Promise<RunReader> {
  const dir = join(home.dir, named.run)
  const run = await home.openOther(dir).catch(error => {
    if (!(error instanceof HeadraceError) || error.code !== 'not-found') throw error
    throw new HeadraceError(
      'not-found',
      `a feed of ${home.dir} was promoted to a run that is no longer in ${dir}: trainers read on, but which rows were chosen can't be told without it; put it back`,
      error,
    )
  })
  if ((run.run.id ?? '') === named.id) return run
  await run[Symbol.asyncDispose]()
  throw new HeadraceError(
    'corrupt',
    `${dir} holds another run than the one that a feed of ${home.dir} was promoted to; put that one back`,
  )
}
