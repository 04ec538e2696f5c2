import { HeadraceError } from '../errors.ts'
import { type ControlEntry, promotionsUpTo } from '../feed/plan/control.ts'
import { placeStep } from '../feed/plan/fork.ts'
import type { Promotion } from '../feed/plan/promotion.ts'
import { encodeShardList } from '../feed/plan/shard-list.ts'
import type { RunReader } from '../record/run-reader.ts'
import type { RunFeed } from './cover.ts'
import { openKnown } from './known-runs.ts'
import { nameLinks, ShardLinks } from './links.ts'
import { selectShards } from './select.ts'
import { nameRun, openPromotedRun } from './source-run.ts'

export { openPromotedRuns } from './known-runs.ts'

/** What is wrong with a promotion that a feed has recorded: what it says, against what both runs and the steps before give. */
export interface Judgement {
  readonly step: number
  readonly problems: readonly string[]
  /** Why it could not be told: a run is no longer where it was. */
  readonly unknown: string | null
}

/** Recomputes the promotions of a feed, the oldest first. */
export async function* recomputePromotions(feed: RunFeed): AsyncGenerator<Judgement> {
  // What came after it, a fork too, it knew nothing of; steps are numbered as they were then.
  for (const [i, { step, promote: promotion }] of feed.controls.entries())
    if (promotion) yield await judgeOrExcuse({ ...feed, controls: feed.controls.slice(0, i) }, step, promotion)
}

/** The run that a shard of a feed's promotions is of, by its path from the shards folder; null for the feed's own, and where it is gone. */
export type FindRun = (path: string) => RunReader | null

/** Opens all runs that promotions of a feed of `home` name, for as long as `work` takes. */
export async function withPromotedRuns<T>(
  home: RunReader,
  controls: readonly ControlEntry[],
  work: (find: FindRun) => Promise<T>,
): Promise<T> {
  const runs = new Map<string, RunReader>()
  try {
    for (const { promote } of controls) {
      const run = promote && (await openPromotedRun(home, promote.to).catch(excuse))
      if (run) runs.set(nameLinks(run), run)
    }
    return await work(path => (path.startsWith('..') ? (runs.get(path.split('/').at(-3)!) ?? null) : null))
  } finally {
    for (const run of runs.values()) await run[Symbol.asyncDispose]()
  }
}

/** A run that is gone is told where the promotion is judged. */
function excuse(error: unknown): null {
  if (error instanceof HeadraceError && ['not-found', 'corrupt'].includes(error.code)) return null
  throw error
}

async function judgeOrExcuse(feed: RunFeed, step: number, promotion: Promotion): Promise<Judgement> {
  try {
    return { step, problems: await judge(feed, step, promotion), unknown: null }
  } catch (error) {
    if (!(error instanceof HeadraceError) || error.code !== 'not-found') throw error
    return { step, problems: [], unknown: error.message }
  }
}

async function judge(feed: RunFeed, step: number, promotion: Promotion): Promise<string[]> {
  await using next = await openPromotedRun(feed.run, promotion.to)
  const earlier = promotionsUpTo(placeStep(step, feed.controls), feed.controls).map(({ promote }) => promote)
  const known = await openKnown(feed, earlier)
  const links = new ShardLinks(feed.run.dir, next)
  const wish = { step, next, known: known.runs, backfill: promotion.backfill, pathOf: links.pathOf.bind(links) }
  const { rows, shards } = await selectShards(feed, wish).finally(known.close)
  const from = earlier.at(-1)?.to ?? nameRun(feed.run, feed.run)
  const found = { from, to: nameRun(feed.run, next), rows, selection: encodeShardList('promoted', shards).name }
  return (['from', 'to', 'rows', 'selection'] as const)
    .filter(name => JSON.stringify(found[name]) !== JSON.stringify(promotion[name]))
    .map(name => `its ${name} is ${JSON.stringify(promotion[name])} and should be ${JSON.stringify(found[name])}`)
}
