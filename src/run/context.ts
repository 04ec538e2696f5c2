import type { Log } from '../log/log.ts'
import type { Plan } from '../pipeline/plan.ts'
import type { Watch } from './events.ts'
import type { Pool } from './pool.ts'
import type { Progress } from './progress.ts'

/** Where slots of a run go; fixed when the run is created. */
export interface RunShape {
  /** Partitions of each slot topic. Slot n stands in partition n mod this. */
  readonly partitions: number
  /** Lanes of the loader. */
  readonly lanes: number
  /** Annotating is spread over processes: loading is a stage of its own, and each partition has its own owner. Default false. */
  readonly spread?: boolean
}

/** The slots from `from` on, up to the next segment, and the fingerprints of the pipeline that decides them. */
export interface Segment {
  readonly from: number
  readonly annotate: string
  readonly decide: string
  readonly shard: string
  /** Of the deciders' tables, which go on through all segments. */
  readonly state: string
}

/** What every stage of a run is given. */
export interface RunContext {
  readonly dir: string
  readonly plan: Plan
  readonly shape: RunShape
  readonly segments: readonly Segment[]
  readonly log: Log
  readonly pool: Pool
  readonly progress: Progress
  /** Aborts when no further input is to be loaded: finish what was begun and stop. */
  readonly drain: AbortSignal
  /** Aborts when another stage failed: stop at once. */
  readonly failed: AbortSignal
  /** Told what happens. */
  readonly watch?: Watch | undefined
  /** Throws `fenced` when the run is another process's. Asked before each effect that the log does not fence. */
  checkOwner(): void
}

/** The topics of a run; each belongs to the stage that its name begins with. Of `raw` and the splits, see `loaderOf`. */
export const topics = {
  raw: 'load.raw',
  scored: 'annotate.scored',
  dead: 'annotate.dead',
  kept: 'decide.kept',
  drops: 'decide.drops',
  choices: 'decide.choices',
  manifest: 'shard.manifest',
} as const

/** The stage that loads, and its topic of splits. */
export function loaderOf({ spread }: RunShape): { readonly stage: 'load' | 'annotate'; readonly splits: string } {
  return spread ? { stage: 'load', splits: 'load.splits' } : { stage: 'annotate', splits: 'annotate.splits' }
}

/** Partitions of the topic of dead rows: a spread stage cuts all its topics. */
export function deadPartitionsOf({ spread, partitions }: RunShape): number {
  return spread ? partitions : 1
}
