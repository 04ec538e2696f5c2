import assert from 'node:assert/strict'
import { test } from 'node:test'
import { measureAgreement } from '../../src/value/agreement.ts'

const repeat = (count: number, a: string, b: string) => Array.from({ length: count }, () => [a, b] as [string, string])
const near = (value: number | null, wanted: number) => assert.ok(Math.abs(value! - wanted) < 1e-12, `${value}`)

test('kappa of a table worked by hand: 20 and 15 of 50 agree, 0.7 observed and 0.5 by chance', () => {
  const pairs = [
    ...repeat(20, 'yes', 'yes'),
    ...repeat(5, 'yes', 'no'),
    ...repeat(10, 'no', 'yes'),
    ...repeat(15, 'no', 'no'),
  ]
  const { kappa, same, labels, confusion, weightedKappa, meanDifference } = measureAgreement(pairs)
  near(same, 0.7)
  near(kappa, 0.4)
  assert.deepEqual(labels, ['no', 'yes'])
  // The first judge's labels are rows.
  assert.deepEqual(confusion, [
    [15, 10],
    [5, 20],
  ])
  assert.deepEqual([weightedKappa, meanDifference], [null, null])
})

test('of numbers what is near counts for more, and who is above whom is said', () => {
  const near1 = measureAgreement([...repeat(10, '0', '1'), ...repeat(10, '5', '5'), ...repeat(10, '2', '3')])
  const far = measureAgreement([...repeat(10, '0', '5'), ...repeat(10, '5', '5'), ...repeat(10, '2', '0')])
  assert.ok(near1.weightedKappa! > 0.9 && far.weightedKappa! < 0.2)
  near(near1.meanDifference, -2 / 3)
  // Σ o·d = 20 and Σ e·d = 10 · (1 + 25 + 9 + 16 + 0 + 4 + 1 + 9 + 1) / 3.
  near(near1.weightedKappa, 1 - 20 / (660 / 3))
})

test('numbers are the same however they are written, and are in their order', () => {
  const { same, labels } = measureAgreement([...repeat(1, '10', '10.0'), ...repeat(1, '9', '9')])
  assert.deepEqual([same, labels], [1, ['9', '10']])
})

test('one label alone says nothing, and always the same is 1', () => {
  assert.ok(Number.isNaN(measureAgreement(repeat(50, '3', '3')).kappa))
  near(measureAgreement([...repeat(5, '3', '3'), ...repeat(5, '4', '4')]).kappa, 1)
  near(measureAgreement([...repeat(5, '3', '4'), ...repeat(5, '4', '3')]).kappa, -1)
})

test("a label of a prototype's name is a label", () => {
  near(measureAgreement([...repeat(5, '__proto__', '__proto__'), ...repeat(5, 'constructor', 'constructor')]).kappa, 1)
})
