import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ChosenRows } from '../../src/page/signature-rows.ts'
import { hashUnit } from '../../src/text/hash.ts'

const [places, bands] = [4, 1]
const each = places + 8 * bands

/** Rows of a slot, of which each has the slot's number in all that it has. */
function rowsOf(slot: number, count: number) {
  return {
    slot,
    count,
    places,
    bands,
    signatures: new Uint8Array(count * places).fill(slot),
    buckets: new Uint8Array(count * bands * 8).fill(slot),
    keys: new Float64Array(count).fill(slot),
    domains: new Uint32Array(count).fill(slot),
  }
}

function choose(slots: readonly number[], rows: number, bytesMax: number) {
  const chosen = new ChosenRows(bytesMax)
  let asked = 0
  for (const slot of slots)
    chosen.add(hashUnit(0, `${slot}`), rows, () => {
      asked++
      return rowsOf(slot, rows)
    })
  return { joined: chosen.join(), asked }
}

const slots = Array.from({ length: 250 }, (_, i) => i)

test('as long as there is room all rows are chosen, in the order of their slots', () => {
  const { joined } = choose(slots, 3, 250 * 3 * each)
  assert.deepEqual([joined!.count, joined!.of], [750, 750])
  assert.deepEqual(
    joined!.keys,
    Float64Array.from({ length: 750 }, (_, i) => Math.floor(i / 3)),
  )
  for (const name of ['signatures', 'buckets', 'domains'] as const)
    assert.deepEqual([joined![name].at(0), joined![name].at(-1)], [0, 249], name)
})

test('beyond it the slots of the lowest hashes are, whatever the order in which they come, and the last one as far as it goes', () => {
  const { joined, asked } = choose(slots, 3, 100 * each)
  assert.deepEqual([joined!.count, joined!.of, joined!.signatures.length], [100, 750, 400])
  const lowest = slots.toSorted((a, b) => hashUnit(0, `${a}`) - hashUnit(0, `${b}`)).slice(0, 34)
  const counts = (slot: number) => joined!.keys.filter(key => key === slot).length
  assert.deepEqual(
    lowest.map(counts),
    lowest.map((_, i) => (i < 33 ? 3 : 1)),
  )
  assert.deepEqual(choose(slots.toReversed(), 3, 100 * each).joined, joined)
  assert.ok(asked < 250, 'rows of slots that can not be chosen are not asked for')
})

test('a slot that is larger than the room is cut; none at all, or none with rows, is nothing', () => {
  assert.equal(choose([7], 1000, 10 * each).joined!.count, 10)
  assert.equal(choose([], 1, each).joined, null)
  assert.equal(choose([1, 2], 0, each).joined, null)
})
