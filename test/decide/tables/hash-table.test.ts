import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StateBudget } from '../../../src/decide/tables/budget.ts'
import { HashTable } from '../../../src/decide/tables/hash-table.ts'
import { drawFrom } from '../../random.ts'

const openTable = () => new HashTable({ name: 'keys', kind: 'keyed', width: 4 }, new StateBudget(1e9))

/** Keys that strangers can make: hashes of texts tried until some of their bits are as wished. */
const crafted: Readonly<Record<string, (i: number) => readonly [high: number, low: number]>> = {
  'one low half': i => [i, 0],
  'one high half': i => [0, i],
  'low halves in one part of the table': i => [i, i & 0xfff],
  'high bits alone': i => [(i & 0xff) << 24, (i >>> 8) << 20],
  'halves that are equal': i => [i, i],
}

for (const [name, keyOf] of Object.entries(crafted))
  test(`60,000 keys with ${name} are found, taken back and found again in linear time`, () => {
    const table = openTable()
    const begin = process.cpuUsage().user
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < 60_000; i++) table.set(...keyOf(i), i)
      for (let i = 0; i < 60_000; i += 997) assert.ok(table.get(...keyOf(i)) >= 0)
      if (round === 0) table.rollback()
    }
    const milliseconds = (process.cpuUsage().user - begin) / 1000
    assert.ok(milliseconds < 1000, `${milliseconds} ms`)
  })

test('tables with other places find the same, through growth and rollback', () => {
  const seed = 20_261_128
  const random = drawFrom(seed)
  const tables = [openTable(), openTable()]
  let sealed = new Map<string, number>()
  let known = new Map<string, number>()
  for (let step = 0; step < 20_000; step++) {
    const [high, low] = [random(50), random(200)]
    const key = `${high} ${low}`
    for (const table of tables) assert.equal(table.get(high, low), known.get(key) ?? -1, `seed ${seed}, step ${step}`)
    if (step % 3 > 0) {
      for (const table of tables) table.set(high, low, step)
      if (!known.has(key)) known.set(key, step)
    }
    if (step % 500 === 499) {
      for (const table of tables) step % 1000 === 999 ? table.markSealed() : table.rollback()
      if (step % 1000 === 999) sealed = new Map(known)
      else known = new Map(sealed)
    }
  }
  for (const table of tables) assert.equal(table.size, known.size)
})
