import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Annotator, Rule } from '../../src/annotate/annotator.ts'
import type { Field } from '../../src/batch/batch.ts'
import {
  type FeedOptions,
  gate,
  type PipelineBuilder,
  pipeline,
  resolveRules,
  rules,
} from '../../src/pipeline/pipeline.ts'
import { planPipeline } from '../../src/pipeline/plan.ts'
import type { Source } from '../../src/sources/source.ts'
import { plainAnnotator } from '../annotate/plain.ts'

const source: Source = {
  name: 'none',
  options: {},
  async *splits() {},
  async *read() {},
  parse: () => ({ batch: { rows: 0, columns: {} }, dead: [] }),
}
const annotator = (name: string, reads: string[], writes: Field[], rules: Rule[] = [], options = {}): Annotator =>
  plainAnnotator({ name, reads, writes, rules, options })
const words = (options = {}) =>
  annotator(
    'words',
    ['text'],
    [{ name: 'count', kind: 'u32' }],
    [{ reason: 'too-few-words', column: 'count', below: 5 }],
    options,
  )
const clean = () => annotator('clean', ['text'], [{ name: 'text', kind: 'utf8' }])
const label = () => annotator('label', ['text'], [{ name: 'language', kind: 'utf8' }])
const needs = () => annotator('needs', ['count'], [{ name: 'more', kind: 'f64' }])
const start = () => pipeline('p').from(source)
const feed: FeedOptions = { length: 8, batch: 2 }

const mistakes: [what: string, make: () => PipelineBuilder, message: RegExp][] = [
  ['no source', () => pipeline('p'), /'p' has no source; add \.from/],
  ['a bad name', () => pipeline('a/b'), /name 'a\/b' must be/],
  [
    'a column nobody writes',
    () => start().annotate(needs()),
    /'needs' reads column 'count', which nothing before it writes; .*add the one/,
  ],
  ['a column written later', () => start().annotate(needs(), words()), /put words\(\) before it/],
  ['one annotator twice', () => start().annotate(words(), words()), /has 'words' twice/],
  ['a rule on no column', () => start().decide(rules({ nothing: { below: 1 } })), /reads column 'nothing'/],
  ['a gate before its column', () => start().annotate(gate({ count: { below: 1 } }), words()), /reads column 'count'/],
  [
    'a number rule on text',
    () =>
      start()
        .annotate(label())
        .decide(rules({ language: { below: 1 } })),
    /use oneOf or noneOf/,
  ],
  [
    'a text rule on a number',
    () =>
      start()
        .annotate(words())
        .decide(rules({ count: { oneOf: ['1'] } })),
    /use below or above/,
  ],
  [
    'a bound that is no number',
    () =>
      start()
        .annotate(words())
        .decide(rules({ count: { below: Number.NaN } })),
    /has the bound NaN/,
  ],
  ['a feed without tokens', () => start().feed(feed), /without \.tokenize\(\)/],
  [
    'a batch of 0',
    () =>
      start()
        .tokenize('o200k_base')
        .feed({ ...feed, batch: 0 }),
    /batch 0; it must be/,
  ],
  [
    'a negative weight',
    () =>
      start()
        .tokenize('o200k_base')
        .feed({ ...feed, mixture: { a: -1 } }),
    /'a' the weight -1/,
  ],
]

for (const [what, make, message] of mistakes)
  test(`a pipeline with ${what} is refused before any work`, () => {
    assert.throws(
      () => planPipeline(make()),
      (error: Error & { code?: string }) => error.code === 'bad-pipeline' && message.test(error.message),
    )
  })

test('a fingerprint changes with all that a column depends on, and with nothing else', () => {
  const print = (builder: PipelineBuilder, column: string) => planPipeline(builder).fingerprints.get(column)
  const plain = print(start().annotate(words()), 'count')
  assert.equal(print(start().annotate(words(), label()), 'count'), plain, 'a later annotator')
  assert.equal(print(start().annotate(label(), words()), 'count'), plain, 'another column before it')
  assert.notEqual(print(start().annotate(words({ x: 1 })), 'count'), plain, 'an option')
  assert.notEqual(print(start().annotate(clean(), words()), 'count'), plain, 'an edit of the text it reads')
  assert.notEqual(print(start().annotate({ ...words(), version: 2 }), 'count'), plain, 'a version')
  const hashed = { ...words(), resources: [{ name: 'model', sha256: 'ab' }] }
  assert.notEqual(print(start().annotate(hashed), 'count'), plain, 'a resource')
})

test('a threshold changes the decisions and not the measurements', () => {
  const one = planPipeline(start().annotate(words()).decide(rules()))
  const two = planPipeline(
    start()
      .annotate(words())
      .decide(rules({ count: { below: 9 } })),
  )
  assert.equal(one.annotateFingerprint, two.annotateFingerprint)
  assert.notEqual(one.decideFingerprint, two.decideFingerprint)
})

const overrides: [given: Parameters<typeof resolveRules>[1], expected: Rule[]][] = [
  [{}, [{ reason: 'too-few-words', column: 'count', below: 5 }]],
  [{ count: { below: 9 } }, [{ reason: 'too-few-words', column: 'count', below: 9 }]],
  [{ count: false }, []],
  [{ count: { above: 9, reason: 'too-many-words' } }, [{ reason: 'too-many-words', column: 'count', above: 9 }]],
  [
    { language: { oneOf: ['en'] } },
    [
      { reason: 'too-few-words', column: 'count', below: 5 },
      { reason: 'language-not-selected', column: 'language', oneOf: ['en'] },
    ],
  ],
]
for (const [given, expected] of overrides)
  test(`rules under ${JSON.stringify(given)}`, () => {
    assert.deepEqual(resolveRules([words(), label()], given), expected)
  })

test('fingerprints say how records are read, and not where they lie or when they come', () => {
  const printOf = (options: Source['options'], name = 'jsonl') =>
    planPipeline(
      pipeline('p')
        .from({ ...source, name, options })
        .annotate(words()),
    ).annotateFingerprint
  const options = { patterns: ['a'], follow: false, pollMs: 1, text: 'text' }
  assert.equal(printOf({ ...options, patterns: ['b'], follow: true, pollMs: 2 }), printOf(options))
  assert.notEqual(printOf({ ...options, text: 'body' }), printOf(options))
  assert.notEqual(printOf(options, 'parquet'), printOf(options))
})
