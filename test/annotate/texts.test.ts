import assert from 'node:assert/strict'
import { test } from 'node:test'
import { oddTexts } from '../../conformance/texts.ts'
import { Texts } from '../../src/annotate/texts.ts'
import { utf8From } from '../../src/batch/batch.ts'
import { countSentences } from '../../src/text/words/sentences.ts'

const strings = [...oddTexts.map(text => text.toWellFormed()), '\n', 'a\n', '\n\na\n\nb']
const column = utf8From(strings)
const batch = { rows: strings.length, columns: { text: column } }
const texts = new Texts(batch)
const rows = strings.map((_, row) => row)

test('lines part at LF alone', () => {
  const { rows: first, ends } = texts.lines
  const found = rows.map(row =>
    Array.from(ends.subarray(first[row], first[row + 1]), (end, i) =>
      Buffer.from(column.bytes.subarray(i ? ends[first[row] + i - 1] + 1 : column.offsets[row], end)).toString(),
    ),
  )
  assert.deepEqual(
    found,
    strings.map(text => text.split('\n')),
  )
})

test('characters, sentences, words and strings are those of each text', () => {
  assert.deepEqual(
    [...texts.characters],
    strings.map(text => [...text].length),
  )
  assert.deepEqual(
    [...texts.sentences],
    rows.map(row => countSentences(column, row)),
  )
  assert.deepEqual(
    rows.map(row => texts.string(row)),
    strings,
  )
  assert.equal(texts.words.rows.at(-1), texts.words.ends.length)
})

test('what is known of a batch is computed once, for whoever asks', () => {
  const other = new Texts({ rows: batch.rows, columns: { ...batch.columns, id: column } })
  for (const fact of ['words', 'lines', 'characters', 'sentences'] as const)
    assert.equal(other[fact], texts[fact], fact)
  const copy = new Texts({ rows: batch.rows, columns: { text: { ...column } } })
  assert.notEqual(copy.lines, texts.lines)
  assert.deepEqual(copy.lines, texts.lines)
})

test('a batch that is a window on a longer one has the lines of its own texts', () => {
  const window = new Texts({ rows: 2, columns: { text: { ...column, offsets: column.offsets.subarray(6, 9) } } })
  assert.deepEqual(window.characters.length, 2)
  assert.deepEqual(
    [...window.lines.rows],
    [0, strings[6].split('\n').length, strings[6].split('\n').length + strings[7].split('\n').length],
  )
})
