import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addressOf } from '../../src/decide/decider.ts'
import { RowSet } from '../../src/diff/row-set.ts'
import { limits } from '../../src/limits.ts'
import { randomFrom } from '../random.ts'
import { setLimits } from '../simulate/small-limits.ts'

test('it has what was added and nothing else, in any order of slots and rows', () => {
  const seed = 15
  const random = randomFrom(seed)
  const [rows, added] = [new RowSet(), new Set<number>()]
  for (let i = 0; i < 2000; i++) {
    const address = addressOf(Math.floor(random() * 5) * 2 ** 20, Math.floor(random() ** 3 * limits.slotRowsMax))
    rows.add(address)
    added.add(address)
  }
  for (const address of added)
    for (const near of [address - 1, address, address + 1, address + 8])
      assert.equal(rows.has(near), added.has(near), `seed ${seed}, ${near}`)
})

test('it grows to its limit, and then says so', () => {
  setLimits({ diffBytesMax: 1000 })
  const rows = new RowSet()
  assert.throws(
    () => {
      for (let slot = 0; slot < 10; slot++) rows.add(addressOf(slot, 0))
    },
    { code: 'limit', message: /too many are kept by one run alone/ },
  )
  assert.equal(rows.has(addressOf(3, 0)), true)
})
