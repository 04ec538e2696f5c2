import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mix32 } from '../../../src/text/hash.ts'
import { collectDistinct } from '../../../src/text/likeness/distinct.ts'

const hashesOf = (pairs: readonly (readonly [number, number])[]) => ({
  low: Uint32Array.from(pairs, ([low]) => low),
  high: Uint32Array.from(pairs, ([, high]) => high),
})

test('the first different hashes, in their order: both halves count', () => {
  const pairs = [
    [1, 2],
    [1, 3],
    [1, 2],
    [0, 0],
    [2, 2],
    [0, 0],
    [2, 1],
  ] as const
  const cases: [max: number, found: readonly (readonly [number, number])[]][] = [
    [9, [pairs[0], pairs[1], pairs[3], pairs[4], pairs[6]]],
    [2, [pairs[0], pairs[1]]],
  ]
  for (const [max, found] of cases)
    assert.deepEqual(collectDistinct(hashesOf(pairs), pairs.length, max), hashesOf(found))
  assert.equal(collectDistinct(hashesOf([[5, 5]]), 1, 100).low.length, 1)
})

test('2,000 random hashes, each a thousand times', () => {
  const hashes = { low: new Uint32Array(2_000_000), high: new Uint32Array(2_000_000) }
  hashes.low.forEach((_, i) => {
    hashes.low[i] = mix32(i % 2000)
    hashes.high[i] = mix32((i % 2000) + 1e6)
  })
  assert.equal(collectDistinct(hashes, 2_000_000, 4000).low.length, 2000)
})

test('hashes that were made to meet take linear time', () => {
  const count = 4_000_000
  // All in one row of places, and one short of what is wanted, the last one over and over.
  const low = Uint32Array.from({ length: count }, (_, i) => Math.min(i, 1790))
  const high = low.map(half => half ^ 0x5eed)
  const begin = process.cpuUsage().user
  collectDistinct({ low, high }, count, 1792)
  assert.ok(process.cpuUsage().user - begin < 1.5e6, `${process.cpuUsage().user - begin} us`)
})
