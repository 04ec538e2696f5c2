import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findBreak, skipBreak, trimEnd, trimStart } from '../../src/text/lines.ts'

const encode = (text: string) => new TextEncoder().encode(text)
const decode = (bytes: Uint8Array) => new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)

function splitLines(text: string): string[] {
  const bytes = encode(text)
  const lines = []
  for (let at = 0; at < bytes.length; ) {
    const stop = findBreak(bytes, at, bytes.length)
    lines.push(decode(bytes.subarray(at, stop)))
    at = skipBreak(bytes, stop, bytes.length)
  }
  return lines
}

// What CPython 3.11 answers for str.splitlines.
const lines: [text: string, lines: string[]][] = [
  ['', []],
  ['\n', ['']],
  ['a', ['a']],
  ['a\n', ['a']],
  ['a\n\nb', ['a', '', 'b']],
  ['a\r\nb\rc\n\rd', ['a', 'b', 'c', '', 'd']],
  ['a\vb\fc\x1cd\x1de\x1ef\x1fg', ['a', 'b', 'c', 'd', 'e', 'f\x1fg']],
  ['a\x85b\u2028c\u2029d\u2027e\xa0f', ['a', 'b', 'c', 'd\u2027e\xa0f']],
  ['é\u3000€\u{1f600}\nü', ['é\u3000€\u{1f600}', 'ü']],
]
for (const [text, expected] of lines)
  test(`splits ${JSON.stringify(text)}`, () => assert.deepEqual(splitLines(text), expected))

// str.isspace of CPython 3.11; U+180E, U+200B and U+FEFF are none.
const spaces =
  '\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000'

test('trims the white space of Python and no other character of the BMP', () => {
  for (let point = 1; point < 0x10000; point++) {
    if (point >= 0xd800 && point < 0xe000) continue
    const bytes = encode(String.fromCharCode(point))
    const length = bytes.length
    assert.equal(
      trimStart(bytes, 0, length) === length,
      spaces.includes(String.fromCharCode(point)),
      point.toString(16),
    )
    assert.equal(trimEnd(bytes, 0, length) === 0, spaces.includes(String.fromCharCode(point)), point.toString(16))
  }
})

test('trims both ends and nothing within', () => {
  const bytes = encode(`${spaces}a \u3000\u{1f600}é${spaces}`)
  const start = trimStart(bytes, 0, bytes.length)
  assert.equal(decode(bytes.subarray(start, trimEnd(bytes, start, bytes.length))), 'a \u3000\u{1f600}é')
  const blank = encode(spaces)
  assert.equal(trimStart(blank, 0, blank.length), blank.length)
  assert.equal(trimEnd(blank, blank.length, blank.length), blank.length)
})

test('stays within the range on broken UTF-8', () => {
  for (const broken of [[0xe2], [0xc2], [0xe2, 0x80], [0x80, 0x80, 0x80], [0xf0, 0x9f], [0x0d], [0xe3, 0x80]]) {
    const bytes = Uint8Array.from([...broken, 0xa8, 0x0a, 0x80, 0x85])
    const end = broken.length
    assert.ok(findBreak(bytes, 0, end) <= end)
    assert.ok(skipBreak(bytes, findBreak(bytes, 0, end), end) <= end)
    assert.ok(trimStart(bytes, 0, end) <= end)
    assert.ok(trimEnd(bytes, 0, end) >= 0)
  }
})
