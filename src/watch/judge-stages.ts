import { limits } from '../limits.ts'
import type { Pace, StagePace } from './pace.ts'

/**
 * What holds a stage, or what it holds. `slowest`: what the others wait for. `stalled`: there is work before it, and it commits none.
 * `held-back`: it may not be further ahead of those behind it. `starved`: there is nothing before it.
 */
export type StageStanding = 'works' | 'slowest' | 'stalled' | 'held-back' | 'starved'

/** A stage that commits nothing for so long, with work before it, is told: commits are a second apart, slow operators' some. */
const stalledSeconds = 10
/** Work that waits so long at the stage's pace is a queue, and no commit that is under way. */
const queueSeconds = 3
/** Nothing before a stage for a moment is no want of it. */
const starvedSeconds = 3

/** Says of each stage of a run at work how it stands; of one that is at rest nothing. */
export function judgeStages({ stages, state }: Pick<Pace, 'stages' | 'state'>): StageStanding[] {
  if (state !== 'running') return stages.map(() => 'works')
  const waits = stages.map(secondsOfWork)
  const longest = Math.max(...waits)
  // Where nothing waits before any other, all wait for the one that reads.
  const slowest = longest >= queueSeconds ? waits.indexOf(longest) : 0
  return stages.map((stage, i) => {
    const still = stage.stillSeconds ?? 0
    if (isStalled(stage)) return 'stalled'
    if (i === 0 && leadOf(stages) >= leadFull) return 'held-back'
    if (stage.lag === 0 && still >= starvedSeconds) return 'starved'
    return i === slowest ? 'slowest' : 'works'
  })
}

const isStalled = ({ lag, stillSeconds, waitSeconds }: StagePace) =>
  (lag ?? 0) > 0 && Math.min(stillSeconds ?? 0, waitSeconds ?? stillSeconds ?? 0) >= stalledSeconds

/** What waits before a stage, in seconds of its own pace. */
function secondsOfWork(stage: StagePace, i: number): number {
  if (isStalled(stage)) return Number.POSITIVE_INFINITY
  const { lag, slotsPerSecond } = stage
  return i === 0 || !lag || !slotsPerSecond ? 0 : lag / slotsPerSecond
}

/** Loading waits a little before the bound is reached: slots that are under way count. */
const leadFull = 0.95 * limits.stageLeadSlotsMax

/** Slots between the first stage and the last one whose place is known. What is in open shards is not, from outside. */
function leadOf(stages: readonly StagePace[]): number {
  const known = stages.filter(({ stage, lag }, i) => stage !== 'sealed' && (i === 0 || lag !== null))
  return known.length > 1 ? known[0].slot - Math.min(...known.map(({ slot }) => slot)) : 0
}
