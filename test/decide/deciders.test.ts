import { testDecider } from '../../conformance/decider.ts'
import { balance } from '../../src/decide/balance.ts'
import type { Decider } from '../../src/decide/decider.ts'
import { exactDuplicates } from '../../src/decide/exact-duplicates.ts'
import { holdout } from '../../src/decide/holdout.ts'
import { nearDuplicates } from '../../src/decide/near-duplicates.ts'
import { makeSlots } from './documents.ts'

const batches = makeSlots()
const deciders: Record<string, () => Decider> = {
  'exact-duplicates': exactDuplicates,
  'near-duplicates': nearDuplicates,
  'near-duplicates within a domain': () => nearDuplicates({ scope: 'domain' }),
  holdout: () => holdout({ rate: 0.2 }),
  balance: () => balance({ rates: { web: 0.5 } }),
}

for (const [name, make] of Object.entries(deciders)) testDecider(name, () => ({ decider: make(), batches }))
