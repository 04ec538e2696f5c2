import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { utf8From } from '../../../src/batch/batch.ts'
import { createChunk } from '../../../src/text/words/chunk.ts'
import { listExceptions } from '../../../src/text/words/exceptions.ts'
import { splitChunk } from '../../../src/text/words/split.ts'
import { splitText, splitWords, type Words } from '../../../src/text/words/words.ts'
import { drawFrom } from '../../random.ts'

interface Golden {
  readonly text: string
  readonly words: string
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
const encode = (text: string) => new TextEncoder().encode(text)

function wordsOf(bytes: Uint8Array, words: Words, row = 0): string[] {
  const found: string[] = []
  for (let i = words.rows[row]; i < words.rows[row + 1]; i++)
    found.push(decoder.decode(bytes.subarray(words.starts[i], words.ends[i])))
  return found
}

function split(text: string): string[] {
  const bytes = encode(text)
  return wordsOf(bytes, splitText(bytes, 0, bytes.length))
}

for (const name of ['odd', 'snippets', 'mixed'])
  test(`words of ${name}.jsonl are spaCy's`, () => {
    const file = readFileSync(join(import.meta.dirname, `../../golden/words/${name}.jsonl`), 'utf8')
    const cases = file.trim().split('\n')
    assert.ok(cases.length > 100)
    for (const line of cases) {
      const { text, words } = JSON.parse(line) as Golden
      assert.equal(split(text).join(' '), words, JSON.stringify(text))
    }
  })

test('rows are split apart and each column once', () => {
  const column = utf8From(['Mr. A', '', ' \n', ':)', ')', 'don’t'])
  const words = splitWords(column)
  assert.deepEqual([...words.rows], [0, 2, 2, 2, 3, 4, 6])
  assert.deepEqual(wordsOf(column.bytes, words, 5), ['do', 'n’t'])
  assert.equal(splitWords(column), words)
})

test('offsets count from the start of the bytes', () => {
  const bytes = encode('xx The end. yy')
  const words = splitText(bytes, 3, 11)
  assert.deepEqual([...words.starts], [3, 7, 10])
  assert.deepEqual([...words.ends], [6, 10, 11])
})

test('every exception alone is its words', () => {
  const exceptions = listExceptions()
  assert.equal(exceptions.length, 1343)
  for (const words of exceptions) assert.deepEqual(split(words.join('')), words)
})

test('the fast path and the full rules agree on letters with marks', () => {
  const stems = [
    'a',
    'I',
    'x',
    'ab',
    'aB',
    'AB',
    'Mr',
    'co',
    'no',
    'cannot',
    'Its',
    'hell',
    'thats',
    'll',
    'o',
    'XD',
    'word',
  ]
  const marks = ['', ...',.!?)]";:']
  for (const opening of ['', '"', '('])
    for (const stem of stems)
      for (const first of marks)
        for (const second of marks)
          for (const third of ['', '.', ')']) {
            const bytes = encode(opening + stem + first + second + third)
            const { count, ends } = splitChunk(bytes, 0, bytes.length, 0, bytes.length, createChunk(64))
            const expected = [...ends.subarray(0, count)]
            assert.deepEqual([...splitText(bytes, 0, bytes.length).ends], expected, decoder.decode(bytes))
          }
})

test('what was split before does not change what comes', () => {
  const seed = 20
  const draw = drawFrom(seed)
  const texts = Array.from({ length: 3000 }, () => `${draw(100)}-${draw(9)}km, x${draw(1000)}:) `.repeat(1 + draw(3)))
  const forwards = texts.map(split)
  const backwards = texts.toReversed().map(split).toReversed()
  assert.deepEqual(forwards, backwards, `seed ${seed}`)
})

test('white space of any script parts words, and is none', () => {
  for (const space of [
    '\t',
    '\x1c',
    '\x85',
    '\xa0',
    '\u1680',
    '\u2003',
    '\u2028',
    '\u202f',
    '\u205f',
    '\u3000',
    '  \n',
  ])
    assert.deepEqual(split(`${space}é1${space}b,${space}`), ['é1', 'b', ','], JSON.stringify(space))
  assert.deepEqual(split('a\u200bb\ufeff'), ['a\u200bb\ufeff'])
})

test('bytes that are not UTF-8 are part of words', () => {
  const bytes = Uint8Array.of(0x61, 0xff, 0xe3, 0x80, 0x20, 0xc2, 0x20, 0xf0, 0x9f, 0x98)
  const words = splitText(bytes, 0, bytes.length)
  assert.deepEqual([...words.starts], [0, 5, 7])
  assert.deepEqual([...words.ends], [4, 6, 10])
})

test('exceptions cut apart are joined in a chunk of any length; one that lost to another keeps the next away', () => {
  const times = 3001
  const repeat = (words: readonly string[]) => Array.from({ length: times }, () => words).flat()
  const cases: readonly (readonly [unit: string, words: readonly string[]])[] = [
    [":'(", repeat([":'("])],
    ["':)", repeat(["'", ':)'])],
  ]
  for (const [unit, words] of cases) assert.deepEqual(split(unit.repeat(times)), words, unit)
  // Each two apostrophes are an exception, so that each pair but the first overlaps one that wins or one that lost.
  assert.deepEqual(split("'".repeat(times)).slice(0, 100), ["''", ...repeat(["'"]).slice(0, 99)])
})

test('hostile text takes linear time', { timeout: 20_000 }, () => {
  const pieces = [
    'a',
    '(',
    '.',
    '@',
    'a@a.',
    'x:)',
    "'",
    '-',
    'a-',
    'a.b.',
    '漢',
    '(((: ',
    '3-d. ',
    '://',
    '5km',
    '\xa0',
    '……',
  ]
  for (const piece of pieces) {
    const bytes = Buffer.alloc(1 << 18, piece)
    const words = splitText(bytes, 0, bytes.length)
    for (let i = 1; i < words.starts.length; i++) assert.ok(words.starts[i] >= words.ends[i - 1])
  }
})
