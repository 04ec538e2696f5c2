import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { groupKey, writePercentiles } from '../../src/annotate/ranks/percentile-file.ts'
import * as h from '../../src/index.ts'
import { limits } from '../../src/limits.ts'
import { RunReader } from '../../src/record/run-reader.ts'
import { calibrate } from '../../src/value/calibrate.ts'
import { drawFrom } from '../random.ts'
import { setLimits } from '../simulate/small-limits.ts'
import { makeFolder } from '../temporary.ts'
import { storeRun } from '../what-if/stored-run.ts'

const seed = Math.floor(Math.random() * 2 ** 31)
const dir = makeFolder('calibrate')
const draw = drawFrom(seed)

interface Document {
  readonly id: string
  readonly source: string
  readonly text: string
  readonly value: number
}

const size = h.simpleFilter('size', { size: h.count('letters') }, text => ({ size: text.length }))
const documents: Document[] = Array.from({ length: 600 }, (_, i) => {
  const source = ['books', 'web', 'web', '__proto__'][draw(4)]
  const value = 10 + draw(source === 'books' ? 50 : 200)
  return { id: `d${i}`, source, text: 'x'.repeat(value), value }
})

const pipelineOf = (glob: string) =>
  h
    .pipeline('values')
    .from(h.jsonl(glob, { domain: 'source' }))
    .annotate(size())
    .decide(h.rules({ size: { below: 60 } }))

async function store(name: string, rows: readonly Document[]): Promise<string> {
  const file = join(dir, `${name}.jsonl`)
  writeFileSync(file, rows.map(row => `${JSON.stringify(row)}\n`).join(''))
  const run = join(dir, name)
  await storeRun(run, pipelineOf(file))
  return run
}

let [run, shuffled] = ['', '']
before(async () => {
  setLimits({ slotBytes: 4096 })
  run = await store('run', documents)
  shuffled = await store(
    'shuffled',
    documents.toSorted((a, b) => (a.text < b.text ? -1 : 1)),
  )
})

async function calibrateRun(path: string, change: Partial<Parameters<typeof calibrate>[1]> = {}) {
  await using reader = await RunReader.open(path)
  return await calibrate(reader, { column: 'size', by: ['domain'], documentsMin: 100, ...change })
}

test('each group has the percentiles of all its documents, dropped ones too; a small one has none', async () => {
  const { table, groups, unmeasured } = await calibrateRun(run)
  assert.equal(unmeasured, 0)
  const valuesOf = (source: string | null) =>
    documents
      .filter(one => source === null || one.source === source)
      .map(({ value }) => value)
      .sort((a, b) => a - b)
  for (const [names, source] of [
    [[], null],
    [['books'], 'books'],
    [['web'], 'web'],
    [['__proto__'], '__proto__'],
  ] as const) {
    const values = valuesOf(source)
    const points = Array.from({ length: 101 }, (_, p) => {
      const place = (p / 100) * (values.length - 1)
      const [low, high] = [values[Math.floor(place)], values[Math.ceil(place)]]
      return low + (high - low) * (place - Math.floor(place))
    })
    const found = table.groups.get(groupKey(names))
    if (values.length < 100) assert.equal(found, undefined)
    else for (const [p, point] of points.entries()) assert.ok(Math.abs(found!.points[p] - point) < 1e-9)
    const group = groups.find(one => groupKey(one.of) === groupKey(names))!
    const mean = values.reduce((a, b) => a + b) / values.length
    const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length)
    assert.equal(group.documents, values.length)
    assert.ok(Math.abs(group.mean - mean) < 1e-9 && Math.abs(group.deviation - deviation) < 1e-9)
  }
  assert.equal((await calibrateRun(run, { documentsMin: 10_000 })).table.groups.size, 1)
})

test('the order of documents makes no other table, where only some of them are sampled either', async context => {
  const { calibrationSampleMax } = limits
  context.after(() => setLimits({ calibrationSampleMax }))
  for (const max of [calibrationSampleMax, 50]) {
    setLimits({ calibrationSampleMax: max })
    const a = await calibrateRun(run)
    const b = await calibrateRun(shuffled)
    const sorted = ({ table }: typeof a) => writePercentiles({ ...table, groups: new Map([...table.groups].sort()) })
    assert.equal(sorted(a), sorted(b))
    assert.equal(a.table.groups.get(groupKey([]))!.documents, documents.length)
  }
})

test('ranks by the table are even in each group, whatever its values are', async () => {
  const { table } = await calibrateRun(run)
  writeFileSync(join(dir, 'size.json'), writePercentiles(table))
  const file = join(dir, 'run.jsonl')
  const ranked = join(dir, 'ranked')
  const pipeline = pipelineOf(file).annotate(h.rank({ table: join(dir, 'size.json') }))
  await storeRun(ranked, pipeline)
  await using reader = await RunReader.open(ranked)
  const ranks: number[] = []
  for await (const { scored } of reader.slots()) ranks.push(...h.numbers(scored, 'sizeRank'))
  ranks.sort((a, b) => a - b)
  assert.equal(ranks.length, documents.length)
  for (const [i, rank] of ranks.entries()) assert.ok(Math.abs(rank - i / ranks.length) < 0.05, `${rank} at ${i}`)
})

const refused: [change: Partial<Parameters<typeof calibrate>[1]>, message: RegExp][] = [
  [{ column: 'sice' }, /has no column 'sice'; did you mean 'size'\? columns of numbers are: .*size/],
  [{ column: 'domain' }, /column 'domain' of .* holds no numbers; columns of numbers are: .*size/],
  [{ by: ['size'] }, /column 'size' of .* holds no names; columns of names are: .*domain/],
]
for (const [change, message] of refused)
  test(`refused: ${JSON.stringify(change)}`, async () => {
    await assert.rejects(calibrateRun(run, change), { code: 'bad-option', message })
  })

test('more groups than are held is an error', async context => {
  const { calibrationGroupsMax } = limits
  context.after(() => setLimits({ calibrationGroupsMax }))
  setLimits({ calibrationGroupsMax: 3 })
  await assert.rejects(calibrateRun(run), { code: 'limit', message: /more than 3 groups/ })
})
