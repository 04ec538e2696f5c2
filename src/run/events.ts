import type { Append, Share } from '../log/log.ts'
import type { Figures } from '../record/figures.ts'
import type { StageName } from '../record/layout.ts'
import type { ShardTotals } from '../record/totals.ts'
import type { Trip } from '../record/trip.ts'
import type { LeftOut } from '../sources/left-out.ts'
import type { LostWorker } from './measure/pool.ts'

/** What a run tells whoever watches it, as it happens. Nothing that a run does depends on it. */
export type RunEvent =
  | { readonly kind: 'opened'; readonly log: 'embedded' | 'kafka'; readonly stages: readonly StageName[] }
  | { readonly kind: 'loaded'; readonly slot: number; readonly bytes: number }
  | { readonly kind: 'stage-began'; readonly stage: StageName; readonly slot: number; readonly note: string }
  /** What reading a split passed over although no record was lost, in words. Told again when it is read again. */
  | { readonly kind: 'passed-over'; readonly split: string; readonly what: string }
  /** What lies beside the files that the source has listed and is not read: where it has changed. */
  | { readonly kind: 'left-out'; readonly leftOut: readonly LeftOut[] }
  /** `error` is what stopped the stage, its own failure or another's, or null. */
  | { readonly kind: 'stage-ended'; readonly stage: StageName; readonly error: unknown }
  | Committed
  | { readonly kind: 'commit-failed'; readonly stage: StageName; readonly error: unknown }
  /** Bytes of memory that the deciders' tables take. */
  | { readonly kind: 'tables'; readonly bytes: number }
  | { readonly kind: 'held'; readonly slot: number; readonly trips: readonly Trip[] }
  /** The rows of the slots before this one are in shards, sealed or still open. `totals` goes on to count. */
  | { readonly kind: 'sharded'; readonly slot: number; readonly totals: Readonly<ShardTotals> }
  /** Steps that are published in all. */
  | { readonly kind: 'steps'; readonly steps: number }
  | ({ readonly kind: 'worker-lost' } & LostWorker)
  /** Bytes of input in all. */
  | { readonly kind: 'input'; readonly bytes: number }
  /** What the source waits for before it can go on, in words. */
  | { readonly kind: 'source-waits'; readonly waiting: string }
  /** Splits that came after the run had ended. */
  | { readonly kind: 'later-splits'; readonly splits: number }
  /** A follower's split changed after it was listed: what was read of it stays, and the next start refuses it. */
  | { readonly kind: 'split-changed'; readonly split: string; readonly was: string; readonly now: string }
  /** In a spread run: this process has joined the others, and holds these shares of the work. */
  | { readonly kind: 'shares'; readonly shares: readonly Share[]; readonly change: ShareChange | null }
  /** In a spread run, now and then: how far each stage is, whoever works on it. */
  | {
      readonly kind: 'positions'
      readonly slots: Readonly<Partial<Record<StageName, number>>>
      readonly figures: Figures
    }

/** A share that was taken, given back, or lost with the membership, or whose owner another process fenced. */
export interface ShareChange {
  readonly what: 'taken' | 'given' | 'lost' | 'fenced'
  readonly share: Share
}

/** A commit that lasts: the slot that is expected next, the stage's note, and the seconds that it took. */
export interface Committed {
  readonly kind: 'committed'
  readonly stage: StageName
  readonly slot: number
  readonly note: string
  readonly seconds: number
  readonly appends: readonly Append[]
}

export type Watch = (event: RunEvent) => void
