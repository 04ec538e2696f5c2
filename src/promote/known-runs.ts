import type { Promotion } from '../feed/plan/promotion.ts'
import type { RunReader } from '../record/run-reader.ts'
import type { RunFeed } from './cover.ts'
import { nameRun, openPromotedRun } from './source-run.ts'

/** The runs that the feed was planned from until now, its own among them. */
export async function openKnown(feed: RunFeed, promotions: readonly Promotion[]) {
  const paths = new Map(promotions.map(({ to }) => [to.run, to]))
  paths.delete(nameRun(feed.run, feed.run).run)
  const others: RunReader[] = []
  const close = async () => {
    for (const run of others) await run[Symbol.asyncDispose]()
  }
  try {
    for (const named of paths.values()) others.push(await openPromotedRun(feed.run, named))
  } catch (error) {
    await close()
    throw error
  }
  return { runs: [feed.run, ...others], close }
}
