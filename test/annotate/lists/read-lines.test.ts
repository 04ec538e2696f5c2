import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { joinHashes, readLines } from '../../../src/annotate/lists/read-lines.ts'
import { limits } from '../../../src/limits.ts'
import { makeFolder } from '../../temporary.ts'

const file = join(makeFolder('read-lines'), 'list')
const max = limits.listLineBytesMax

/** The file's lines; of one that is too long `!`, and what of its beginning is given. */
function read(text: string): string[] {
  writeFileSync(file, text)
  const lines: string[] = []
  const sha256 = readLines(file, 'test', (bytes, start, end, isTooLong) => {
    lines.push((isTooLong ? '!' : '') + bytes.toString('utf8', start, end))
  })
  assert.equal(sha256, hash('sha256', text))
  return lines
}

const cases: [text: string, lines: string[]][] = [
  ['', []],
  ['a', ['a']],
  ['a\n', ['a']],
  ['a\r\nb\r', ['a', 'b']],
  ['\n\na', ['', '', 'a']],
  ['\ufeffa\n\ufeffb', ['a', '\ufeffb']],
  [`${'x'.repeat(max)}\nb`, ['x'.repeat(max), 'b']],
  [`${'x'.repeat(max + 1)}\nb`, [`!${'x'.repeat(max + 1)}`, 'b']],
]
for (const [text, lines] of cases)
  test(`${JSON.stringify(text.slice(0, 20))} has ${lines.length} lines`, () => assert.deepEqual(read(text), lines))

test('lines are whole wherever a piece of the file ends, and one that is too long is told, however long', () => {
  const short = Array.from({ length: 200_000 }, (_, i) => `line ${i}`)
  assert.deepEqual(read(short.join('\n')), short)
  for (const length of [2 ** 20 - 5, 2 ** 20, 2 ** 20 + max, 5_000_000]) {
    const [first, long, last, ...rest] = read(`a\n${'x'.repeat(length)}\nb`)
    assert.deepEqual([first, long.slice(0, max), last, rest], ['a', `!${'x'.repeat(max - 1)}`, 'b', []])
  }
  const [only] = read('x'.repeat(5_000_000))
  assert.equal(only.slice(0, 3), '!xx')
})

test('several files have one hash, by their order', () => {
  assert.equal(joinHashes(['a']), 'a')
  assert.notEqual(joinHashes(['a', 'b']), joinHashes(['b', 'a']))
})
