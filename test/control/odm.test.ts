import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addRewards, boundShares, explorationAt, sharesAt } from '../../src/control/odm.ts'

const named = (values: readonly number[]) => new Map(values.map((value, i) => [`d${i}`, value]))
const close = (a: number, b: number) => assert.ok(Math.abs(a - b) < 1e-9, `${a} and ${b}`)

// By an implementation of the paper's formula in another language.
const byReward: [t: number, rewards: number[], rate: number, shares: number[]][] = [
  [1, [5, 1], 0.5, [0.5, 0.5]],
  [2, [2, 1], 0.416277306, [0.52050525, 0.47949475]],
  [100, [30, 10, 5], 0.0605148, [0.60078471, 0.220595107, 0.178620182]],
  [100_000, [30, 10, 5], 0.001913646, [0.342911389, 0.33010694, 0.326981671]],
  [7, [0, 0, 0, 0], 0.222509579, [0.25, 0.25, 0.25, 0.25]],
  [2, [5000, 1], 0.416277306, [0.583722694, 0.416277306]],
  [50, [800, 1], 0.083255461, [0.916744539, 0.083255461]],
]
for (const [t, rewards, rate, shares] of byReward)
  test(`shares of step ${t} with rewards of ${rewards}`, () => {
    close(explorationAt(t, rewards.length), rate)
    const found = sharesAt(t, named(rewards))
    for (const [i, share] of shares.entries()) close(found.get(`d${i}`)!, share)
    close(
      found.values().reduce((sum, share) => sum + share, 0),
      1,
    )
  })

test('rewards are moving averages of losses by the shares under which they were given', () => {
  const steps: [losses: Record<string, number>, shares: number[]][] = [
    [{ d0: 3, d1: 2 }, [0.5, 0.5]],
    [{ d0: 2.5 }, [0.25, 0.75]],
    [{ d1: 1, d0: 2, other: 9 }, [0.25, 0.75]],
  ]
  let rewards: ReadonlyMap<string, number> = named([0, 0])
  for (const [losses, shares] of steps)
    rewards = addRewards(rewards, new Map(Object.entries(losses)), named(shares), 0.9)
  close(rewards.get('d0')!, 2.186)
  close(rewards.get('d1')!, 0.49333333333333323)
  assert.equal(rewards.size, 2)
})

const bounded: [shares: number[], min: number, max: number, expected: number[]][] = [
  [[0.5, 0.3, 0.2], 0, 1, [0.5, 0.3, 0.2]],
  [[0.8, 0.15, 0.05], 0.1, 1, [0.9 * (0.8 / 0.95), 0.9 * (0.15 / 0.95), 0.1]],
  [[0.8, 0.15, 0.05], 0, 0.6, [0.6, 0.3, 0.1]],
  [[0.9, 0.09, 0.01], 0.1, 0.6, [0.6, 0.3, 0.1]],
  [[0.52, 0.46, 0.01, 0.01], 0.2, 0.5, [0.6 * (0.52 / 0.98), 0.6 * (0.46 / 0.98), 0.2, 0.2]],
  [[0.98, 0.01, 0.01], 0, 0.5, [0.5, 0.25, 0.25]],
  [[0.97, 0.02, 0.01], 1 / 3, 1 / 3, [1 / 3, 1 / 3, 1 / 3]],
]
for (const [shares, min, max, expected] of bounded)
  test(`${shares} within ${min} and ${max}`, () => {
    const found = [...boundShares(named(shares), min, max).values()]
    for (const [i, share] of expected.entries()) close(found[i], share)
  })
