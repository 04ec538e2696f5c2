import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chargeShare, chooseShare, openShares, removeShare, type Share } from '../../../src/feed/plan/mix.ts'
import { drawFrom } from '../../random.ts'

type Choose = (shares: readonly Share[], length: number) => Share | null

/** The largest distance of a domain from its weight, in samples, over `samples` samples. */
function measureError(weights: Record<string, number>, samples: number, choose: Choose): number {
  const length = 100
  const shares = openShares(weights, new Map())
  const given = new Map(shares.map(share => [share, 0]))
  let worst = 0
  for (let k = 1; k <= samples; k++) {
    const share = choose(shares, length)!
    chargeShare(shares, share, length)
    given.set(share, given.get(share)! + 1)
    for (const one of shares) worst = Math.max(worst, Math.abs(one.weight * k - given.get(one)!))
  }
  return worst
}

const randomWeights = (random: (below: number) => number) =>
  Object.fromEntries(Array.from({ length: 1 + random(12) }, (_, i) => [`d${i}`, 10 ** (random(40) / 10)]))

test('each domain stays within one sample of its weight after every sample', () => {
  const seed = 11
  const random = drawFrom(seed)
  for (let round = 0; round < 100; round++) {
    const weights = randomWeights(random)
    const error = measureError(weights, 2000, chooseShare)
    assert.ok(error < 1 + 1e-9, `seed ${seed} round ${round}: ${error} with ${JSON.stringify(weights)}`)
  }
})

test('choosing whoever is furthest behind would not do', () => {
  const furthestBehind: Choose = (shares, length) =>
    shares.reduce((a, b) => (b.carry + b.weight * length > a.carry + a.weight * length ? b : a))
  const random = drawFrom(11)
  const errors = Array.from({ length: 100 }, () => measureError(randomWeights(random), 2000, furthestBehind))
  assert.ok(Math.max(...errors) > 1)
})

test('short samples, changing weights and leaving domains keep the sum of carries at 0', () => {
  const random = drawFrom(5)
  let carries = new Map<string, number>()
  for (let step = 0; step < 300; step++) {
    const shares = openShares(randomWeights(random), carries)
    for (let k = 0; k < 16; k++) {
      if (shares.length > 1 && random(10) === 0) removeShare(shares, shares[random(shares.length)])
      chargeShare(shares, chooseShare(shares, 100)!, 1 + random(100))
    }
    const sum = shares.reduce((total, share) => total + share.carry, 0)
    assert.ok(Math.abs(sum) < 1e-6, `${sum}`)
    const weight = shares.reduce((total, share) => total + share.weight, 0)
    assert.ok(Math.abs(weight - 1) < 1e-9)
    carries = new Map(shares.map(share => [share.domain, share.carry]))
  }
})

test('domains with no weight have no share, and no domain no choice', () => {
  assert.deepEqual(
    openShares({ a: 0, b: 2, c: 6 }, new Map()).map(s => [s.domain, s.weight]),
    [
      ['b', 0.25],
      ['c', 0.75],
    ],
  )
  assert.equal(chooseShare([], 10), null)
})
