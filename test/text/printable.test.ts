import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cleanName, escapeControls, printable } from '../../src/text/printable.ts'

// A name of a stranger, and what people see of it in ten columns.
const cleaned: [string, string][] = [
  ['web', 'web'],
  ['', ''],
  ['a\u001b[31mred', 'a\ufffd[31mred'],
  ['c1\u009b2J', 'c1\ufffd2J'],
  ['a\nb\tc\rd', 'a b c d'],
  ['a\u2028b\u2029c', 'a b c'],
  ['\u202egnp.exe\u2069', '\ufffdgnp.exe\ufffd'],
  ['del\u007f', 'del\ufffd'],
  ['half \ud83d', 'half \ufffd'],
  ['x'.repeat(11), `${'x'.repeat(9)}…`],
  ['水'.repeat(6), '水水水水…'],
  ['e\u0301'.repeat(10), 'e\u0301'.repeat(10)],
  [`a${'\u0301'.repeat(1e6)}`, `a${'\u0301'.repeat(39)}…`],
  ['क्षत्रिय', 'क्षत्रिय'],
  ['👩‍👧', '👩‍👧'],
]
test('a name is of one line, steers nothing, and is cut by columns and by length', () => {
  for (const [name, seen] of cleaned) assert.equal(cleanName(name, 10), seen, JSON.stringify(name.slice(0, 20)))
})

test('text keeps its lines', () => assert.equal(printable('a\nb\u0007\n'), 'a\nb\ufffd\n'))

test('escapes leave JSON the same value, and nothing that steers', () => {
  const value = {
    id: cleaned.map(([name]) => name).filter(name => name.isWellFormed()),
    '\u009b\u202e': '\u2028"\\u001b',
  }
  const line = escapeControls(JSON.stringify(value))
  assert.deepEqual(JSON.parse(line), value)
  assert.equal(printable(line), line)
})
