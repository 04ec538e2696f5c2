import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RowsByReason, shareEvenly, shareOut } from '../../src/page/sample-rows.ts'

const shares: [counts: Record<string, number>, most: number, least: number, given: Record<string, number>][] = [
  [{ a: 5, b: 3 }, 8, 2, { a: 5, b: 3 }],
  [{ a: 1000, b: 100, c: 1 }, 101, 10, { a: 83, b: 16, c: 1 }],
  [{ a: 1000, b: 1000 }, 10, 200, { a: 5, b: 5 }],
  [{ a: 10_000, b: 0 }, 100, 10, { a: 100, b: 0 }],
]
for (const [counts, most, least, given] of shares)
  test(`${most} rows of ${JSON.stringify(counts)}, at least ${least} of each`, () => {
    assert.deepEqual(Object.fromEntries(shareOut(new Map(Object.entries(counts)), most, least)), given)
  })

const evenly: [counts: Record<string, number>, most: number, given: Record<string, number>][] = [
  [{ a: 1000, b: 2, c: 30 }, 20, { b: 2, c: 9, a: 9 }],
  [{ a: 1, b: 1, c: 1 }, 2, { a: 0, b: 1, c: 1 }],
  [{ a: 3 }, 0, { a: 0 }],
  [{}, 5, {}],
]
for (const [counts, most, given] of evenly)
  test(`${most} documents of ${JSON.stringify(counts)}, as many of one as of another`, () => {
    assert.deepEqual(Object.fromEntries(shareEvenly(new Map(Object.entries(counts)), most)), given)
  })

test('which rows are chosen depends on addresses and the seed, and not on the order in which they come', () => {
  const choose = (seed: number, isReversed: boolean) => {
    const rows = new RowsByReason<{ slot: number; row: number }>(new Map([['a', 5]]), seed)
    const all = Array.from({ length: 200 }, (_, i) => ({ slot: Math.floor(i / 50), row: i % 50 }))
    for (const one of isReversed ? all.reverse() : all) rows.offer('a', one.slot, one.row, () => one)
    assert.equal(rows.counts.get('a'), 200)
    return rows.all()
  }
  const chosen = choose(1, false)
  assert.equal(chosen.length, 5)
  assert.deepEqual(choose(1, true), chosen)
  assert.notDeepEqual(choose(2, false), chosen)
})
