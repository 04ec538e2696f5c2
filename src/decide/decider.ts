import type { Batch } from '../batch/batch.ts'
import type { State, TableShape } from './state.ts'

/** A document's address: slot * 2^20 + row. Exact in a float64 to 2^33 slots (see limits.slotRowsMax). */
export type Address = number
const rowsOfSlot = 2 ** 20

export const addressOf = (slot: number, row: number): Address => slot * rowsOfSlot + row
export const slotOf = (address: Address): number => Math.floor(address / rowsOfSlot)
export const rowOf = (address: Address): number => address % rowsOfSlot

/** Where a decider writes why it drops a row. The stage resets it for each row. */
export interface Verdict {
  /** The drop's reason, or empty for kept. One of the decider's `reasons`. */
  reason: string
  /** The measured value that decided, or NaN. */
  evidence: number
  /** The same as text, where the value is a string (a language); otherwise empty. */
  evidenceText: string
  /** The kept document that this one repeats, or -1. */
  duplicateOf: Address
  /** Estimated similarity to it, or NaN. */
  similarity: number
  /** The domain that a kept row goes to, when it is not its own; otherwise empty. */
  domain: string
}

/**
 * Decides each row's fate, in slot order, one row after the other through all deciders.
 *
 * `open` binds a batch's columns once; `decide` is then called for rows that no earlier decider dropped, and `keep` for those
 * that every decider kept, before the next row is decided. So a table holds kept documents only, and a drop always names one.
 * No clock, randomness, I/O or waiting: a state that was lost is rebuilt by calling this again over the same slots.
 */
export interface Decider {
  readonly name: string
  readonly version: number
  readonly options: Readonly<Record<string, unknown>>
  readonly reads: readonly string[]
  readonly reasons: readonly string[]
  readonly tables: readonly TableShape[]
  /** `slot` numbers the batch; the column `row` holds each row's number in it. */
  open(batch: Batch, slot: number, state: State): RowDecider
}

export interface RowDecider {
  /** Returns true to keep, or fills `verdict` and returns false. May set `verdict.domain` on a kept row. */
  decide(row: number, verdict: Verdict): boolean
  keep(row: number): void
}
