import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { seedSimilarity } from '../../src/annotate/seed-similarity.ts'
import { numbers, utf8From } from '../../src/batch/batch.ts'
import { checkFields } from '../../src/batch/contract.ts'
import { HeadraceError } from '../../src/errors.ts'
import { fitSeed } from '../../src/text/likeness/seed.ts'
import { writeSeed } from '../../src/text/likeness/seed-file.ts'
import { makeFolder } from '../temporary.ts'

const directory = makeFolder('seed')
const sample = join(import.meta.dirname, '../../pipelines/sample')
const readSample = (part: number): { text: string; domain: string }[] =>
  gunzipSync(readFileSync(join(sample, `sample-${part}.jsonl.gz`)))
    .toString()
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))

const mathTexts = readdirSync(join(sample, 'seed-math')).map(file => readFileSync(join(sample, 'seed-math', file)))
const background = readSample(0).map(({ text }) => Buffer.from(text))
async function fit(name: string): Promise<string> {
  const file = join(directory, `${name}.json`)
  writeFileSync(file, writeSeed(await fitSeed(mathTexts, background, { name })))
  return file
}
const math = await fit('math')
const one = await fit('one')
const two = await fit('two')

/** The odds that a document of the first list scores above one of the second. */
function areaUnderCurve(positive: readonly number[], negative: readonly number[]): number {
  const wins = positive.reduce(
    (sum, a) => sum + negative.reduce((count, b) => count + (a > b ? 1 : a === b ? 0.5 : 0), 0),
    0,
  )
  return wins / (positive.length * negative.length)
}

test('40 pages of mathematics recall pages that they do not hold', async () => {
  const annotator = seedSimilarity({ seed: math })
  const documents = [1, 2, 3].flatMap(readSample)
  const texts = utf8From(documents.map(({ text }) => text))
  const columns = await annotator.annotate({ rows: documents.length, columns: { text: texts } })
  const batch = { rows: documents.length, columns }
  checkFields(batch, annotator.writes, annotator.name)
  const scores = numbers(batch, 'seed:math')
  const of = (wanted: boolean) =>
    documents.flatMap(({ domain }, row) =>
      (domain === 'math') === wanted && !Number.isNaN(scores[row]) ? [scores[row]] : [],
    )
  const area = areaUnderCurve(of(true), of(false))
  assert.ok(area > 0.98, `area under the curve is ${area}`)
})

test('several seeds are several columns, and each file is a resource', async () => {
  const annotator = seedSimilarity({ seed: [one, two] })
  assert.deepEqual(
    annotator.writes.map(({ name }) => name),
    ['seed:one', 'seed:two'],
  )
  const columns = await annotator.annotate({ rows: 2, columns: { text: utf8From(['a prime number', '']) } })
  assert.deepEqual(columns['seed:one'], columns['seed:two'])
  assert.ok(Number.isNaN(numbers({ rows: 2, columns }, 'seed:one')[1]))
  assert.match(annotator.resources[0].sha256, /^[0-9a-f]{64}$/)
  assert.notEqual(annotator.resources[0].sha256, annotator.resources[1].sha256)
})

test('there is a rule only where a lowest score is given', () => {
  const seed = math
  assert.deepEqual(seedSimilarity({ seed }).rules, [])
  assert.deepEqual(seedSimilarity({ seed, minScore: 0.1 }).rules, [
    { reason: 'unlike-seed', column: 'seed:math', below: 0.1 },
  ])
})

test('seeds that cannot be used are refused with what to do', () => {
  const refused = (code: string, build: () => unknown) =>
    assert.throws(build, error => error instanceof HeadraceError && error.code === code)
  refused('not-found', () => seedSimilarity({ seed: join(directory, 'missing.json') }))
  refused('bad-option', () => seedSimilarity({ seed: [] }))
  refused('bad-option', () => seedSimilarity({ seed: [one, one] }))
  refused('bad-option', () => seedSimilarity({ seed: [one, two], minScore: 0 }))
  const damaged = join(directory, 'damaged.json')
  writeFileSync(damaged, '{"format":"headrace-seed/3"}')
  refused('corrupt', () => seedSimilarity({ seed: damaged }))
})

test('of a few words nobody knows: a line of them is nearer to 0 than a page', async () => {
  const [word] = Buffer.from(mathTexts[0])
    .toString()
    .match(/\b[a-z]{6,}\b/) ?? ['theorem']
  const annotator = seedSimilarity({ seed: math })
  const texts = utf8From([1, 10, 100, 1000].map(times => Array(times).fill(word).join(' ')))
  const columns = await annotator.annotate({ rows: 4, columns: { text: texts } })
  const scores = [...numbers({ rows: 4, columns }, 'seed:math')].map(Math.abs)
  assert.ok(scores[0] < scores[1] / 5 && scores[1] < scores[2] / 3 && scores[2] < scores[3], String(scores))
})
