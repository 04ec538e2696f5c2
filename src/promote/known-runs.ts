import { HeadraceError } from '../errors.ts'
import type { Promotion } from '../feed/plan/promotion.ts'
import type { RunReader } from '../record/run-reader.ts'
import type { RunFeed } from './cover.ts'
import { nameRun, openPromotedRun } from './source-run.ts'

/** The runs that a feed was promoted to. */
export interface PromotedRuns extends AsyncDisposable {
  readonly runs: readonly RunReader[]
  /** Why some of them can't be opened: they were moved or removed, or another stands there. */
  readonly missing: readonly HeadraceError[]
}

/** Opens the runs, but for `home`, that a feed of `home` was promoted to. */
export async function openPromotedRuns(home: RunReader, promotions: readonly Promotion[]): Promise<PromotedRuns> {
  await using opened = new AsyncDisposableStack()
  const named = new Map(promotions.map(({ to }) => [to.run, to]))
  named.delete(nameRun(home, home).run)
  const runs: RunReader[] = []
  const missing: HeadraceError[] = []
  for (const one of named.values())
    try {
      runs.push(opened.use(await openPromotedRun(home, one)))
    } catch (error) {
      if (!(error instanceof HeadraceError)) throw error
      missing.push(error)
    }
  const kept = opened.move()
  return { runs, missing, [Symbol.asyncDispose]: () => kept.disposeAsync() }
}

/** The runs that the feed was planned from until now, its own among them. Throws where one is gone. */
export async function openKnown(feed: RunFeed, promotions: readonly Promotion[]) {
  const promoted = await openPromotedRuns(feed.run, promotions)
  const close = () => promoted[Symbol.asyncDispose]()
  if (promoted.missing.length > 0) {
    await close()
    throw promoted.missing[0]
  }
  return { runs: [feed.run, ...promoted.runs], close }
}
