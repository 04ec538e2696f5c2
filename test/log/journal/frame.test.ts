import assert from 'node:assert/strict'
import { test } from 'node:test'
import { limits } from '../../../src/limits.ts'
import {
  checkValue,
  decodeHeader,
  decodePrefix,
  encodeFrame,
  type FrameHeader,
  framePrefixBytes,
  isBodyWhole,
} from '../../../src/log/journal/frame.ts'
import type { Commit } from '../../../src/log/log.ts'

const append = (text: string) => ({ topic: 's.a', partition: 0, headers: { text }, value: Buffer.from(text) })
const position = { partition: 2, offset: 2n ** 60n, slot: 7, note: '{"more":"wörds"}' }
const encode = (commit: Commit): Buffer => {
  let offset = 2n ** 55n
  return Buffer.concat(encodeFrame(3, commit, () => offset++).buffers)
}
const whole = encode({ positions: [position], appends: [append('first'), append(''), append('last one')] })

function decode(bytes: Buffer): { header: FrameHeader | null; body: Buffer } | null {
  const prefix = decodePrefix(bytes)
  if (!prefix || bytes.length < prefix.frameLength) return null
  const bodyAt = framePrefixBytes + prefix.headerLength
  const header = decodeHeader(prefix, bytes.subarray(framePrefixBytes, bodyAt))
  return { header, body: bytes.subarray(bodyAt, bodyAt + prefix.bodyLength) }
}

test('a frame says again what was committed, with offsets beyond a float64', () => {
  const { header, body } = decode(whole)!
  assert.equal(whole.length % 8, 0)
  assert.equal(header!.commit, 3)
  assert.deepEqual(header!.positions, [{ ...position, offset: String(2n ** 60n) }])
  assert.deepEqual(
    header!.appends.map(({ offset, headers, length }) => [offset, headers.text, length]),
    [
      [String(2n ** 55n), 'first', 5],
      [String(2n ** 55n + 1n), '', 0],
      [String(2n ** 55n + 2n), 'last one', 8],
    ],
  )
  assert.equal(body.toString(), 'firstlast one')
  assert.ok(isBodyWhole(header!, body))
})

test('a commit without appends or positions is a frame too', () => {
  const { header, body } = decode(encode({ positions: [], appends: [] }))!
  assert.deepEqual([header!.positions, header!.appends, body.length], [[], [], 0])
})

test('no single damaged byte before the padding passes for a whole frame', () => {
  const prefix = decodePrefix(whole)!
  const used = framePrefixBytes + prefix.headerLength + prefix.bodyLength
  for (let at = 0; at < used; at++) {
    const damaged = Buffer.from(whole)
    damaged[at] ^= 1 << (at % 8)
    const found = decode(damaged)
    assert.ok(!found?.header || !isBodyWhole(found.header, found.body), `byte ${at} of ${used}`)
  }
})

test('a frame that is cut anywhere is not one', () => {
  for (let length = 0; length < whole.length; length++)
    assert.equal(decode(whole.subarray(0, length)), null, `cut at ${length}`)
})

test('lengths that no frame has are damage, so that they allocate nothing', () => {
  for (const at of [4, 8]) {
    const bytes = Buffer.from(whole)
    bytes.writeUInt32LE(limits.frameBytesMax + 1, at)
    assert.equal(decodePrefix(bytes), null)
  }
})

test('a commit that could not be read back is refused when it is written', () => {
  const value = new Uint8Array(limits.frameBytesMax / 2 + 1)
  const part = { topic: 's.a', partition: 0, headers: {}, value }
  assert.throws(() => encodeFrame(0, { positions: [], appends: [part, part] }, () => 0n), { code: 'limit' })
})

test('a value that does not match its checksum is named with its place', () => {
  const { header } = decode(whole)!
  checkValue(header!.appends[0], Buffer.from('first'), 'entry 0')
  assert.throws(() => checkValue(header!.appends[0], Buffer.from('firsT'), 'entry 0'), {
    code: 'corrupt',
    message: /entry 0 does not match its checksum/,
  })
})
