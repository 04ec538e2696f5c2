import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ChosenSlots, fitSlots, type OfSlot } from '../../../src/page/live/chosen-slots.ts'
import { randomFrom } from '../../random.ts'

// Which slots are chosen, of slots of some lengths; slots without rows and longer than the sample are among them.

const random = randomFrom(7)
const counts = Array.from({ length: 400 }, (_, i) => (i % 50 === 9 ? 0 : i === 77 ? 900 : Math.floor(random() * 60)))
const rowsMax = 500

/** Offers slots up to each of `ends` and reads all that are wanted, `atOnce` at a time, or a single time where it is negative. */
function choose(ends: readonly number[], atOnce: number) {
  const chosen = new ChosenSlots<OfSlot>(rowsMax)
  const read: number[] = []
  for (const end of ends) {
    chosen.offer(0, end)
    do {
      const slots = chosen.next(Math.abs(atOnce))
      read.push(...slots)
      chosen.take(slots.map(slot => ({ slot, count: counts[slot] })))
    } while (!chosen.isWhole && atOnce > 0)
  }
  return { slots: chosen.held.map(({ slot }) => slot), read, isWhole: chosen.isWhole }
}

const rowsOf = (slots: readonly number[]) => slots.reduce((sum, slot) => sum + counts[slot], 0)

test('they are the same however many come at a time and are read at a time, and each is read once', () => {
  const { slots } = choose([400], 1000)
  assert.ok(rowsOf(slots) <= rowsMax && rowsOf(slots) > rowsMax - 60)
  for (const [ends, atOnce] of [
    [[400], 1],
    [[400], 7],
    [[1, 2, 3, 50, 399, 400], 3],
    [Array.from({ length: 401 }, (_, i) => i), 16],
  ] as const) {
    const other = choose(ends, atOnce)
    assert.deepEqual(other.slots, slots)
    assert.equal(new Set(other.read).size, other.read.length)
  }
})

test('few are read that have no place in the end, and all where there is room', () => {
  const { read, slots } = choose([400], 1)
  assert.equal(read.length, slots.length + 1)
  assert.deepEqual(
    choose([10], 4).slots.toSorted((a, b) => a - b),
    Array.from({ length: 10 }, (_, i) => i),
  )
})

test('what was read until now are the first of those that are chosen in the end', () => {
  const { slots } = choose([400], 1000)
  const part = choose([400, 400], -5)
  assert.equal(part.isWhole, false)
  assert.deepEqual(part.slots, slots.slice(0, 10))
})

test('a slot that was trimmed before it was read is wanted no more', () => {
  const chosen = new ChosenSlots<OfSlot>(rowsMax)
  chosen.offer(0, 10)
  chosen.offer(8, 12)
  assert.deepEqual(chosen.next(100), [8, 9, 10, 11])
})

test('slots without rows are no more than rows may be', () => {
  const empty = Array.from({ length: 9 }, (_, slot) => ({ slot, count: 0 }))
  assert.deepEqual(fitSlots(empty, 5), empty.slice(0, 5))
})

test('one slot of more rows than all may have is held by itself', () => {
  const long = { slot: 1, count: 9 }
  assert.deepEqual(fitSlots([long, { slot: 2, count: 1 }], 5), [long])
  assert.deepEqual(fitSlots([{ slot: 2, count: 1 }, long], 5), [{ slot: 2, count: 1 }])
})
