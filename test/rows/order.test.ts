import assert from 'node:assert/strict'
import { test } from 'node:test'
import { primeFactors, samplesByRow } from '../../src/rows/order.ts'

test('prime factors, the smallest first', () => {
  const known: [number, number[]][] = [
    [1, []],
    [2, [2]],
    [12, [2, 2, 3]],
    [97, [97]],
    [1024, Array(10).fill(2)],
    [2 * 3 * 5 * 7 * 7, [2, 3, 5, 7, 7]],
  ]
  for (const [number, factors] of known) assert.deepEqual(primeFactors(number), factors)
})

/** In how many stretches of rows a rank's samples lie. */
function countStretches(order: Int32Array, rank: number, world: number): number {
  let stretches = 0
  for (const [row, sample] of order.entries())
    if (sample % world === rank && (row === 0 || order[row - 1] % world !== rank)) stretches++
  return stretches
}

test('every sample has one row, and of a world that is a product of the first factors each rank has one stretch', () => {
  for (const batch of [...Array(200).keys(), 256, 360, 1024].slice(1)) {
    const order = samplesByRow(batch)
    assert.deepEqual(
      [...order].sort((a, b) => a - b),
      [...Array(batch).keys()],
    )
    let world = 1
    for (const factor of [1, ...primeFactors(batch)]) {
      world *= factor
      for (let rank = 0; rank < world; rank++)
        assert.equal(countStretches(order, rank, world), 1, `batch ${batch}, rank ${rank} of ${world}`)
    }
  }
})

test('of a power of two the rows are in bit-reversed order', () =>
  assert.deepEqual([...samplesByRow(8)], [0, 4, 2, 6, 1, 5, 3, 7]))

test('another world, as 3 of a batch of 12, has several stretches a rank', () => {
  const order = samplesByRow(12)
  assert.deepEqual([...order], [0, 4, 8, 2, 6, 10, 1, 5, 9, 3, 7, 11])
  for (let rank = 0; rank < 3; rank++) assert.ok(countStretches(order, rank, 3) > 1)
})
