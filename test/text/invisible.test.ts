import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dropInvisible, invisiblePoints, isInvisible } from '../../src/text/invisible.ts'

test('what shows nothing is what the running Unicode version says', () => {
  const property = /^\p{Default_Ignorable_Code_Point}$/u
  const expected = [...Array(0x110000).keys()].filter(point => property.test(String.fromCodePoint(point)))
  assert.deepEqual(invisiblePoints, expected)
  for (let point = 0; point < 0x110000; point += 7) assert.equal(isInvisible(point), expected.includes(point))
})

test('texts without what shows nothing', () => {
  const table: [string, string][] = [
    ['', ''],
    ['\u00ad', ''],
    ['a\u200bb\u{e0041}c', 'abc'],
    ['é中😀', 'é中😀'],
    ['👨\u200d👩\ufe0f', '👨👩'],
  ]
  for (const [text, shown] of table) {
    const bytes = Buffer.from(`x${text}y`)
    assert.equal(Buffer.from(dropInvisible(bytes, 1, bytes.length - 1)).toString(), shown, text)
  }
})

test('bytes that are no UTF-8 stay within their range', () => {
  for (const bytes of [[0xe2], [0xe2, 0x80], [0xc2], [0xf3, 0xa0], [0x80, 0xff, 0x41]])
    assert.ok(dropInvisible(Uint8Array.from(bytes), 0, bytes.length).length <= bytes.length)
})
