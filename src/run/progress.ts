import { type DecideTotals, emptyDecideTotals, emptyShardTotals, type ShardTotals } from '../record/totals.ts'

/** A run's figures while it goes, for whoever shows them. Stages write, nobody else does. */
export interface Progress {
  /** Bytes of input in all, where the source can tell, and bytes read so far. */
  inputBytes: number
  readBytes: number
  /** Slots committed by each stage. */
  annotated: number
  decided: number
  sharded: number
  /** Bytes read before this process began, so that rates count its own work. */
  readBytesBefore: number
  steps: number
  /** Splits that came after the run had ended: it does not have them. */
  laterSplits: number
  decide: DecideTotals
  shard: ShardTotals
}

export const emptyProgress = (): Progress => ({
  ...{
    inputBytes: 0,
    readBytes: 0,
    readBytesBefore: 0,
    annotated: 0,
    decided: 0,
    sharded: 0,
    steps: 0,
    laterSplits: 0,
  },
  decide: emptyDecideTotals(),
  shard: emptyShardTotals(),
})
