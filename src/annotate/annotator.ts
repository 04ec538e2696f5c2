import type { Batch, Columns, Field } from '../batch/batch.ts'
import type { Measures } from './measure.ts'

/** A model or list that an annotator depends on. Its hash is part of the fingerprint of all that the annotator writes. */
export interface Resource {
  readonly name: string
  readonly sha256: string
}

/**
 * One threshold, as data. A row is dropped for `reason` when the value of `column` is below `below`, above `above`, not one of
 * `oneOf`, or one of `noneOf`. Comparisons are strict; NaN (not measured) never drops. The value is the drop's evidence.
 */
export interface Rule {
  readonly reason: string
  readonly column: string
  readonly below?: number
  readonly above?: number
  readonly oneOf?: readonly string[]
  readonly noneOf?: readonly string[]
}

/**
 * Measures documents and never drops one.
 *
 * Called on a worker with batches in any order; the same rows must give the same columns whatever came before, so it keeps no
 * state but caches. It returns one value a row for each of `writes`, and may return `text` when it declares it. Loading a model
 * happens at the first call. A throw means a bug or a bad row: the stage bisects the batch and the row becomes dead.
 */
export interface Annotator {
  readonly name: string
  /** Raised whenever the same input may give another output. */
  readonly version: number
  /** Same bytes out on any machine. A model whose floats may differ says false: its answers are stored, never recomputed. */
  readonly exact: boolean
  /** What the caller chose, as JSON. */
  readonly options: Readonly<Record<string, unknown>>
  /** The part of it that its columns depend on, which is in their fingerprints; all of it by default. */
  readonly measuredWith?: Readonly<Record<string, unknown>>
  readonly reads: readonly string[]
  readonly writes: readonly Field[]
  readonly resources: readonly Resource[]
  /** The default rules, in the order in which they are tried. */
  readonly rules: readonly Rule[]
  /** What its columns say, for people: in no fingerprint. */
  readonly measures?: Measures
  /** What was passed over when it was made, which people are told before a run: in no fingerprint. */
  readonly notes?: readonly string[]
  annotate(batch: Batch, signal?: AbortSignal): Columns | Promise<Columns>
}
