import assert from 'node:assert/strict'
import { test } from 'node:test'
import { estimatePurity } from '../../src/value/purity.ts'

const samples: [right: number, judged: number][] = [
  [50, 50],
  [49, 50],
  [45, 50],
  [1, 1],
  [3, 1000],
  [900, 1000],
]
for (const [right, judged] of samples)
  test(`${right} of ${judged}: the bound is the share from which the sample is 1.645 standard errors away`, () => {
    const { purity, purityLow } = estimatePurity(right, judged)
    assert.equal(purity, right / judged)
    const error = Math.sqrt((purityLow * (1 - purityLow)) / judged)
    assert.ok(Math.abs((purity - purityLow) / error - 1.6448536) < 1e-6, `${purityLow}`)
  })

test('none right is nothing known, and no less', () => {
  assert.equal(estimatePurity(0, 50).purityLow, 0)
})
