import assert from 'node:assert/strict'
import { test } from 'node:test'
import { replaceTexts } from '../../src/annotate/replace-texts.ts'
import { stringAt, utf8From } from '../../src/batch/batch.ts'

const strings = ['one', '', 'dreißig', 'four']
const cases: [replaced: [row: number, text: string][], expected: string[]][] = [
  [[[0, 'ein']], ['ein', '', 'dreißig', 'four']],
  [[[1, 'zwei']], ['one', 'zwei', 'dreißig', 'four']],
  [[[3, '']], ['one', '', 'dreißig', '']],
  [
    [
      [0, ''],
      [1, 'é'],
      [2, 'x'],
      [3, 'y'],
    ],
    ['', 'é', 'x', 'y'],
  ],
]
const whole = utf8From(['before', ...strings, 'after'])
const window = { ...whole, offsets: whole.offsets.subarray(1, 6) }
for (const [replaced, expected] of cases)
  test(`texts ${replaced.map(([row]) => row)} are replaced, wherever the column's bytes lie`, () => {
    for (const column of [utf8From(strings), window]) {
      const texts = new Map(replaced.map(([row, text]) => [row, Buffer.from(text)]))
      const found = replaceTexts(column, texts)
      assert.deepEqual(
        strings.map((_, row) => stringAt(found, row)),
        expected,
      )
      assert.equal(found.offsets.length, 5)
    }
  })

test('a column in which nothing is replaced is itself', () => {
  assert.equal(replaceTexts(window, new Map()), window)
})
