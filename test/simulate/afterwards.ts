import type { Random } from '../random.ts'
import { type ChangedPipeline, drawChanges } from './changes.ts'
import type { PipelineShape } from './pipelines.ts'

/** What is done with a run once it is over: it is replayed with a changed pipeline, and its feed is changed. */
export interface Afterwards {
  readonly changed: ChangedPipeline
  /** The replay stores all rows. */
  readonly isCopy: boolean
  /** Which of the slots are replayed, as shares of them: all from 0 to 1. */
  readonly from: number
  readonly to: number
  /** What is done with its feed, where it has one. */
  readonly feed: FeedChanges
}

/** Commands that change a feed, in this order. Steps are shares of those that there are. */
export interface FeedChanges {
  /** Where a fork parts, and which steps it passes over; null where the run's own feed is changed. */
  readonly fork: { readonly at: number; readonly skip: readonly [from: number, to: number] | null } | null
  readonly promotion: PromotionWish | null
  readonly takeDowns: readonly TakeDownWish[]
}

export interface PromotionWish {
  /** Whether some domains are backfilled, and with which weight where there is a mixture. */
  readonly isBackfilled: boolean
  readonly weight: number
  /** Goes back to the run's own shards in the end. */
  readonly isUndone: boolean
}

export interface TakeDownWish {
  readonly at: number
  /** Documents that are named, as shares of all. */
  readonly documents: readonly number[]
  readonly blank: boolean
}

/** Null for most runs: each costs as much again. */
export function drawAfterwards(random: Random, shape: PipelineShape): Afterwards | null {
  if (!random.chance(0.35)) return null
  const isPart = random.chance(0.2)
  const from = isPart ? random.unit() * 0.6 : 0
  return {
    changed: drawChanges(random.fork('changes'), shape),
    isCopy: random.chance(0.25),
    from,
    to: isPart ? from + random.unit() * (1 - from) : 1,
    feed: drawFeedChanges(random.fork('feed')),
  }
}

function drawFeedChanges(random: Random): FeedChanges {
  const hasFork = random.chance(0.7)
  const [first, second, third] = [random.unit(), random.unit(), random.unit()]
  // Where a fork parts because of what comes there, it passes over that.
  const skip = random.chance(0.5) ? ([random.chance(0.6) ? 0 : second, third] as const) : null
  const wish = { isBackfilled: random.chance(0.5), weight: random.between(1, 4), isUndone: random.chance(0.2) }
  const documents = Array.from({ length: random.between(1, 4) }, () => random.unit())
  return {
    fork: hasFork ? { at: random.chance(0.2) ? 1 : first, skip } : null,
    promotion: random.chance(0.75) ? wish : null,
    // A second one is of the same documents.
    takeDowns: Array.from({ length: random.pick([0, 0, 1, 2]) }, () => {
      return { at: random.unit(), documents, blank: random.chance(0.4) }
    }),
  }
}
