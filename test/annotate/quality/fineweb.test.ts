import assert from 'node:assert/strict'
import { test } from 'node:test'
import { finewebQuality } from '../../../src/annotate/quality/fineweb.ts'
import { findReason } from '../../bench/compare-datatrove.ts'
import { answer } from '../../golden/filters/cases.ts'
import { column, measureTexts } from '../plain.ts'

const measure = (texts: string[], annotator = finewebQuality()) => measureTexts(annotator, texts)

test('gives the reasons of datatrove', async () => {
  const { ours, datatrove } = await answer('fineweb')
  assert.deepEqual(ours, datatrove)
})

test('measures', async () => {
  const columns = await measure([
    `${'é'.repeat(30)}\n \n${'é'.repeat(31)}。\n${'é'.repeat(30)}\n`,
    'One. \nTwo!',
    '',
    '\u3000\n',
  ])
  assert.deepEqual(column(columns, 'finewebLines'), [3, 2, 0, 0])
  assert.deepEqual(column(columns, 'finewebLinePunctuation'), [1 / 3, 1 / 2, Number.NaN, Number.NaN])
  assert.deepEqual(column(columns, 'finewebShortLines'), [2 / 3, 1, Number.NaN, Number.NaN])
  assert.deepEqual(column(columns, 'finewebCharDuplicates').slice(0, 2), [30 / 93, 0])
  assert.deepEqual(column(columns, 'finewebListRatio').slice(1), [1 / 4, Number.NaN, Number.NaN])
})

test('takes other thresholds, and null for no rule', async () => {
  const annotator = finewebQuality({ linePunctuationMin: null, shortLinesMax: 0.5, shortLineCharacters: 3 })
  const columns = await measure(['ab\ncd\nefgh', 'ab cd ef gh ij kl\nmnop qrst', ''], annotator)
  assert.deepEqual(
    [0, 1, 2].map(row => findReason(columns, annotator.rules, row)),
    ['short-lines', null, 'empty'],
  )
})
