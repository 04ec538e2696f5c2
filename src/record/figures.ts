import { startPosition } from '../log/log.ts'
import type { LeftOut } from '../sources/left-out.ts'
import { type Standing, standingAt } from './standing.ts'
import type { DecideTotals, ShardTotals } from './totals.ts'

/** A run's figures at some moment. */
export interface Figures {
  /** Bytes of input in all, or 0 where nobody can tell, and bytes read so far. */
  readonly inputBytes: number
  readonly readBytes: number
  /** Bytes read before this process began, so that rates count its own work. */
  readonly readBytesBefore: number
  /** Records that only say that a key was deleted, which are no documents. */
  readonly tombstones: number
  /** Slots that each stage is done with. */
  readonly annotated: number
  readonly decided: number
  readonly sharded: number
  readonly steps: number
  /** Splits that came after the run had ended: it does not have them. */
  readonly laterSplits: number
  /** What lies beside the input and is not read. */
  readonly leftOut: readonly LeftOut[]
  /** What this process passed over when it read although no record was lost: columns that it could not read. */
  readonly passedOver: number
  readonly decide: DecideTotals
  readonly shard: ShardTotals
}

/** The figures of a run whose stages stand there. */
export function figuresOf({ load, annotated, decide, shard }: Standing): Figures {
  return {
    inputBytes: 0,
    readBytes: load.readBytes,
    readBytesBefore: load.readBytes,
    tombstones: load.tombstones,
    annotated,
    decided: decide.slot,
    sharded: shard.slot,
    steps: 0,
    laterSplits: 0,
    leftOut: load.leftOut ?? [],
    passedOver: 0,
    decide: decide.totals,
    shard: shard.totals,
  }
}

/** The figures of a run that has not begun. */
export function emptyFigures(): Figures {
  const start = startPosition(0)
  return figuresOf(standingAt(start, 0, start, start))
}
