import { stringAt, utf8 } from '../batch/batch.ts'
import { type OptionsOf, optional, recordOf, required, resolveOptions, share, uint32 } from '../options.ts'
import { hashUnit } from '../text/hash.ts'
import type { Decider } from './decider.ts'

export const balanceOptions = {
  rates: required("share of each domain's documents to keep; a domain that is not named keeps all", recordOf(share)),
  seed: optional('another seed keeps other documents', uint32, 0),
}

/**
 * Keeps a hashed share of each domain. A document's draw depends on its id and the seed alone, so a raised rate keeps all that
 * the lower one kept. A document that an earlier decider moved counts for the domain it was moved to. The evidence is the draw.
 *
 *     .decide(exactDuplicates(), nearDuplicates(), balance({ rates: { code: 0.5 } }))
 */
export function balance(options: OptionsOf<typeof balanceOptions>): Decider {
  const { rates, seed } = resolveOptions('balance()', balanceOptions, options)
  const rateOf = new Map(Object.entries(rates))
  return {
    name: 'balance',
    version: 1,
    options: { rates, seed },
    reads: ['id', 'domain'],
    reasons: ['over-domain-rate'],
    tables: [],
    open(batch) {
      const { bytes, offsets } = utf8(batch, 'id')
      const domains = utf8(batch, 'domain')
      return {
        decide(row, verdict) {
          const rate = rateOf.get(verdict.domain || stringAt(domains, row)) ?? 1
          const draw = rate < 1 ? hashUnit(seed, bytes.subarray(offsets[row], offsets[row + 1])) : 0
          if (rate === 1 || draw < rate) return true
          verdict.reason = 'over-domain-rate'
          verdict.evidence = draw
          return false
        },
        keep() {},
      }
    },
  }
}
