import type { Log } from '../log/log.ts'
import type { Plan } from '../pipeline/plan.ts'
import type { Pool } from './pool.ts'
import type { Progress } from './progress.ts'

/** Where slots of a run go; fixed when the run is created. */
export interface RunShape {
  /** Partitions of each slot topic. Slot n stands in partition n mod this. */
  readonly partitions: number
  /** Lanes of the loader. */
  readonly lanes: number
}

/** What every stage of a run is given. */
export interface RunContext {
  readonly dir: string
  readonly plan: Plan
  readonly shape: RunShape
  readonly log: Log
  readonly pool: Pool
  readonly progress: Progress
  /** Aborts when no further input is to be loaded: finish what was begun and stop. */
  readonly drain: AbortSignal
  /** Aborts when another stage failed: stop at once. */
  readonly failed: AbortSignal
}

/** The topics of a run; each belongs to the stage that its name begins with. */
export const topics = {
  splits: 'annotate.splits',
  scored: 'annotate.scored',
  dead: 'annotate.dead',
  kept: 'decide.kept',
  drops: 'decide.drops',
  manifest: 'shard.manifest',
} as const
