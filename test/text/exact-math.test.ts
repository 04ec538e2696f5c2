import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exponential, naturalLog } from '../../src/text/exact-math.ts'
import { mix32 } from '../../src/text/hash.ts'

function assertLog(x: number): void {
  const error = Math.abs(naturalLog(x) - Math.log(x))
  assert.ok(error <= Math.abs(Math.log(x)) * 5e-16, `ln ${x} is ${naturalLog(x)}, not ${Math.log(x)}`)
}

test('exponentials and logarithms are within 2 ulp of the engine', () => {
  for (const x of [1, 2, 3, 10, 256, 4096, 1e-8, 1e-300, 1e300, 0.5, Math.E, 0.72, 1.43]) assertLog(x)
  for (let i = 0; i < 100_000; i++) {
    const unit = mix32(i) / 2 ** 32
    const x = (unit - 0.5) * 200
    assert.ok(Math.abs(exponential(x) / Math.exp(x) - 1) < 5e-16, `e^${x} is ${exponential(x)}, not ${Math.exp(x)}`)
    assertLog(unit * 2 + 1e-5)
  }
})

test('what has no exponential or logarithm', () => {
  assert.deepEqual([0, 200, -200, Number.NaN].map(exponential), [1, Number.POSITIVE_INFINITY, 0, Number.NaN])
  const { POSITIVE_INFINITY, NaN: none } = Number
  assert.deepEqual([1, 0, -1, POSITIVE_INFINITY, none].map(naturalLog), [0, none, none, none, none])
})
