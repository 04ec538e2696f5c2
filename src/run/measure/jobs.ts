import type { Plan } from '../../pipeline/plan.ts'
import type { RecallOrder } from '../../record/recalled.ts'
import type { Chunk } from '../../sources/source.ts'
import type { MeasuredBefore } from './reuse.ts'
import type { PlanIdentity } from './same-plan.ts'

/** How a thread gets the pipeline: a module whose `loadPlan(ref)` gives the plan. Functions cannot cross threads, this can. */
export interface PipelineRef {
  /** URL of a module that exports a `PlanLoader` named `loadPlan`. */
  readonly loader: string
  /** URL of the module whose default export is the pipeline. */
  readonly module: string
  /** Globs that replace the pipeline's own input. */
  readonly input: readonly string[]
  /** Waits for further files instead of ending. */
  readonly follow: boolean
  /** The plan is a recall's, made of the pipeline by this. */
  readonly recall?: RecallOrder
  /** The files of code that the first thread loaded, for a loader that can tell whether they are the same now. */
  readonly modules?: readonly (readonly [url: string, sha256: string])[]
  /** What the plan must be. Default whatever it is. */
  readonly identity?: PlanIdentity
}

export type PlanLoader = (ref: PipelineRef) => Promise<Plan>

/** A slot of the run that is replayed. */
export interface StoredSlot {
  /** Its entry of `scored`, joined where it is of a replay itself, and that of `dead` or null. */
  readonly value: Uint8Array
  readonly dead: Uint8Array | null
  /** Null where nothing that was measured holds: its records must be the same, and no more. */
  readonly before: MeasuredBefore | null
  /** Whose rows the replay refers to: these, or those that they are joined with; null for none, so that it stores all. */
  readonly base: 'self' | 'joined' | null
  /** In a recall, how each of its rows stands in the run that it is of (`recall.ts`). Default null. */
  readonly standings?: Uint8Array | null
  /** Only its texts are wanted, of the same rows. Default false. */
  readonly textsOnly?: boolean
}

/** What the main thread asks of a worker. It is copied, so that it can be asked again of another worker. */
export type Job =
  | {
      readonly kind: 'annotate'
      readonly slot: number
      /** Its records; none where all that is needed is stored. */
      readonly chunks: readonly Chunk[]
      /** What was measured of it by another pipeline, in a replay. */
      readonly stored: StoredSlot | null
      /** Set when the slot's rows are to be measured one by one. */
      readonly alone: Alone | null
    }
  | {
      readonly kind: 'tokenize'
      readonly slot: number
      readonly entries: DecidedValues
      /** Row by row. */
      readonly alone: boolean
    }
  | {
      /** The entry of `kept` is to have the texts of its rows. */
      readonly kind: 'keep'
      readonly slot: number
      readonly entries: DecidedValues
    }

/** The values of a decided slot's entries: of these the worker makes the kept rows. */
export interface DecidedValues {
  readonly scored: Uint8Array
  readonly kept: Uint8Array
}

/** How the rows of a slot are measured one by one. */
export interface Alone {
  /** Rows that are not measured again: they are dead. */
  readonly poison: readonly PoisonRow[]
  /** The row to begin with, or -1: one that a worker died on once. */
  readonly suspect: number
}

/** A row that hangs or kills the worker that measures it. */
export interface PoisonRow {
  readonly row: number
  readonly reason: 'took-too-long' | 'crashed-worker'
  readonly detail: string
}

/** What a worker is at, in memory that outlives it: whoever finds it dead or hanging reads where. */
const phases = ['idle', 'parsing', 'measuring', 'measuring-row', 'tokenizing', 'tokenizing-row', 'encoding'] as const
export type Phase = (typeof phases)[number]
/** `at` is the index of the chunk that is parsed, or the number of the row. */
export type Place = { readonly phase: Phase; readonly at: number }

/** The shared array: how many jobs were begun so far, the phase's index, `at`, and 1 once the worker is to stop. */
export const progressIndex = { begun: 0, phase: 1, at: 2, stopped: 3 } as const
export const progressBytes = 16

/** Says what is begun now. Throws where the worker is to stop. */
export type Report = (phase: Phase, at?: number) => void

export function readProgress(progress: Int32Array): Place & { readonly begun: number } {
  const read = (name: keyof typeof progressIndex) => Atomics.load(progress, progressIndex[name])
  return { begun: read('begun'), phase: phases[read('phase')], at: read('at') }
}

export function isStopped(progress: Int32Array): boolean {
  return Atomics.load(progress, progressIndex.stopped) === 1
}

export function reportTo(progress: Int32Array): Report {
  return (phase, at = 0) => {
    if (phase !== 'idle' && isStopped(progress)) throw new Error('the worker was stopped')
    Atomics.store(progress, progressIndex.at, at)
    Atomics.store(progress, progressIndex.phase, phases.indexOf(phase))
  }
}
