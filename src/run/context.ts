import type { Decider } from '../decide/decider.ts'
import type { Log } from '../log/log.ts'
import type { Plan } from '../pipeline/plan.ts'
import type { RunShape } from '../record/layout.ts'
import type { Segment } from '../record/run-file.ts'
import type { RunReader } from '../record/run-reader.ts'
import type { Watch } from './events.ts'
import type { Lead } from './lead.ts'
import type { Pool } from './measure/pool.ts'

/** What stages ask of the threads. */
export type Work = Pick<Pool, 'size' | 'annotate' | 'tokenize' | 'keepTexts'>

/** What stands in a run's tables before its first slot is decided. */
export interface Priming {
  /** The documents that these runs keep, whose slots are the run's own. */
  readonly runs: readonly RunReader[]
  /** Of the slots before this one. */
  readonly to: number
  /** Those of the run's deciders that enter them. */
  isEntered(decider: Decider): boolean
}

/** What every stage of a run is given. */
export interface RunContext {
  readonly dir: string
  readonly plan: Plan
  readonly shape: RunShape
  readonly segments: readonly Segment[]
  /** What the run's notes and tables are bound with (`record/binding.ts`); null for a run of an older version. */
  readonly binding: string | null
  /** What stands in the deciders' tables before the first slot. Default null: nothing. */
  readonly priming?: Priming | null
  readonly log: Log
  readonly pool: Work
  /** Holds loading back for the stages behind it. */
  readonly lead: Lead
  /** Aborts when no further input is to be loaded: finish what was begun and stop. */
  readonly drain: AbortSignal
  /** Aborts when another stage failed: stop at once. */
  readonly failed: AbortSignal
  /** Told what happens. */
  readonly watch: Watch
  /** Throws `fenced` when the run is another process's. Asked before each effect that the log does not fence. */
  checkOwner(): void
}
