import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { utf8From } from '../../../src/batch/batch.ts'
import { countSentences, countSentencesIn, splitSentences } from '../../../src/text/words/sentences.ts'

interface Golden {
  readonly text: string
  readonly sentences: number
}

const encode = (text: string) => new TextEncoder().encode(text)

for (const name of ['odd', 'snippets', 'mixed'])
  test(`sentences of ${name}.jsonl are datatrove's`, () => {
    const file = readFileSync(join(import.meta.dirname, `../../golden/words/${name}.jsonl`), 'utf8')
    const cases = file
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as Golden)
    const column = utf8From(cases.map(({ text }) => text))
    cases.forEach(({ text, sentences }, row) => {
      assert.equal(countSentences(column, row), sentences, JSON.stringify(text))
      assert.equal(countSentencesIn(column.bytes, column.offsets[row], column.offsets[row + 1]), sentences)
      assert.equal(splitSentences(encode(text), 0, encode(text).length).length, sentences)
    })
  })

const splits: readonly (readonly string[])[] = [
  [''],
  ['No end'],
  ['One.', ' Two!', ' Three?'],
  ['“One.”', ' Two.'],
  ['One.', '  " two'],
  ['One.', '\nTwo'],
  ['One.', '  '],
  ['One. '],
  ['Mr. Smith went.', ' He came back... So.'],
  ['一。', '\u3000二。'],
]

test('sentences end after the last mark', () => {
  for (const parts of splits) {
    const bytes = encode(`xx${parts.join('')}`)
    let end = 2
    const expected = parts.map(part => (end += encode(part).length))
    assert.deepEqual([...splitSentences(bytes, 2, bytes.length)], expected, JSON.stringify(parts))
  }
})

test('a million sentences are counted', () => {
  const bytes = Buffer.alloc(3_000_000, 'a? ')
  assert.equal(splitSentences(bytes, 0, bytes.length).length, 1_000_000)
  assert.equal(countSentencesIn(bytes, 0, bytes.length), 1_000_000)
})
