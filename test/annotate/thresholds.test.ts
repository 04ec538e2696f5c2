import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Annotator } from '../../src/annotate/annotator.ts'
import { filter } from '../../src/annotate/filter.ts'
import { below, count } from '../../src/annotate/measure.ts'
import { type Column, utf8From } from '../../src/batch/batch.ts'
import { HeadraceError } from '../../src/errors.ts'
import * as h from '../../src/index.ts'
import { fingerprintColumns } from '../../src/pipeline/fingerprint.ts'

const texts = [
  '',
  'One line. One line. One line. Two lines!\n\nlorem ipsum { } dolor sit amet. Cookies.\nIt is the end, and of that the beginning.',
  '- # ... The the the the of of of and to\n- lorem ipsum dolor sit amet.\n- function () { return 1; } and so it ends.\n- lorem ipsum again it is.',
]
const columns = { text: utf8From(texts), id: utf8From(['a', 'b', 'c']), language: utf8From(['en', 'zh', 'en']) }
const prints = new Map(Object.keys(columns).map(name => [name, name]))
const measure = async (annotator: Annotator) => {
  const measured: Readonly<Record<string, Column>> = await annotator.annotate({ rows: texts.length, columns })
  return Object.entries(measured).map(([name, column]) => [name, Buffer.from(JSON.stringify(column)).toString()])
}

/** Thresholds given as options, and the annotator without them. */
const moved: [what: string, moved: Annotator, usual: Annotator][] = [
  ['one', h.gopherQuality({ alphaWordsMin: 0.7 }), h.gopherQuality()],
  ['one that is off', h.gopherQuality({ wordsMin: null, symbolRatioMax: null }), h.gopherQuality()],
  [
    'one beside what is measured with',
    h.gopherQuality({ stopWords: ['the'], stopWordsMin: 1 }),
    h.gopherQuality({ stopWords: ['the'] }),
  ],
  ['of shares', h.gopherRepetition({ duplicateLinesMax: 0.5 }), h.gopherRepetition()],
  [
    'of n-grams',
    h.gopherRepetition({
      topNgramsMax: [
        [2, 0.9],
        [3, 0.18],
        [4, 0.5],
      ],
    }),
    h.gopherRepetition(),
  ],
  [
    'of n-grams of which none is usual',
    h.gopherRepetition({ topNgramsMax: [[7, 0.9]], duplicateNgramsMax: [] }),
    h.gopherRepetition({ topNgramsMax: [[7, 0.1]], duplicateNgramsMax: [] }),
  ],
  ['that is true or false', h.c4({ loremIpsum: false, sentencesMin: 1 }), h.c4()],
  ['of FineWeb', h.finewebQuality({ shortLinesMax: 0.1, listRatioMax: null }), h.finewebQuality()],
  ['of a language', h.language({ minScore: 0.1 }), h.language()],
  ['of some rows', h.onlyFor('language', ['en'], h.c4({ sentencesMin: 9 })), h.onlyFor('language', ['en'], h.c4())],
]
for (const [what, one, usual] of moved)
  test(`a threshold moved, ${what}: the same columns by name and value, other rules`, async () => {
    assert.deepEqual(fingerprintColumns(one, prints), fingerprintColumns(usual, prints))
    assert.deepEqual(await measure(one), await measure(usual))
    assert.notDeepEqual(one.rules, usual.rules)
    assert.notDeepEqual(one.options, usual.options)
  })

/** Options that something is measured with. */
const measuring: [what: string, other: Annotator, usual: Annotator][] = [
  ['words that are looked for', h.gopherQuality({ stopWords: ['the'] }), h.gopherQuality()],
  ['n-grams', h.gopherRepetition({ topNgramsMax: [[2, 0.2]] }), h.gopherRepetition()],
  ['a threshold that hides what comes after', h.c4({ curlyBracket: false }), h.c4()],
  ['rows', h.onlyFor('language', ['zh'], h.c4()), h.onlyFor('language', ['en'], h.c4())],
]
for (const [what, other, usual] of measuring)
  test(`measured with other ${what}: other columns`, async () => {
    assert.notDeepEqual(fingerprintColumns(other, prints), fingerprintColumns(usual, prints))
    assert.notDeepEqual(await measure(other), await measure(usual))
  })

test('a filter that measures with its threshold says so, or measures nothing', async () => {
  const make = (measuredWith: readonly 'max'[]) =>
    filter({
      name: 'capped',
      version: 1,
      measures: { letters: count('letters', { max: below(3, 'few') }) },
      measuredWith,
      measure({ rows }, { letters }, { max }) {
        letters.fill(max!, 0, rows)
        return undefined
      },
    })({ max: 5 })
  await assert.rejects(
    async () => await make([]).annotate({ rows: 3, columns }),
    error =>
      error instanceof HeadraceError &&
      /'capped' measures with 'max', .* name it in 'measuredWith'/.test(error.message),
  )
  assert.deepEqual(await measure(make(['max'])), [
    ['letters', JSON.stringify({ kind: 'u32', values: Uint32Array.of(5, 5, 5) })],
  ])
  assert.notDeepEqual(fingerprintColumns(make(['max']), prints), fingerprintColumns(make([]), prints))
})
