import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import * as h from '../../src/index.ts'
import { limits } from '../../src/limits.ts'
import { RunReader } from '../../src/record/run-reader.ts'
import { surveyValue, type ValueOrder, type ValueSurvey } from '../../src/value/survey.ts'
import { distanceOf, type Kept } from '../../src/value/thresholds.ts'
import { isLowerBetter } from '../../src/value/value-columns.ts'
import { drawFrom } from '../random.ts'
import { setLimits } from '../simulate/small-limits.ts'
import { makeFolder } from '../temporary.ts'
import { storeRun, storeUpgraded } from '../what-if/stored-run.ts'

const dir = makeFolder('survey')
const draw = drawFrom(Math.floor(Math.random() * 2 ** 31))

interface Document {
  readonly id: string
  readonly source: string
  readonly text: string
  readonly value: number
}

// Every document's `seed:a` is its length, or none where that is odd and above 150; `seed:b` falls as it rises; `seed:c` knows nothing of it.
const worth = h.simpleFilter(
  'worth',
  {
    'seed:a': h.ratio('length'),
    'seed:b': h.ratio('its other side'),
    'seed:c': h.ratio('noise'),
    size: h.count('letters'),
  },
  text => ({
    'seed:a': measure(text.length),
    'seed:b': 1000 - text.length ** 2,
    'seed:c': (text.length * 7919) % 101,
    size: text.length,
  }),
)
const measure = (length: number) => (length > 150 && length % 2 === 1 ? Number.NaN : length)

const documents: Document[] = Array.from({ length: 400 }, (_, i) => {
  const source = ['books', 'web', 'web', '__proto__'][draw(4)]
  const length = 10 + draw(source === 'books' ? 50 : 200)
  return { id: `d${i}`, source, text: 'x'.repeat(length), value: measure(length) }
})
/** The run drops what is shorter. */
const sizeMin = 30
const kept = documents.filter(({ text }) => text.length >= sizeMin)

const pipelineOf = (file: string) =>
  h
    .pipeline('values')
    .from(h.jsonl(file, { domain: 'source' }))
    .annotate(worth())
    .decide(h.rules({ size: { below: sizeMin } }))

async function store(name: string, rows: readonly Document[]): Promise<string> {
  const file = join(dir, `${name}.jsonl`)
  writeFileSync(file, rows.map(row => `${JSON.stringify(row)}\n`).join(''))
  await storeRun(join(dir, name), pipelineOf(file))
  return join(dir, name)
}

let [run, shuffled] = ['', '']
before(async () => {
  setLimits({ slotBytes: 4096 })
  run = await store('run', documents)
  shuffled = await store('shuffled', documents.toReversed())
})

const cuts = [{ value: 60 }, { percentile: 50 }, { percentile: 90 }]
async function survey(path: string, change: Partial<ValueOrder> = {}): Promise<ValueSurvey> {
  await using reader = await RunReader.open(path)
  return await surveyValue(reader, { columns: null, cuts, lower: [], hasDropped: false, ...change })
}

/** What stays of some documents, as the survey should count it; tokens are a quarter of the bytes, as none are tokenized. */
function keep(of: readonly Document[], threshold: number): Kept {
  const stays = of.filter(({ value }) => !(value < threshold))
  const tokens = stays.reduce((sum, { text }) => sum + text.length / 4, 0)
  return { documents: stays.length, tokens, tokensEstimated: tokens }
}

for (const [hasDropped, all] of [
  [false, kept],
  [true, documents],
] as const)
  test(`what each threshold keeps is exact, of ${hasDropped ? 'all documents' : 'kept ones'}, by domain`, async () => {
    const { columns, documents: count } = await survey(run, { hasDropped })
    assert.equal(count, all.length)
    const [a] = columns
    const measured = all.filter(({ value }) => !Number.isNaN(value))
    assert.deepEqual([a.column, a.documents, a.unmeasured], ['seed:a', measured.length, all.length - measured.length])
    assert.ok(a.unmeasured > 0)
    for (const source of ['books', 'web', '__proto__']) {
      const own = all.filter(one => one.source === source)
      const thresholds = [Number.NEGATIVE_INFINITY, ...a.cuts.map(({ value }) => value)]
      assert.deepEqual(
        a.domains.get(source),
        thresholds.map(threshold => keep(own, threshold)),
      )
    }
    assert.equal(a.domains.size, 3)
    // Without a language there are none, and not one that has no name.
    assert.equal(a.languages.size, 0)
  })

test('where less is better a threshold keeps what is at or below it, and the one that drops most is the last', async () => {
  const { columns } = await survey(run, {
    columns: ['size', 'seed:c'],
    lower: ['size'],
    cuts: [{ value: 60 }, { value: 120 }],
  })
  const [size, other] = columns
  assert.deepEqual([size.isLower, other.isLower], [true, false])
  assert.deepEqual(
    size.cuts.map(({ value }) => value),
    [120, 60],
  )
  const web = kept.filter(({ source }) => source === 'web')
  const documents = [Number.POSITIVE_INFINITY, 120, 60].map(
    most => web.filter(({ text }) => text.length <= most).length,
  )
  assert.deepEqual(
    size.domains.get('web')!.map(({ documents }) => documents),
    documents,
  )
})

const lower: [column: string, isLower: boolean][] = [
  ['lm:web', true],
  ['lm:web:worst', true],
  ['kenlm:wiki', true],
  ['lm:webRank', false],
  ['class:lm', false],
]
for (const [column, is] of lower)
  test(`less is ${is ? '' : 'not '}better in ${column}`, () => assert.equal(isLowerBetter(column), is))

test('percentiles are those of the values, and cuts stand in rising order', async () => {
  const { columns } = await survey(run)
  const values = kept.flatMap(({ value }) => (Number.isNaN(value) ? [] : [value])).sort((x, y) => x - y)
  const middle = (values[Math.floor((values.length - 1) / 2)] + values[Math.ceil((values.length - 1) / 2)]) / 2
  const { percentiles, histogram } = columns[0].spread!
  assert.equal(percentiles.points[50], middle)
  assert.deepEqual([percentiles.points[0], percentiles.points[100]], [values[0], values.at(-1)])
  assert.ok(Math.abs(histogram.shares.reduce((x, y) => x + y) - 1) < 1e-9)
  const placed = columns[0].cuts.map(({ value }) => value)
  assert.deepEqual(
    placed,
    [...placed].sort((x, y) => x - y),
  )
  assert.ok(placed.includes(60) && placed.includes(middle))
})

test('columns that order alike, or the other way round, are found; one that does not is not', async () => {
  const { correlations, others } = await survey(run)
  const found = new Map(correlations.map(({ columns, correlation }) => [columns.join(), correlation!]))
  assert.deepEqual(correlations[0].columns, ['seed:a', 'seed:b'])
  assert.ok(Math.abs(found.get('seed:a,seed:b')! + 1) < 1e-9)
  assert.ok(Math.abs(found.get('seed:a,seed:c')!) < 0.4)
  // Counts of letters say nothing of worth, unless they are named.
  assert.ok(others.includes('size'))
  const named = await survey(run, { columns: ['size', 'seed:a'] })
  assert.deepEqual(
    named.columns.map(({ column }) => column),
    ['size', 'seed:a'],
  )
  assert.ok(Math.abs(named.correlations[0].correlation! - 1) < 1e-9)
})

test('the order of documents changes nothing, where only some of them are sampled either', async context => {
  const { calibrationSampleMax, correlationSampleMax } = limits
  context.after(() => setLimits({ calibrationSampleMax, correlationSampleMax }))
  for (const max of [correlationSampleMax, 40]) {
    setLimits({ calibrationSampleMax: max, correlationSampleMax: max })
    const a = await survey(run)
    const b = await survey(shuffled)
    assert.deepEqual(a.correlations, b.correlations)
    assert.ok(a.correlations[0].documents <= max)
    for (const [i, { spread, domains }] of a.columns.entries()) {
      assert.deepEqual(spread, b.columns[i].spread)
      assert.deepEqual(new Map(domains), new Map(b.columns[i].domains))
    }
  }
})

test('a run that goes on is looked at as far as it has decided', async () => {
  const path = join(dir, 'standing')
  const pipeline = pipelineOf(join(dir, 'run.jsonl'))
  let count = 0
  await storeUpgraded(path, [pipeline, pipeline], run, 2, async () => {
    const { decided, documents: some } = await survey(path, { hasDropped: true })
    assert.deepEqual(decided, { from: 0, to: 2, isEnded: false })
    count = some
  })
  assert.ok(count > 0 && count < documents.length)
  const { decided, documents: all } = await survey(path, { hasDropped: true })
  assert.deepEqual([decided.isEnded, all], [true, documents.length])
})

const distances: [before: number[], after: number[], distance: number][] = [
  [[50, 50], [25, 25], 0],
  [[50, 50], [50, 0], 0.5],
  [[80, 20], [20, 20], 0.3],
  [[10, 10], [0, 0], 0],
]
for (const [now, then, distance] of distances)
  test(`a mixture of ${now} that becomes ${then} moves by ${distance}`, () => {
    const kept = (tokens: number): Kept => ({ documents: 1, tokens, tokensEstimated: 0 })
    const groups = now.map((tokens, i) => [kept(tokens), kept(then[i])])
    assert.ok(Math.abs(distanceOf(groups, 1) - distance) < 1e-12)
  })

const refused: [change: Partial<ValueOrder>, code: string, message: RegExp][] = [
  [
    { columns: ['seed:d'] },
    'bad-option',
    /has no column 'seed:d'; did you mean 'seed:.'\? columns of numbers are: .*seed:a/,
  ],
  [{ lower: ['seed:d'] }, 'bad-option', /of a column that is not looked at: 'seed:d'; did you mean 'seed:.'\?/],
  [{ columns: ['domain'] }, 'bad-option', /column 'domain' of .* holds no numbers/],
]
for (const [change, code, message] of refused)
  test(`refused: ${JSON.stringify(change)}`, async () => {
    await assert.rejects(survey(run, change), { code, message })
  })

test('where nothing is to be seen, it is an error that says what there is', async () => {
  const bare = join(dir, 'bare')
  const source = h.jsonl(join(dir, 'run.jsonl'))
  await storeRun(bare, h.pipeline('bare').from(source))
  await assert.rejects(survey(bare), { code: 'not-found', message: /no column that says what a text is worth.* line/ })
  const none = join(dir, 'none')
  await storeRun(
    none,
    h
      .pipeline('none')
      .from(source)
      .annotate(worth())
      .decide(h.rules({ size: { below: 1e6 } })),
  )
  await assert.rejects(survey(none), { code: 'not-found', message: /keeps no document: --dropped/ })
  assert.equal((await survey(none, { hasDropped: true })).documents, documents.length)
  const unmeasured = join(dir, 'unmeasured')
  const odd = h.simpleFilter('odd', { 'seed:none': h.ratio('nothing') }, () => ({ 'seed:none': Number.NaN }))
  await storeRun(unmeasured, h.pipeline('odd').from(source).annotate(odd()))
  await assert.rejects(survey(unmeasured), { code: 'not-found', message: /none of the 400 documents .* 'seed:none'/ })
})

test('more columns than are held side by side is an error', async context => {
  const { valueColumnsMax } = limits
  context.after(() => setLimits({ valueColumnsMax }))
  setLimits({ valueColumnsMax: 2 })
  await assert.rejects(survey(run), { code: 'limit', message: /3 columns are more than the 2/ })
})
