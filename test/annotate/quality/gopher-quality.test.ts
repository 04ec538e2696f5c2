import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gopherQuality } from '../../../src/annotate/quality/gopher-quality.ts'
import { findReason } from '../../bench/compare-datatrove.ts'
import { answer } from '../../golden/filters/cases.ts'
import { column, measureTexts } from '../plain.ts'

const measure = (texts: string[], annotator = gopherQuality()) => measureTexts(annotator, texts)

test('gives the reasons of datatrove', async () => {
  const { ours, datatrove } = await answer('gopherQuality')
  assert.deepEqual(ours, datatrove)
})

test('measures', async () => {
  const texts = ['the cat @ # of\n- and …\n', 'ab... cd......', 'Über — 12 ÉÉÉ', '', ' \n']
  const columns = await measure(texts)
  assert.deepEqual(column(columns, 'gopherWords'), [4, 2, 3, 0, 0])
  assert.deepEqual(column(columns, 'gopherMeanWordLength'), [11 / 4, 2, 3, Number.NaN, Number.NaN])
  assert.deepEqual(column(columns, 'gopherHashRatio'), [1 / 8, 0, 0, Number.NaN, Number.NaN])
  assert.deepEqual(column(columns, 'gopherBulletLines'), [1 / 2, 0, 0, Number.NaN, 0])
  assert.deepEqual(column(columns, 'gopherEllipsisLines'), [1 / 2, 1, 0, Number.NaN, 0])
  assert.deepEqual(column(columns, 'gopherStopWords'), [3, 0, 0, 0, 0])
})

test('counts a stop word once a text, in every text and at every call', async () => {
  const annotator = gopherQuality()
  for (let call = 0; call < 2; call++)
    assert.deepEqual(column(await measure(['the the of', 'the', 'The'], annotator), 'gopherStopWords'), [2, 1, 0])
})

test('takes other thresholds and stop words, and null for no rule', async () => {
  const annotator = gopherQuality({ wordsMin: null, wordsMax: 2, stopWords: ['l’été', 'été'], stopWordsMin: 1 })
  const columns = await measure(['été été été', 'été hiver', 'neige hiver'], annotator)
  assert.deepEqual(
    [0, 1, 2].map(row => findReason(columns, annotator.rules, row)),
    ['too-many-words', null, 'too-few-stop-words'],
  )
})
