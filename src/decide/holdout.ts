import { utf8 } from '../batch/batch.ts'
import { type OptionsOf, optional, required, resolveOptions, share, uint32 } from '../options.ts'
import { hashUnit } from '../text/hash.ts'
import type { Decider } from './decider.ts'

export const holdoutOptions = {
  rate: required('share of kept documents to hold out', share),
  seed: optional('another seed holds out other documents', uint32, 0),
}

/** Documents that are kept for evaluation; fed only where a mixture names the domain. */
export const holdoutDomain = 'holdout'

/** Sets this draw apart from every other one with the same seed, so that what is held out is no sample that `balance` prefers. */
const salt = 0x686f6c64

/**
 * Moves a hashed share of the kept documents to the domain `holdout`, to evaluate on. It stands after the deciders that find
 * duplicates: a document held out is kept, so a later copy of it is dropped and can't leak into training.
 *
 *     .decide(exactDuplicates(), nearDuplicates(), holdout({ rate: 0.001 }))
 */
export function holdout(options: OptionsOf<typeof holdoutOptions>): Decider {
  const { rate, seed } = resolveOptions('holdout()', holdoutOptions, options)
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
          if (hashUnit(seed ^ salt, bytes.subarray(offsets[row], offsets[row + 1])) < rate)
            verdict.domain = holdoutDomain
          return true
        },
        keep() {},
      }
    },
  }
}
