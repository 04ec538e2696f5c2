import type { Address } from '../decide/decider.ts'
import type { TokenRates } from '../record/token-rates.ts'
import type { BrokenRules } from './broken-rules.ts'
import type { Tally } from './tally.ts'
import type { Part } from './trial.ts'

export interface Asked {
  /** What decided the run, as it says. */
  readonly recorded: readonly Part[]
  /** What is tried, each in one pass with the others. */
  readonly tried: readonly (readonly Part[])[]
  /** Whether nothing is changed: then each row's fate must be the recorded one. */
  readonly isSame: boolean
  readonly by: 'domain' | 'language' | null
  /** Of each kind, of the first that is tried. */
  readonly samplesMax: number
}

/** A document whose fate would be another. */
export interface Sample {
  readonly slot: number
  readonly row: number
  readonly index: number
  readonly from: string
  /** Null where nothing stored decides it. */
  readonly to: string | null
  /** What dropped it: in the run for one that would be kept, else as it would be. */
  readonly evidence: number | string | null
  readonly duplicateOf: Address
}

export interface Answer {
  readonly documents: number
  readonly dead: number
  readonly textBytes: number
  /** Slots that were looked at, from the first to before the last. */
  readonly slots: readonly [number, number]
  readonly isEnded: boolean
  readonly tallies: readonly Tally[]
  readonly rates: TokenRates
  /** The rules of the first that is tried, in its last part. */
  readonly broken: BrokenRules
  readonly returned: readonly Sample[]
  readonly removed: readonly Sample[]
  readonly unmeasured: readonly Sample[]
}
