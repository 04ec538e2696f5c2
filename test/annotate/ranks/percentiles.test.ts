import assert from 'node:assert/strict'
import { test } from 'node:test'
import { percentilesOf, rankIn } from '../../../src/annotate/ranks/percentiles.ts'
import { drawFrom, randomFrom } from '../../random.ts'

const seed = Math.floor(Math.random() * 2 ** 31)
const of = (values: readonly number[]) => percentilesOf(Float64Array.from(values), values.length)

const ranks: [what: string, values: number[], value: number, rank: number][] = [
  ['below all', [0, 10], -1, 0],
  ['the least', [0, 10], 0, 0],
  ['between', [0, 10], 2.55, 0.255],
  ['the greatest', [0, 10], 10, 1],
  ['above all', [0, 10], 11, 1],
  ['no value', [0, 10], Number.NaN, Number.NaN],
  ['infinite', [0, 10], Number.POSITIVE_INFINITY, 1],
  ['a group of one document', [5], 5, 0.5],
  ['below it', [5], 4.9, 0],
  ['half of the group is equal', [0, 0, 0, 1, 2], 0, 0.25],
  ['of values whose difference is infinite', [-1e308, 1e308], -1e308 + 1, 0],
]
for (const [what, values, value, rank] of ranks)
  test(`rank: ${what}`, () => {
    const found = rankIn(of(values), value)
    assert.ok(Object.is(found, rank) || Math.abs(found - rank) < 1e-12, `${found}`)
  })

test('points are those of sorted values, and ranks rise with the value and are the share below it', () => {
  const [draw, unit] = [drawFrom(seed), randomFrom(seed)]
  for (let round = 0; round < 200; round++) {
    // Few different values, so that many are equal, or any.
    const values = Array.from({ length: 1 + draw(400) }, () =>
      round % 2 ? draw(20) : (unit() - 0.5) * 10 ** draw(300),
    )
    const percentiles = of(values)
    const sorted = values.toSorted((a, b) => a - b)
    assert.deepEqual([percentiles.points[0], percentiles.points[100]], [sorted[0], sorted.at(-1)])
    const found = sorted.map(value => rankIn(percentiles, value))
    for (const [i, rank] of found.entries()) {
      assert.ok(i === 0 || rank >= found[i - 1], `rank ${rank} follows ${found[i - 1]}`)
      const below = sorted.filter(one => one < sorted[i]).length / sorted.length
      const upTo = sorted.filter(one => one <= sorted[i]).length / sorted.length
      assert.ok(rank >= below - 0.02 && rank <= upTo + 0.02, `${rank} is not within ${below} and ${upTo}`)
    }
  }
})
