import assert from 'node:assert/strict'
import { test } from 'node:test'
import { countPoints, equalsAt, isDigit, lastPointStart, lengthOf, pointAt } from '../../src/text/bytes.ts'

const encode = (text: string) => new TextEncoder().encode(text)

test('reads every code point, and says how long it is', () => {
  for (let point = 1; point < 0x110000; point += point < 0x3000 ? 1 : 97) {
    if (point >= 0xd800 && point < 0xe000) continue
    const bytes = encode(String.fromCodePoint(point))
    assert.deepEqual([pointAt(bytes, 0), lengthOf(bytes[0])], [point, bytes.length], point.toString(16))
  }
})

test('counts code points and finds the last', () => {
  const bytes = encode('aé€\u{1f600}')
  assert.equal(countPoints(bytes, 0, bytes.length), 4)
  assert.equal(pointAt(bytes, lastPointStart(bytes, 0, bytes.length)), 0x1f600)
  assert.equal(lastPointStart(bytes, 0, 0), 0)
})

test('tells digits', () => {
  const digits = Array.from({ length: 128 }, (_, point) => String.fromCharCode(point)).filter(one =>
    isDigit(one.charCodeAt(0)),
  )
  assert.equal(digits.join(''), '0123456789')
})

test('compares a range with the bytes from a place on', () => {
  const bytes = encode('one two one')
  assert.ok(equalsAt(bytes, 8, bytes, 0, 3))
  assert.ok(!equalsAt(bytes, 7, bytes, 0, 3))
  assert.ok(!equalsAt(bytes, 9, bytes, 0, 3), 'it reads no byte behind the end')
  assert.ok(equalsAt(bytes, 5, bytes, 2, 2), 'nothing is equal to nothing')
})
