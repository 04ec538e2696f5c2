import { stringAt, utf8 } from '../batch/batch.ts'
import { HeadraceError } from '../errors.ts'
import { hashUnit } from '../text/hash.ts'
import type { Decider } from './decider.ts'

export interface BalanceOptions {
  /** Share of each domain's documents to keep, from 0 to 1; a domain that is not named keeps all. */
  readonly rates: Readonly<Record<string, number>>
  /** A uint32; 0 by default. */
  readonly seed?: number
}

/**
 * Keeps a hashed share of each domain. A document's draw depends on its id and the seed alone, so a raised rate keeps all that
 * the lower one kept. A document that an earlier decider moved counts for the domain it was moved to. The evidence is the draw.
 *
 *     .decide(exactDuplicates(), nearDuplicates(), balance({ rates: { code: 0.5 } }))
 */
export function balance({ rates, seed = 0 }: BalanceOptions): Decider {
  for (const [domain, rate] of Object.entries(rates))
    if (!(rate >= 0 && rate <= 1))
      throw new HeadraceError('bad-option', `balance: the rate of '${domain}' is ${rate}; give a number from 0 to 1`)
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
