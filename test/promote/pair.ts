import { join } from 'node:path'
import { readHead } from '../../src/feed/files/head.ts'
import type { FeedOptions } from '../../src/feed/options.ts'
import type { Promotion } from '../../src/feed/plan/promotion.ts'
import { readControls } from '../../src/feed/publish.ts'
import { recomputePromotions } from '../../src/promote/recompute.ts'
import { RunReader } from '../../src/record/run-reader.ts'
import { readStanding } from '../../src/record/standing.ts'
import { Random } from '../random.ts'
import { makeFolder } from '../temporary.ts'
import { type MadeOptions, makeDocs, makeRun, publish } from './made-runs.ts'

export const options: FeedOptions = { length: 16, batch: 1, blockTokens: 60 }
export const docs = makeDocs(new Random(1), 12)
const tight = { threshold: 0.5, clusterWidth: 1 }
export const loose = { threshold: 0.2, clusterWidth: 1 }

/** The first run, at slot 6 where it has not ended, its feed, and a second one that is otherwise as it is told. */
export async function makePair(
  first: MadeOptions = { slots: 6 },
  second: MadeOptions = {},
  feed: FeedOptions = options,
) {
  const folder = makeFolder('pair')
  const a = await makeRun(join(folder, 'a'), docs, tight, first)
  await publish(a, feed, first.slots === undefined)
  const b = await makeRun(join(folder, 'b'), docs, loose, second)
  return { folder, a, b, feed: join(a.dir, 'feed') }
}

/** What is wrong with the promotions of a run's feed; `change` is made to the last. */
export async function recompute(dir: string, change: Partial<Promotion> = {}, feed = join(dir, 'feed')) {
  await using run = await RunReader.open(dir)
  const controls = await readControls(feed)
  const last = controls.findLastIndex(({ promote }) => promote)
  const changed = controls.map((entry, i) =>
    i === last ? { ...entry, promote: { ...entry.promote!, ...change } } : entry,
  )
  const head = (await readHead(feed))!
  const hasEnded = (await readStanding(run.log, run.run)).shard.ended
  const judged = await Array.fromAsync(recomputePromotions({ dir: feed, head, controls: changed, run, hasEnded }))
  return judged.map(({ problems, unknown }) => ({ problems, unknown }))
}
