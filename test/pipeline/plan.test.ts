import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Annotator, Rule } from '../../src/annotate/annotator.ts'
import type { Field } from '../../src/batch/batch.ts'
import { exactDuplicates } from '../../src/decide/exact-duplicates.ts'
import type { FeedOptions } from '../../src/feed/options.ts'
import { gate, type PipelineBuilder, pipeline, resolveRules, rules } from '../../src/pipeline/pipeline.ts'
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

const withTokens = () => start().tokenize('o200k_base')
const wrong = (value: unknown) => value as never

// What is wrong, how it is written, the error's code and what it says.
const mistakes: [what: string, make: () => PipelineBuilder, code: string, message: RegExp][] = [
  ['no source', () => pipeline('p'), 'bad-pipeline', /'p': there is no source; add \.from/],
  ['a bad name', () => pipeline('a/b'), 'bad-pipeline', /name 'a\/b' must be/],
  ['a number for a name', () => pipeline(wrong(5)), 'bad-pipeline', /name '5' must be/],
  [
    'a column nobody writes',
    () => start().annotate(needs()),
    'bad-pipeline',
    /'needs' reads column 'count', which nothing before it writes; .*add the one/,
  ],
  [
    'a column by another name',
    () => start().annotate(words(), annotator('x', ['cuont'], [])),
    'bad-pipeline',
    /did you mean 'count'\?/,
  ],
  ['a column written later', () => start().annotate(needs(), words()), 'bad-pipeline', /put words\(\) before it/],
  ['one annotator twice', () => start().annotate(words(), words()), 'bad-pipeline', /'words' stands twice/],
  [
    'a rule on no column',
    () => start().decide(rules({ nothing: { below: 1 } })),
    'bad-pipeline',
    /rules\(\) reads column 'nothing', which nothing before it writes; no annotator .* add/,
  ],
  [
    'a rule removed by another name',
    () =>
      start()
        .annotate(words())
        .decide(rules({ cuont: false })),
    'bad-pipeline',
    /column 'cuont', which nothing before it writes; did you mean 'count'\?/,
  ],
  [
    'a gate before its column',
    () => start().annotate(gate({ count: { below: 1 } }), words()),
    'bad-pipeline',
    /a gate\(\) reads column 'count', which nothing before it writes; put words\(\) before it/,
  ],
  [
    'a number rule on text',
    () =>
      start()
        .annotate(label())
        .decide(rules({ language: { below: 1 } })),
    'bad-pipeline',
    /use oneOf or noneOf/,
  ],
  [
    'a text rule on a number',
    () =>
      start()
        .annotate(words())
        .decide(rules({ count: { oneOf: ['1'] } })),
    'bad-pipeline',
    /use below or above/,
  ],
  [
    "an annotator's rule on a bound that is no number",
    () =>
      start()
        .annotate({ ...words(), rules: [{ reason: 'r', column: 'count', below: Number.NaN }] })
        .decide(rules()),
    'bad-pipeline',
    /has the bound NaN/,
  ],
  ['a feed without tokens', () => start().feed(feed), 'bad-pipeline', /feed\(\) stands without tokenize\(\)/],
  [
    'a batch of 0',
    () => withTokens().feed({ ...feed, batch: 0 }),
    'bad-option',
    /'batch' 0: give a whole number from 1/,
  ],
  ['no length', () => withTokens().feed(wrong({ batch: 2 })), 'bad-option', /feed\(\) needs 'length'/],
  [
    'a negative weight',
    () => withTokens().feed({ ...feed, mixture: { a: -1 } }),
    'bad-option',
    /'mixture' \{"a":-1\}: give names of domains, .*; 'a' is -1/,
  ],
  [
    'a mixture of nothing',
    () => withTokens().feed({ ...feed, mixture: { a: 0 } }),
    'bad-option',
    /one of them above 0/,
  ],
  [
    'no encoding',
    () => start().tokenize(wrong('o20k_base')),
    'bad-option',
    /no encoding 'o20k_base'; did you mean 'o200k_base'/,
  ],
  [
    'a decider to annotate with',
    () => start().annotate(wrong(exactDuplicates())),
    'bad-pipeline',
    /got a decider: give it to \.decide/,
  ],
  [
    'an annotator to decide with',
    () => start().decide(wrong(words())),
    'bad-pipeline',
    /got an annotator: give it to \.annotate/,
  ],
  [
    'rules among annotators',
    () => start().annotate(wrong(rules())),
    'bad-pipeline',
    /got rules\(\): give it to \.decide/,
  ],
  ['a gate among deciders', () => start().decide(wrong(gate())), 'bad-pipeline', /got a gate: give it to \.annotate/],
  [
    'a function that was not called',
    () => start().decide(wrong(exactDuplicates)),
    'bad-pipeline',
    /as in exactDuplicates\(\)/,
  ],
  ['a list', () => start().annotate(wrong([words()])), 'bad-pipeline', /got a list: give what is in it one by one/],
  ['a path for a source', () => pipeline('p').from(wrong('a.jsonl')), 'bad-pipeline', /takes a source, not "a\.jsonl"/],
  [
    'nothing for a decider',
    () => start().decide(wrong(undefined)),
    'bad-pipeline',
    /takes a decider or rules\(\), not undefined/,
  ],
]

for (const [what, make, code, message] of mistakes)
  test(`a pipeline with ${what} is refused before any work`, () => {
    assert.throws(
      () => planPipeline(make()),
      (error: Error & { code?: string }) => error.code === code && message.test(error.message),
    )
  })

// Thresholds of rules and gates alike.
const thresholds: [given: unknown, message: RegExp][] = [
  [{ count: { belw: 1 } }, /for 'count' has no option 'belw'; did you mean 'below'\? there are reason, below, above/],
  [{ count: { below: '5' } }, /for 'count' has 'below' "5": give a number/],
  [{ count: { below: Number.NaN } }, /'below' NaN/],
  [{ language: { oneOf: [] } }, /'oneOf' \[\]: give a list of at least 1/],
  [{ language: { oneOf: 'en' } }, /'oneOf' "en": give a list/],
  [{ language: { noneOf: ['en', 3] } }, /'noneOf' \["en",3\]: give a list of at least 1, each a string; '1' is 3/],
  [{ count: { below: 1, reason: '' } }, /'reason' "": give a name/],
  [{ count: { reason: 'short' } }, /for 'count' has no bound: give below, above, oneOf or noneOf/],
  [{ count: true }, /for 'count' takes an object of options, not true/],
  [['count'], /takes an object of options, not \["count"\]/],
]
for (const [given, message] of thresholds)
  for (const make of [rules, gate])
    test(`${make.name}() refuses ${JSON.stringify(given)}`, () => {
      assert.throws(() => make(wrong(given)), { code: 'bad-option', message })
    })

test('what is undefined in a threshold says nothing', () => {
  const { overrides } = rules(wrong({ count: { below: 9, reason: undefined }, language: undefined }))
  assert.deepEqual(resolveRules([words()], overrides), [{ reason: 'too-few-words', column: 'count', below: 9 }])
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
