import type { Target } from './target.ts'
import { arrowTarget } from './targets/arrow.ts'
import { brokenTargets } from './targets/broken.ts'
import { blockTarget, controlTarget, feedTarget, headTarget, shardTarget, stepsTarget } from './targets/feed.ts'
import { foreignArrowTarget, lz4Target } from './targets/foreign-arrow.ts'
import { journalHeaderTarget, journalTarget } from './targets/journal.ts'
import { lockTarget, runFileTarget } from './targets/run.ts'
import { slotsTarget } from './targets/slots.ts'
import { sourceTargets } from './targets/sources.ts'
import { stateSealTarget, stateTarget } from './targets/state.ts'

/** Everything in Headrace that reads bytes. */
export const targets: readonly Target[] = [
  journalTarget,
  journalHeaderTarget,
  slotsTarget,
  arrowTarget,
  stateTarget,
  stateSealTarget,
  shardTarget,
  blockTarget,
  stepsTarget,
  headTarget,
  controlTarget,
  feedTarget,
  runFileTarget,
  lockTarget,
  ...sourceTargets,
  foreignArrowTarget,
  lz4Target,
]

export function findTarget(name: string): Target {
  const found = [...targets, ...brokenTargets].find(target => target.name === name)
  if (!found) throw new Error(`no fuzz target '${name}'`)
  return found
}
