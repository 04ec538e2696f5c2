import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gopherRepetition } from '../../../src/annotate/quality/gopher-repetition.ts'
import { findReason } from '../../bench/compare-datatrove.ts'
import { answer } from '../../golden/filters/cases.ts'
import { column, measureTexts } from '../plain.ts'

const measure = (texts: string[], annotator = gopherRepetition()) => measureTexts(annotator, texts)

test('gives the reasons of datatrove', async () => {
  const { ours, datatrove } = await answer('gopherRepetition')
  assert.deepEqual(ours, datatrove)
})

test('measures', async () => {
  const columns = await measure(['é\n\né\n\n\nü\né', 'a b a b', 'a b c d e a b c d e', '', '\n\n'])
  assert.deepEqual(column(columns, 'gopherCharacters'), [10, 7, 19, 0, 2])
  assert.deepEqual(column(columns, 'gopherDuplicateParagraphs'), [1 / 3, 0, 0, Number.NaN, 0])
  assert.deepEqual(column(columns, 'gopherDuplicateParagraphCharacters'), [1 / 10, 0, 0, Number.NaN, 0])
  assert.deepEqual(column(columns, 'gopherDuplicateLines'), [2 / 4, 0, 0, Number.NaN, 1 / 2])
  assert.deepEqual(column(columns, 'gopherDuplicateLineCharacters'), [2 / 10, 0, 0, Number.NaN, 0])
  assert.deepEqual(column(columns, 'gopherTop2').slice(1, 4), [6 / 7, 6 / 19, Number.NaN])
  assert.deepEqual(column(columns, 'gopherDuplicate5').slice(1, 4), [0, 5 / 19, Number.NaN])
})

test('takes other n-grams and thresholds', async () => {
  const annotator = gopherRepetition({ topNgramsMax: [], duplicateNgramsMax: [[2, 0.5]], duplicateLinesMax: null })
  assert.deepEqual(
    annotator.writes.slice(5).map(field => field.name),
    ['gopherDuplicate2'],
  )
  const columns = await measure(['no no no no', 'no no no no\nno no no no', 'a b c d'], annotator)
  assert.deepEqual(
    [0, 1, 2].map(row => findReason(columns, annotator.rules, row)),
    [null, 'duplicate-line-characters', null],
  )
})
