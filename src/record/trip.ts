import type { Guard } from '../pipeline/guard.ts'

/** A document that was removed. A dead one has no id: what was wrong with it stands in its place. */
export interface RemovedDocument {
  readonly id: string
  readonly file: string
  readonly line: number
}

/** A group whose share of removed rows left its band. */
export interface Trip {
  /** The guard's name, and the domain, language or reason; for a guard of all rows `all`. */
  readonly guard: string
  readonly by: Guard['by']
  readonly group: string
  /** Of the window so far. */
  readonly rows: number
  readonly removed: number
  readonly rate: number
  /** The bounds, or null. */
  readonly above: number | null
  readonly below: number | null
  /** First slot of the window, and the one at which the share left the band. */
  readonly firstSlot: number
  readonly slot: number
  /** What took most, with the rows it took: reasons; for a guard by reason the domains. At most five. */
  readonly parts: readonly (readonly [string, number])[]
  /** Documents of the slot that were removed for the first of these, or in this group. At most three. */
  readonly samples: readonly RemovedDocument[]
}

/** Counts of a window as a position's note keeps them: those of each group are name, rows, removed, released, parts. */
export interface GuardNote {
  readonly guard: string
  readonly window: number
  readonly rows: number
  readonly groups: readonly (readonly [string, number, number, boolean, readonly (readonly [string, number])[]])[]
}

/** Documents that a trip names. */
export const samplesMax = 3
