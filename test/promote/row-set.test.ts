import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addressOf } from '../../src/decide/decider.ts'
import { RowSet } from '../../src/promote/row-set.ts'
import { drawFrom } from '../random.ts'

test('a set of rows has what was added, in whatever order', () => {
  const seed = Date.now() % 2 ** 31
  const random = drawFrom(seed)
  const rows = new RowSet()
  const known = new Set<number>()
  for (let i = 0; i < 4000; i++) {
    const address = addressOf(random(40) ** 2, random(10) === 0 ? random(2 ** 20) : random(200))
    rows.add(address)
    known.add(address)
  }
  assert.equal(rows.count, known.size, `seed ${seed}`)
  for (const address of known) assert.ok(rows.has(address), `seed ${seed}: ${address}`)
  for (let i = 0; i < 4000; i++) {
    const address = addressOf(random(2000), random(300))
    assert.equal(rows.has(address), known.has(address), `seed ${seed}: ${address}`)
  }
})

test('in order, it takes a bit a row and 12 bytes a slot, and at most twice that', () => {
  const rows = new RowSet()
  const [slots, each] = [5_000, 400]
  for (let slot = 0; slot < slots; slot++) for (let row = 0; row < each; row++) rows.add(addressOf(slot, row))
  const bytes = slots * (each / 8 + 12)
  assert.equal(rows.count, slots * each)
  assert.ok(rows.bytes <= 2 * bytes, `${rows.bytes} bytes`)
})
