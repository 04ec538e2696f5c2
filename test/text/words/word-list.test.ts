import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WordList } from '../../../src/text/words/word-list.ts'

const list = new WordList(['the', 'then', 'été', 'the', ''])
/** Of each word of a text, whether it is the first of its kind on the list. */
const find = (row: number, ...words: string[]) =>
  words.map(word => {
    const bytes = Buffer.from(`(${word})`)
    return list.isFirst(bytes, 1, bytes.length - 1, row)
  })

test('a word is found whole, as it is written, and once a text', () => {
  list.startBatch()
  assert.deepEqual(find(0, 'the', 'The', 'th', 'them', 'then', 'the', 'été', 'e'), [
    ...[true, false, false, false],
    ...[true, false, true, false],
  ])
  assert.deepEqual(find(1, 'the', 'the'), [true, false])
})

test('the rows of a new batch are other texts', () => {
  list.startBatch()
  assert.deepEqual(find(1, 'the', 'the'), [true, false])
  list.startBatch()
  assert.deepEqual(find(1, 'the'), [true])
})
