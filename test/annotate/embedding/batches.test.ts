import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cutBatches } from '../../../src/annotate/embedding/batches.ts'
import { randomFrom } from '../../random.ts'

const cases: [lengths: number[], textsMax: number, sizeMax: number, batches: number[][]][] = [
  [[], 2, 10, []],
  [[5], 2, 10, [[0]]],
  [[3, 1, 2], 2, 10, [[1, 2], [0]]],
  [[6, 6, 1], 9, 10, [[2, 0], [1]]],
  [[99, 1], 9, 10, [[1], [0]]],
  [[0, 0, 0], 2, 0, [[0, 1], [2]]],
]
for (const [lengths, textsMax, sizeMax, batches] of cases)
  test(`lengths ${lengths} in batches of ${textsMax} texts and ${sizeMax}: ${JSON.stringify(batches)}`, () => {
    assert.deepEqual(cutBatches(lengths, textsMax, sizeMax), batches)
  })

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 32))
test(`each text is in one batch, and lengths rise (seed ${seed})`, t => {
  t.diagnostic(`SEED=${seed}`)
  const random = randomFrom(seed)
  const lengths = Array.from({ length: 300 }, () => Math.floor(random() * 50))
  const all = cutBatches(lengths, 16, 200).flat()
  assert.deepEqual(
    all.map(i => lengths[i]),
    [...lengths].sort((a, b) => a - b),
  )
  assert.equal(new Set(all).size, 300)
})
