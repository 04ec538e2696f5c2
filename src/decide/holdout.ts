import { utf8 } from '../batch/batch.ts'
import { HeadraceError } from '../errors.ts'
import { hashUnit } from '../text/hash.ts'
import type { Decider } from './decider.ts'

export interface HoldoutOptions {
  /** Share of kept documents, from 0 to 1. */
  readonly rate: number
  /** A uint32; 0 by default. Another seed holds out other documents. */
  readonly seed?: number
}

/** Sets this draw apart from every other one with the same seed, so that what is held out is no sample that `balance` prefers. */
const salt = 0x686f6c64

/**
 * Moves a hashed share of the kept documents to the domain `holdout`, to evaluate on. It stands after the deciders that find
 * duplicates: a document held out is kept, so a later copy of it is dropped and can't leak into training.
 *
 *     .decide(exactDuplicates(), nearDuplicates(), holdout({ rate: 0.001 }))
 */
export function holdout({ rate, seed = 0 }: HoldoutOptions): Decider {
  if (!(rate >= 0 && rate <= 1))
    throw new HeadraceError('bad-option', `holdout: rate is ${rate}; give a number from 0 to 1`)
  return {
    name: 'holdout',
    version: 1,
    options: { rate, seed },
    reads: ['id'],
    reasons: [],
    tables: [],
    open(batch) {
      const { bytes, offsets } = utf8(batch, 'id')
      return {
        decide(row, verdict) {
          if (hashUnit(seed ^ salt, bytes.subarray(offsets[row], offsets[row + 1])) < rate) verdict.domain = 'holdout'
          return true
        },
        keep() {},
      }
    },
  }
}
