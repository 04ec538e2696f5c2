import type { Plan } from '../pipeline/plan.ts'
import type { Chunk } from '../sources/source.ts'

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
}

export type PlanLoader = (ref: PipelineRef) => Promise<Plan>

/** What the main thread asks of a worker. Buffers are transferred with it. */
export type Job =
  | { readonly kind: 'annotate'; readonly slot: number; readonly chunks: readonly Chunk[] }
  | { readonly kind: 'tokenize'; readonly slot: number; readonly value: Uint8Array }

export interface AnnotateResult {
  /** The `scored` entry, and the `dead` one or null. */
  readonly scored: Uint8Array
  readonly dead: Uint8Array | null
  readonly rows: number
  readonly deadRows: number
}
