import type { Random } from '../random.ts'
import { type ChangedPipeline, drawChanges } from './changes.ts'
import type { PipelineShape } from './pipelines.ts'

/** What is done with a run once it is over: it is replayed with a changed pipeline. */
export interface Afterwards {
  readonly changed: ChangedPipeline
  /** The replay stores all rows. */
  readonly isCopy: boolean
  /** Which of the slots are replayed, as shares of them: all from 0 to 1. */
  readonly from: number
  readonly to: number
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
  }
}
