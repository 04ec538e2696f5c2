import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Described } from '../src/annotate/filter.ts'
import { balanceOptions } from '../src/decide/balance.ts'
import { exactDuplicatesOptions } from '../src/decide/exact-duplicates.ts'
import { holdoutOptions } from '../src/decide/holdout.ts'
import { nearDuplicatesOptions } from '../src/decide/near-duplicates.ts'
import { HeadraceError } from '../src/errors.ts'
import { feedOptions } from '../src/feed/options.ts'
import { readFeedOptions } from '../src/feed/read.ts'
import * as headrace from '../src/index.ts'
import { findNearest, type OptionTable } from '../src/options.ts'
import { guardOptions } from '../src/pipeline/guard.ts'
import { thresholdOptions } from '../src/pipeline/overrides.ts'
import { storeOptions } from '../src/pipeline/pipeline.ts'
import { topicOptions } from '../src/record/topic.ts'
import { kafkaTopicOptions } from '../src/sources/kafka/kafka-topic.ts'
import { makeFolder } from './temporary.ts'

const dir = makeFolder('index')
writeFileSync(join(dir, 'run.json'), '{}')
const web = headrace.pipeline('web')

/** Calls a function with these options, which no type has checked. */
type Call = (options: never) => unknown
interface Taker {
  readonly call: Call
  readonly names: readonly string[]
  /** Options that must be given. */
  readonly needed: object
}
const takes = (table: object, call: Call, needed = {}): Taker => ({ call, names: Object.keys(table), needed })

// Every function that takes options, each with its table, and the methods of a pipeline.
const takers: Record<string, Taker> = {
  balance: takes(balanceOptions, headrace.balance, { rates: {} }),
  exactDuplicates: takes(exactDuplicatesOptions, headrace.exactDuplicates),
  'pipeline().feed': takes(feedOptions, web.feed, { length: 1, batch: 1 }),
  gate: takes(thresholdOptions, given => headrace.gate({ x: given }), { below: 1 }),
  'pipeline().guard': takes(guardOptions, web.guard, { by: 'all' }),
  'pipeline().store': takes(storeOptions, web.store),
  holdout: takes(holdoutOptions, headrace.holdout, { rate: 0.5 }),
  jsonl: takes(headrace.jsonl.kind.options, given => headrace.jsonl('a', given)),
  kafkaTopic: takes(kafkaTopicOptions, given => headrace.kafkaTopic('kafka://a:1', 't', given)),
  nearDuplicates: takes(nearDuplicatesOptions, headrace.nearDuplicates),
  parquet: takes(headrace.parquet.kind.options, given => headrace.parquet('a', given)),
  readFeed: takes(readFeedOptions, given => headrace.readFeed('a', given)),
  rules: takes(thresholdOptions, given => headrace.rules({ x: given }), { below: 1 }),
  textFolder: takes(headrace.textFolder.kind.options, given => headrace.textFolder('a', given)),
  topic: takes(topicOptions, given => headrace.topic(dir, 'decide.kept', given)),
}

/** An annotator's options stand with its measures and beside them. */
function namesOf({ table }: Described): OptionTable {
  return Object.assign({}, ...Object.values(table.measures).map(measure => measure.options), table.options)
}
const annotators: Record<string, Taker> = {
  c4: takes(namesOf(headrace.c4), headrace.c4),
  classifier: takes(namesOf(headrace.classifier), headrace.classifier, { model: 'none' }),
  embedding: takes(namesOf(headrace.embedding), headrace.embedding, {
    name: 'x',
    endpoint: 'http://localhost:1',
    model: 'm',
    dimensions: 1,
  }),
  embeddingHeads: takes(namesOf(headrace.embeddingHeads), headrace.embeddingHeads, { embedding: 'x', heads: 'none' }),
  onnxEmbedding: takes(namesOf(headrace.onnxEmbedding), headrace.onnxEmbedding, {
    name: 'x',
    model: 'none',
    vocabulary: 'none',
    dimensions: 1,
  }),
  fasttext: takes(namesOf(headrace.fasttext), headrace.fasttext, { model: 'none', name: 'x' }),
  combine: takes(namesOf(headrace.combine), headrace.combine, { columns: ['aRank'], name: 'a' }),
  density: takes({}, headrace.density as Call),
  drawByScore: takes(namesOf(headrace.drawByScore), headrace.drawByScore, { column: 'a' }),
  finewebQuality: takes(namesOf(headrace.finewebQuality), headrace.finewebQuality),
  gopherQuality: takes(namesOf(headrace.gopherQuality), headrace.gopherQuality),
  gopherRepetition: takes(namesOf(headrace.gopherRepetition), headrace.gopherRepetition),
  judge: takes(namesOf(headrace.judge), headrace.judge, { rubric: 'none', model: 'm', store: 's', ask: false }),
  kenlm: takes(namesOf(headrace.kenlm), headrace.kenlm, { model: 'none', name: 'x' }),
  language: takes(namesOf(headrace.language), headrace.language),
  languageModel: takes(namesOf(headrace.languageModel), headrace.languageModel, { model: 'none' }),
  lineQuality: takes(namesOf(headrace.lineQuality), headrace.lineQuality, { model: 'none', below: 0 }),
  maskPii: takes(namesOf(headrace.maskPii), headrace.maskPii),
  normalize: takes({}, headrace.normalize as Call),
  rank: takes(namesOf(headrace.rank), headrace.rank, { table: 'none' }),
  seedSimilarity: takes(namesOf(headrace.seedSimilarity), headrace.seedSimilarity, { seed: 'none' }),
  signature: takes(namesOf(headrace.signature), headrace.signature),
  tokenize: takes(namesOf(headrace.tokenize), given => headrace.tokenize('gpt2', given)),
  urlLists: takes(namesOf(headrace.urlLists), headrace.urlLists, { lists: { one: 'none' } }),
  wordLists: takes(namesOf(headrace.wordLists), headrace.wordLists, { lists: { one: 'none' } }),
  'pipeline().tokenize': takes(namesOf(headrace.tokenize), given => web.tokenize('gpt2', given)),
}

const withoutOptions = [
  'above',
  'below',
  'count',
  'filter',
  'ratio',
  'simpleFilter',
  'HeadraceError',
  'numbers',
  'onlyFor',
  'pipeline',
  'planPipeline',
  'stringAt',
  'utf8',
  'utf8From',
]
const methodsWithoutOptions = ['from', 'annotate', 'decide'].map(name => `pipeline().${name}`)

const functionsOf = (object: object, prefix = '') =>
  Object.entries(object).flatMap(([name, value]) => (typeof value === 'function' ? [prefix + name] : []))

test('no function that Headrace exports, and no method of a pipeline, is missing here', () => {
  const known = [...Object.keys(takers), ...Object.keys(annotators), ...withoutOptions, ...methodsWithoutOptions]
  assert.deepEqual([...functionsOf(headrace), ...functionsOf(web, 'pipeline().')].sort(), known.sort())
})

/** Says what is wrong with how a function refuses these options, or null. */
function judgeRefusal({ call, needed }: Taker, wrong: object, says: string): string | null {
  try {
    call({ ...needed, ...wrong } as never)
  } catch (error) {
    if (!(error instanceof HeadraceError)) return `it throws ${error}`
    if (error.exit !== 64) return `it exits with ${error.exit}`
    return error.message.includes(says) ? null : `'${error.message}' does not say: ${says}`
  }
  return 'it takes them'
}

/** The name with its last letter twice. */
const misspell = (name: string) => name + name.at(-1)

/** All that is wrong with how a function takes its options. */
function judge(taker: Taker): string[] {
  const judged = taker.names.flatMap(name => [
    judgeRefusal(taker, { [misspell(name)]: 1 }, `'${misspell(name)}'; did you mean '${name}'?`),
    // No option is a bigint.
    judgeRefusal(taker, { [name]: 10n }, `'${name}' 10: give `),
  ])
  const unlike = judgeRefusal(taker, { 'xx-xx-xx': 1 }, "'xx-xx-xx'; ")
  return [...judged, unlike].filter(fault => fault !== null)
}

test('the judge of options sees each kind of mistake', () => {
  const silent = takes({ rate: 0 }, () => {})
  assert.deepEqual(judge(silent), ['it takes them', 'it takes them', 'it takes them'])
  const nameless = takes({ rate: 0 }, () => {
    throw new HeadraceError('bad-option', 'this is wrong')
  })
  assert.equal(judge(nameless).length, 3)
  const crashing = takes({ rate: 0 }, () => {
    throw new TypeError('undefined is not a function')
  })
  assert.match(judge(crashing)[0], /it throws TypeError/)
  assert.equal(findNearest(misspell('rate'), ['rate', 'seed']), 'rate')
})

for (const [name, taker] of Object.entries(takers))
  test(`${name}() refuses what it does not know, and says what is right`, () => {
    assert.deepEqual(judge(taker), [])
    assert.doesNotThrow(() => taker.call(taker.needed as never))
  })

for (const [name, taker] of Object.entries(annotators))
  test(`${name}() refuses what it does not know, and says what is right`, () => {
    assert.deepEqual(judge(taker), [])
  })

/** What the compiler refuses too: it checks this and nothing calls it. */
export function refusedByTypes(): void {
  // @ts-expect-error: an unknown option
  headrace.holdout({ rate: 0.5, sead: 1 })
  // @ts-expect-error: one that must be given
  headrace.balance({ seed: 1 })
  // @ts-expect-error: a function without options
  headrace.exactDuplicates({ seed: 1 })
  // @ts-expect-error: a value of another type
  headrace.nearDuplicates({ similarity: '0.8' })
  // @ts-expect-error: a name that is none of those
  headrace.nearDuplicates({ scope: 'domains' })
  // @ts-expect-error: an option of another source
  headrace.jsonl('a', { columns: ['b'] })
  // @ts-expect-error: an option of another source
  headrace.textFolder('a', { text: 'body' })
  // @ts-expect-error: a format that is none of those
  headrace.kafkaTopic('kafka://a:1', 't', { format: 'csv' })
  // @ts-expect-error: a topic without documents
  headrace.topic('a', 'decide.drops')
  // @ts-expect-error: an unknown option
  headrace.readFeed('a', { ranks: 1 })
  // @ts-expect-error: an unknown bound
  headrace.rules({ languageScore: { belw: 0.3 } })
  // @ts-expect-error: an unknown option
  web.feed({ length: 1, batch: 1, shuffle: true })
  // @ts-expect-error: an unknown option
  web.guard({ by: 'all', aboev: 0.5 })
  // @ts-expect-error: a decider among annotators
  web.annotate(headrace.exactDuplicates())
}
