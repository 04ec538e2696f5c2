import assert from 'node:assert/strict'
import { cp, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { limits } from '../../../src/limits.ts'
import { unpackRows } from '../../../src/page/client/rows.ts'
import { Kernel } from '../../../src/page/kernel.ts'
import { packSample, RowSample, type SampleOptions } from '../../../src/page/live/row-sample.ts'
import { packReport, readReport } from '../../../src/page/report.ts'
import { RunReader } from '../../../src/record/run-reader.ts'
import { runMain } from '../../cli/terminal.ts'
import { runUntilCommit } from '../../run/fixture.ts'
import { makeFolder } from '../../temporary.ts'
import { writeDocuments, writePipeline } from '../made.ts'
import { copyAsOlder, type LoggedRecord, makeRuns, readLog } from './made-runs.ts'

// A sample against the report of the same run, and one that grows with a run against one that is begun anew.

let dir = ''
let log: LoggedRecord[] = []

before(async () => {
  dir = join(await makeRuns(['whole']), 'whole')
  log = (await readLog(dir)).filter(({ fate }) => fate !== 'dead')
})

async function sampleOf(of: string, options: SampleOptions = {}): Promise<RowSample> {
  await using run = await RunReader.open(of)
  const sample = new RowSample(options)
  do await sample.refresh(run)
  while (!sample.isWhole)
  return sample
}

const slotsOf = ({ sampled }: RowSample) => sampled.slots.map(({ slot }) => slot)

for (const kind of ['run', 'run of an older version'])
  test(`of a ${kind} that has a place whole a page gets what its report has`, async () => {
    const of = kind === 'run' ? dir : await copyAsOlder(dir)
    await using run = await RunReader.open(of)
    const report = await packReport(await readReport(run, { documentsMax: 0, seed: 0 }))
    const { documents, measures, mixture, drift, ...told } = packSample(await sampleOf(of))
    assert.deepEqual({ ...report, ...told }, report)
    assert.deepEqual([documents, measures, mixture, drift.points], [[], [], null, []])
    assert.equal(told.rows.count, log.length)
    assert.equal(told.parts === null, kind !== 'run')
  })

test('the rules lead each row to the fate that the log has, in a sample of some slots too', async () => {
  const all = new Map((await sampleOf(dir)).sampled.slots.map(one => [one.slot, one]))
  for (const rowsMax of [1000, 100, 20]) {
    const sample = await sampleOf(dir, { rowsMax })
    for (const one of sample.sampled.slots) assert.deepEqual(one, all.get(one.slot))
    const { sampled } = sample
    const { rows, kernel } = sampled.joined()
    assert.equal(kernel!.unequal, 0)
    const slots = new Set(slotsOf(sample))
    const wanted = log.filter(({ slot }) => slots.has(slot))
    assert.ok(wanted.length <= rowsMax && wanted.length > Math.min(rowsMax, log.length) - 25, `${wanted.length}`)
    const { reasons } = sampled.joined().count(sampled.standing.decide.totals)
    assert.deepEqual(
      Array.from(rows.reason, reason => reasons[reason]),
      wanted.map(({ reason }) => reason ?? ''),
    )
    const data = packSample(sample)
    assert.equal(new Kernel(unpackRows(data), data.parts!, data.reasons).unequal, 0)
  }
})

test('weights make of the rows of a reason all that the run has of it', async () => {
  const data = packSample(await sampleOf(dir, { rowsMax: 100 }))
  const { reason } = unpackRows(data)
  assert.equal(data.rows.of, log.length)
  for (const [i, name] of data.reasons.entries()) {
    const all = log.filter(one => (one.reason ?? '') === name).length
    const rows = reason.filter(one => one === i).length
    assert.equal(Math.round(rows * data.rows.weights[i]), rows > 0 ? all : 0)
  }
})

test('packed with fewer rows it is the smaller sample', async () => {
  assert.deepEqual(packSample(await sampleOf(dir), 60), packSample(await sampleOf(dir, { rowsMax: 60 })))
})

test('a refresh reads for its time, and the next one goes on', async () => {
  await using run = await RunReader.open(dir)
  const sample = new RowSample({ refreshMs: 0 })
  const rows: number[] = []
  do {
    await sample.refresh(run)
    rows.push(sample.sampled.joined().batch.rows)
  } while (!sample.isWhole)
  assert.ok(rows.length > 2 && rows[0] > 0)
  assert.equal(rows.at(-1), log.length)
  assert.deepEqual(packSample(sample), packSample(await sampleOf(dir)))
})

test('a sample of a run that goes on is as one that is begun later, each slot read once', async () => {
  const folder = makeFolder('growing')
  const pipeline = writePipeline(folder, 'growing', writeDocuments(folder, 600))
  const args = ['run', pipeline, '--dir', folder, '--workers', '1']
  const samples = [1000, 80].map(rowsMax => ({ rowsMax, sample: new RowSample({ rowsMax }) }))
  const grown = samples[0].sample
  const of = join(folder, 'growing')
  const seen: number[] = []
  for (const commits of [6, 6, 0]) {
    const stop = {
      runDir: of,
      signal: 'SIGKILL',
      stage: 'decide',
      commits,
      small: { slotBytes: limits.slotBytes },
    } as const
    if (commits > 0) assert.equal((await runUntilCommit(args, stop)).signal, 'SIGKILL')
    else assert.equal((await runMain(args)).status, 0)
    for (const { sample, rowsMax } of samples) {
      const before = new Map(seen.length > 0 ? sample.sampled.slots.map(one => [one.slot, one.rows]) : [])
      await using run = await RunReader.open(of)
      await sample.refresh(run)
      await sample.refresh(run)
      assert.deepEqual(packSample(sample), packSample(await sampleOf(of, { rowsMax })))
      for (const { slot, rows } of sample.sampled.slots) if (before.has(slot)) assert.equal(rows, before.get(slot))
    }
    seen.push(grown.sampled.joined().batch.rows)
  }
  assert.ok(seen[0] > 0 && seen[0] < seen[1] && seen[1] < seen[2], seen.join())
})

test('tokens come when the shards that have them are sealed', async () => {
  const copy = `${dir}-unsharded`
  await cp(dir, copy, { recursive: true })
  const [shards, aside] = [join(copy, 'log', 'shard'), join(copy, 'aside')]
  await rename(shards, aside)
  const sample = await sampleOf(copy)
  assert.ok(unpackRows(packSample(sample)).tokens.every(tokens => tokens === -1))
  await rename(aside, shards)
  await using run = await RunReader.open(copy)
  await sample.refresh(run)
  const { tokens, reason } = unpackRows(packSample(sample))
  for (const [row, known] of tokens.entries()) assert.equal(known >= 0, reason[row] === 0)
  assert.deepEqual({ ...packSample(sample), run: 'whole' }, packSample(await sampleOf(dir)))
})
