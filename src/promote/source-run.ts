import { join, relative, resolve, sep } from 'node:path'
import { HeadraceError } from '../errors.ts'
import type { PromotedRun } from '../feed/plan/promotion.ts'
import { RunReader } from '../record/run-reader.ts'

/** A run as a promotion names it, seen from the feed's folder. */
export function nameRun(feed: string, { dir, run }: RunReader): PromotedRun {
  const path = relative(resolve(feed), resolve(dir)).split(sep).join('/')
  return { run: path, id: run.id ?? '', fingerprint: run.segments.at(-1)!.shard }
}

/** Opens a run that a promotion of this feed names. Throws `not-found` where it was moved or removed, and `corrupt` where another stands there. */
export async function openPromotedRun(feed: string, named: PromotedRun): Promise<RunReader> {
  const dir = join(feed, named.run)
  const run = await RunReader.open(dir).catch(error => {
    if (!(error instanceof HeadraceError) || error.code !== 'not-found') throw error
    throw new HeadraceError(
      'not-found',
      `the feed in ${feed} was promoted to a run that is no longer in ${dir}: trainers read on, but which rows were chosen can't be told without it; put it back`,
      error,
    )
  })
  if ((run.run.id ?? '') === named.id) return run
  await run[Symbol.asyncDispose]()
  throw new HeadraceError(
    'corrupt',
    `${dir} holds another run than the one that the feed in ${feed} was promoted to; put that one back`,
  )
}
