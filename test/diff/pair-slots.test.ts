import assert from 'node:assert/strict'
import { test } from 'node:test'
import { utf8From } from '../../src/batch/batch.ts'
import { isSameStored } from '../../src/diff/pair-slots.ts'

const stored = (...strings: string[]) => utf8From(strings)
/** As another slot's offsets may: they need not begin where their buffer does. */
const moved = ({ offsets, bytes }: ReturnType<typeof stored>) => ({
  offsets: Int32Array.of(7, ...offsets).subarray(1),
  bytes,
})

const cases: [
  what: string,
  a: Parameters<typeof isSameStored>[0],
  b: Parameters<typeof isSameStored>[1],
  isSame: boolean,
][] = [
  ['the same', stored('a', 'bc'), stored('a', 'bc'), true],
  ['the same at another place of its buffer', stored('a', 'bc'), moved(stored('a', 'bc')), true],
  ['none', stored(), stored(), true],
  ['other bytes', stored('a', 'bc'), stored('a', 'bd'), false],
  ['the same bytes cut elsewhere', stored('a', 'bc'), stored('ab', 'c'), false],
  ['one more, which is empty', stored('a', 'bc'), stored('a', 'bc', ''), false],
  ['one that is not stored as one', stored('a'), null, false],
  ['two that are not', null, null, false],
]
for (const [what, a, b, isSame] of cases)
  test(`columns as they are stored: ${what}`, () => {
    assert.equal(isSameStored(a, b), isSame)
    assert.equal(isSameStored(b, a), isSame)
  })
