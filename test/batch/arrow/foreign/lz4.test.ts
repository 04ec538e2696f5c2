import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as client from '@platformatic/kafka'
import { decompressLz4Frames } from '../../../../src/batch/arrow/foreign/lz4.ts'
import { lz4Frame, lz4Text } from '../../../fuzz/targets/foreign-arrow.ts'
import { randomFrom } from '../../../random.ts'

const seed = Number(process.env.HEADRACE_SEED ?? Date.now() % 1_000_000)

test('blocks that refer to those before them, and matches that overlap what they write', () => {
  assert.equal(Buffer.from(decompressLz4Frames(lz4Frame, lz4Text.length)).toString(), lz4Text)
  const two = Buffer.concat([lz4Frame, lz4Frame])
  assert.equal(Buffer.from(decompressLz4Frames(two, 2 * lz4Text.length)).toString(), lz4Text + lz4Text)
})

test(`what another compressor makes comes back (HEADRACE_SEED=${seed})`, () => {
  const random = randomFrom(seed)
  for (let n = 0; n < 25; n++) {
    // Of few letters there are many matches, of many there are none.
    const letters = 1 + Math.floor(random() ** 3 * 255)
    const bytes = Buffer.from(Array.from({ length: 1 + Math.floor(random() ** 4 * 200_000) }, () => random() * letters))
    const frame = client.compressionsAlgorithms.lz4.compressSync(bytes) as Buffer
    assert.ok(bytes.equals(decompressLz4Frames(frame, bytes.length)), `${bytes.length} bytes of ${letters} letters`)
  }
})

test('what is no frame, or none of so many bytes, is a RangeError', () => {
  const cases: [string, Uint8Array, number][] = [
    ['another magic', Buffer.from(lz4Frame).fill(0, 0, 1), lz4Text.length],
    ['cut', lz4Frame.subarray(0, 30), lz4Text.length],
    ['fewer', lz4Frame, lz4Text.length + 1],
    ['more', lz4Frame, lz4Text.length - 1],
    ['a match before the start', Buffer.from(lz4Frame).fill(200, 20, 21), lz4Text.length],
    ['nothing', new Uint8Array(0), 1],
  ]
  for (const [name, frame, length] of cases) assert.throws(() => decompressLz4Frames(frame, length), RangeError, name)
})
