import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Rule } from '../../src/annotate/annotator.ts'
import { type Batch, utf8From } from '../../src/batch/batch.ts'
import { evaluateRules } from '../../src/decide/rules.ts'

const batch: Batch = {
  rows: 5,
  columns: {
    words: { kind: 'u32', values: Uint32Array.of(0, 50, 51, 1000, 1001) },
    score: {
      kind: 'f32',
      values: Float32Array.of(Number.NaN, 0.5, Number.NEGATIVE_INFINITY, 1, Number.POSITIVE_INFINITY),
    },
    language: utf8From(['en', 'zh', '', 'en-GB', 'français']),
    label: { kind: 'fixed', width: 1, bytes: new Uint8Array(5) },
  },
}

/** Rules, and for each row the number of the rule that drops it. */
const cases: [string, Rule[], number[]][] = [
  ['no rules', [], [-1, -1, -1, -1, -1]],
  ['below is strict', [{ reason: 'few', column: 'words', below: 50 }], [0, -1, -1, -1, -1]],
  ['above is strict', [{ reason: 'many', column: 'words', above: 1000 }], [-1, -1, -1, -1, 0]],
  ['both bounds', [{ reason: 'odd', column: 'words', below: 51, above: 999 }], [0, 0, -1, 0, 0]],
  ['NaN is not measured, infinity is', [{ reason: 'low', column: 'score', below: 0.6, above: 5 }], [-1, 0, 0, -1, 0]],
  ['one of', [{ reason: 'language', column: 'language', oneOf: ['en', 'français'] }], [-1, 0, 0, 0, -1]],
  ['none of', [{ reason: 'language', column: 'language', noneOf: ['en', ''] }], [0, -1, 0, -1, -1]],
  ['one of nothing drops all', [{ reason: 'language', column: 'language', oneOf: [] }], [0, 0, 0, 0, 0]],
  [
    'the first rule that drops counts',
    [
      { reason: 'language', column: 'language', noneOf: ['zh'] },
      { reason: 'few', column: 'words', below: 51 },
      { reason: 'all', column: 'words', below: 9999 },
    ],
    [1, 0, 2, 2, 2],
  ],
]

for (const [name, rules, expected] of cases)
  test(name, () => assert.deepEqual([...evaluateRules(batch, rules).rule], expected))

test('evidence is the value that decided', () => {
  const { evidence, evidenceText } = evaluateRules(batch, [
    { reason: 'few', column: 'words', below: 10 },
    { reason: 'language', column: 'language', noneOf: ['zh', 'français'] },
  ])
  assert.deepEqual([...evidence], [0, Number.NaN, Number.NaN, Number.NaN, Number.NaN])
  assert.deepEqual([0, 1, 2, 3, 4].map(evidenceText), ['', 'zh', '', '', 'français'])
})

test('a missing column or one of another kind is a mistake in the program', () => {
  const broken: [Rule, RegExp][] = [
    [{ reason: 'r', column: 'none', below: 1 }, /'none' is missing/],
    [{ reason: 'r', column: 'language', below: 1 }, /'language' is utf8/],
    [{ reason: 'r', column: 'words', oneOf: ['en'] }, /'words' is u32/],
    [{ reason: 'r', column: 'label', above: 1 }, /'label' is fixed/],
  ]
  for (const [rule, message] of broken) assert.throws(() => evaluateRules(batch, [rule]), message)
})
