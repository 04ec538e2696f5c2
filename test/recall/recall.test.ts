import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { type Batch, fixed, numbers, stringAt, utf8 } from '../../src/batch/batch.ts'
import { addressOf } from '../../src/decide/decider.ts'
import * as h from '../../src/index.ts'
import { readFates } from '../../src/inspect/fates.ts'
import type { Plan } from '../../src/pipeline/plan.ts'
import { recallPipeline } from '../../src/recall/pipeline.ts'
import { openScorer } from '../../src/recall/scorer.ts'
import { tallyRecall } from '../../src/recall/tally.ts'
import {
  type Recalled,
  reasonColumn,
  recallReasons,
  type ScorerFile,
  standingColumn,
} from '../../src/record/recalled.ts'
import { RunReader } from '../../src/record/run-reader.ts'
import type { RunEvent } from '../../src/run/events.ts'
import { estimateSimilarity } from '../../src/text/likeness/minhash.ts'
import { verifyRun } from '../../src/verify/verify.ts'
import { crashing, hashOutput } from '../run/fixture.ts'
import { runWhole } from '../run/replay/whole-run.ts'
import { setLimits } from '../simulate/small-limits.ts'
import { makeFolder } from '../temporary.ts'
import { orderOf, pipelineOf, planOf, recallTo, writeDocuments, writeMathSeed } from './made-recall.ts'

// A recall keeps what its line and its caps leave of what a run has dropped, less what the run keeps and what earlier recalls have brought back.
setLimits({ slotBytes: 24 * 1024, shardTokensMax: 4000, shardSlotsMax: 4 })

let glob = ''
let base = ''
let seed: ScorerFile
before(async () => {
  glob = writeDocuments(120)
  seed = await writeMathSeed()
  base = join(makeFolder('base'), 'run')
  await runWhole(base, planOf(pipelineOf(glob)))
})

const recalled = async (options: Partial<Recalled> = {}, of = base, dir = join(makeFolder('recalled'), 'run')) =>
  recallTo(dir, { of, glob, order: await orderOf(of, seed, options) })

interface Row {
  readonly address: number
  readonly id: string
  readonly host: string
  readonly file: string
  readonly score: number
  readonly keys: Keys
}

/** What duplicates are known by. */
interface Keys {
  readonly hash: string
  readonly signature: Uint8Array
  readonly bands: readonly string[]
  readonly shingles: number
}

const spans = (bytes: Uint8Array, width: number) =>
  Array.from({ length: bytes.length / width }, (_, i) =>
    Buffer.from(bytes.subarray(i * width, (i + 1) * width)).toString('hex'),
  )

function keysOf(batch: Batch, i: number): Keys {
  const rowOf = (name: string) => {
    const { bytes, width } = fixed(batch, name)
    return bytes.slice(i * width, (i + 1) * width)
  }
  const [hash, signature, bands] = ['textHash', 'signature', 'bands'].map(rowOf)
  return {
    hash: Buffer.from(hash).toString('hex'),
    signature,
    bands: spans(bands, 8),
    shingles: numbers(batch, 'shingles')[i],
  }
}

/** Documents that are known: of each bucket of a band the first one alone, as `nearDuplicates()` says. */
class Known {
  readonly #hashes = new Set<string>()
  readonly #first = new Map<string, Uint8Array>()

  has({ hash, signature, bands, shingles }: Keys): boolean {
    const like = (band: string, i: number) => {
      const other = this.#first.get(`${i} ${band}`)
      return other !== undefined && estimateSimilarity(signature, 0, other, 0, signature.length) >= 0.8
    }
    return this.#hashes.has(hash) || (shingles > 0 && bands.some(like))
  }

  add({ hash, signature, bands, shingles }: Keys): void {
    this.#hashes.add(hash)
    if (shingles === 0) return
    for (const [i, band] of bands.entries())
      if (!this.#first.has(`${i} ${band}`)) this.#first.set(`${i} ${band}`, signature)
  }
}

/** All rows of a run as its log has them, with their fates. */
async function readRows(dir: string) {
  await using run = await RunReader.open(dir)
  const fates = new Map<number, string>()
  for await (const { slot, row, fate, reason } of readFates(run)) fates.set(addressOf(slot, row), reason ?? fate)
  const rows: { address: number; slot: number; batch: Batch; i: number; fate: string }[] = []
  for await (const { slot, scored } of run.slots())
    for (const [i, row] of numbers(scored, 'row').entries()) {
      const address = addressOf(slot, row)
      rows.push({ address, slot, batch: scored, i, fate: fates.get(address)! })
    }
  return rows
}

/** What a recall must keep, found without it: by the scores of what the base stores, and each row of another run, without gates, compared with each. */
async function expectRecalled({ line = 0, perHost, perSource }: Partial<Recalled>, before: readonly string[] = []) {
  const ungated = join(makeFolder('ungated'), 'run')
  await runWhole(ungated, planOf(pipelineOf(glob, false)))
  const whole = new Map((await readRows(ungated)).map(row => [row.address, row]))
  const rows = await readRows(base)
  const known = new Set(
    (await Promise.all(before.map(readRows))).flat().flatMap(row => (row.fate === 'kept' ? [row.address] : [])),
  )
  const [kept, earlier, candidates]: [Row[], Row[], Row[]] = [[], [], []]
  const { annotator } = openScorer(seed)
  const scores = new Map<Batch, ArrayLike<number>>()
  for (const { batch } of rows) {
    if (scores.has(batch)) continue
    const columns = await annotator.annotate({ rows: batch.rows, columns: { text: batch.columns.text } })
    scores.set(batch, numbers({ rows: batch.rows, columns }, 'seed:math'))
  }
  for (const { address, batch, i, fate } of rows) {
    const score = scores.get(batch)![i]
    const full = whole.get(address)!
    const of = (name: string) => stringAt(utf8(batch, name), i)
    const host = /^https:\/\/([^/]+)/.exec(of('url'))?.[1] ?? ''
    const row = { address, id: of('id'), host, file: of('file'), score, keys: keysOf(full.batch, full.i) }
    if (fate === 'kept') kept.push(row)
    else if (known.has(address)) earlier.push(row)
    else if (score >= line) candidates.push(row)
  }
  const copies = new Known()
  for (const { keys } of [...kept, ...earlier]) copies.add(keys)
  const found: Row[] = []
  const fates = new Map<string, number>()
  const count = (fate: string) => fates.set(fate, (fates.get(fate) ?? 0) + 1)
  for (const row of candidates) {
    const over = (of: 'host' | 'file', most = Number.POSITIVE_INFINITY) =>
      row[of] !== '' && found.filter(one => one[of] === row[of]).length >= most
    if (over('host', perHost)) count('host')
    else if (over('file', perSource)) count('source')
    else if (copies.has(row.keys)) count('copy')
    else if (isEmpty(whole.get(row.address)!)) count('empty')
    else {
      found.push(row)
      copies.add(row.keys)
    }
  }
  return { candidates, found, fates, whole }
}

const isEmpty = ({ batch, i }: { readonly batch: Batch; readonly i: number }) => stringAt(utf8(batch, 'text'), i) === ''

async function keptIn(dir: string) {
  return (await readRows(dir)).filter(({ fate }) => fate === 'kept')
}

const cases: readonly Partial<Recalled>[] = [
  { line: 0.05 },
  { line: -5 },
  { line: -5, perHost: 3 },
  { line: -5, perSource: 7 },
]
for (const options of cases)
  test(`a recall with ${JSON.stringify(options)} keeps what it must, measured as a run without gates measures it`, async () => {
    const dir = await recalled(options)
    const { found, whole, fates, candidates } = await expectRecalled(options)
    const kept = await keptIn(dir)
    assert.deepEqual(
      kept.map(({ address }) => address),
      found.map(({ address }) => address),
    )
    const wanted = options.perSource ? 'source' : options.perHost ? 'host' : 'copy'
    assert.ok(found.length > 0 && (fates.get(wanted) ?? 0) > 0, `${found.length} recalled of ${candidates.length}`)
    for (const { address, batch, i } of kept) {
      const full = whole.get(address)!
      for (const [name, column] of Object.entries(full.batch.columns)) {
        if (name.startsWith('gate')) continue
        const [is, should] = [cellOf(batch.columns[name], i), cellOf(column, full.i)]
        assert.deepEqual(is, should, `${name} of ${address}`)
      }
    }
    await using run = await RunReader.open(dir)
    const tally = await tallyRecall(run)
    const { seen, alreadyKept, alreadyRecalled, dead, unscored, below, overHostCap, overSourceCap, duplicates } = tally
    const copies = Object.values(duplicates).reduce((sum, n) => sum + n, 0)
    assert.deepEqual(
      [overHostCap, overSourceCap, copies, tally.empty],
      ['host', 'source', 'copy', 'empty'].map(fate => fates.get(fate) ?? 0),
    )
    assert.equal(alreadyKept + alreadyRecalled + dead + unscored + below + candidates.length, seen)
    assert.deepEqual([tally.recalled, dead, unscored > 0, alreadyRecalled], [found.length, 1, true, 0])
    await checkSound(dir)
  })

function cellOf(column: Batch['columns'][string], i: number): unknown {
  if (column.kind === 'utf8') return stringAt(column, i)
  if (column.kind === 'fixed')
    return Buffer.from(column.bytes.subarray(i * column.width, (i + 1) * column.width)).toString('hex')
  if (column.kind === 'list<i32>') return [...column.values.subarray(column.offsets[i], column.offsets[i + 1])]
  return column.values[i]
}

async function checkSound(dir: string): Promise<void> {
  await using run = await RunReader.open(dir)
  const { checks } = await verifyRun(run, { steps: 4 })
  assert.deepEqual(
    checks.flatMap(check => check.problems.map(problem => problem.what)),
    [],
  )
}

test('copies of what is kept later are left out, and say what they repeat', async () => {
  const dir = await recalled({ line: -5 })
  await using run = await RunReader.open(dir)
  const copies = (await Array.fromAsync(readFates(run))).filter(({ duplicateOf }) => duplicateOf !== null)
  const kept = new Map((await readRows(base)).map(({ address, fate }) => [address, fate]))
  const later = copies.filter(
    ({ slot, row, partner }) => partner > addressOf(slot, row) && kept.get(partner) === 'kept',
  )
  assert.ok(later.length > 0)
  for (const { id, duplicateOf } of later) assert.equal(id.replace(/^(again-)?mirror-/, ''), duplicateOf)
})

test('a second recall adds what a lower line finds, and nothing where there is nothing', async () => {
  const first = await recalled({ line: 0.05 })
  await using run = await RunReader.open(first)
  const after = [{ dir: first, id: run.run.id! }]
  const again = await recalled({ line: 0.05, after })
  assert.deepEqual(await keptIn(again), [])
  const lower = await recalled({ line: -5, after })
  const { found } = await expectRecalled({ line: -5 }, [first])
  assert.deepEqual(
    (await keptIn(lower)).map(({ address }) => address),
    found.map(({ address }) => address),
  )
  assert.ok(found.length > 0)
  await using second = await RunReader.open(lower)
  const tally = await tallyRecall(second)
  assert.equal(tally.alreadyRecalled, (await keptIn(first)).length)
  await checkSound(lower)
  await checkSound(again)
})

test('what the line stops keeps what was measured of it, and the standing of each row is told', async () => {
  const dir = await recalled({ line: 0.05 })
  const before = new Map((await readRows(base)).map(row => [row.address, row]))
  let stopped = 0
  for (const { address, batch, i, fate } of await readRows(dir)) {
    const old = before.get(address)!
    const of = (name: string) => stringAt(utf8(batch, name), i)
    assert.equal(of(reasonColumn), old.fate === 'kept' ? '' : old.fate)
    assert.equal(of(standingColumn), old.fate === 'kept' ? 'kept' : fate === 'no-score' ? 'unscored' : 'dropped')
    if (!['below-line', 'already-kept'].includes(fate)) continue
    stopped++
    for (const [name, column] of Object.entries(old.batch.columns))
      if (!name.startsWith('gate')) assert.deepEqual(cellOf(batch.columns[name], i), cellOf(column, old.i), name)
  }
  assert.ok(stopped > 0)
})

async function outcomeOf(dir: string) {
  await using run = await RunReader.open(dir)
  return { files: await hashOutput(dir), fates: await Array.fromAsync(readFates(run)) }
}

test('crashed at commits of every stage, and with tables that were lost, a recall goes on to the same bytes', async () => {
  const options = { line: -5, perHost: 5 }
  const order = await orderOf(base, seed, options)
  const [whole, stages]: [string, string[]] = [join(makeFolder('whole'), 'run'), []]
  const watch = (event: RunEvent) => event.kind === 'committed' && stages.push(event.stage)
  await recallTo(whole, { of: base, glob, order }, { watch })
  const expected = await outcomeOf(whole)
  // `npm run kill -- --recall` tries them all.
  const isTried = (at: number) => at % (stages[at] === 'decide' ? 2 : 9) === 0
  assert.deepEqual([...new Set(stages)], ['annotate', 'decide', 'shard'])
  for (const isAfter of [false, true])
    for (const fatal of [...stages.keys()].filter(isTried)) {
      const dir = join(makeFolder('crashed'), 'run')
      const view = (log: Parameters<typeof crashing>[0]) => crashing(log, fatal, isAfter)
      await assert.rejects(recallTo(dir, { of: base, glob, order }, { view }), /crash/)
      if (isAfter) await rm(join(dir, 'state'), { recursive: true, force: true })
      await recallTo(dir, { of: base, glob, order })
      assert.deepEqual(await outcomeOf(dir), expected, `commit ${fatal}${isAfter ? ', after it lasted' : ''}`)
      await checkSound(dir)
    }
})

test('records that an annotator has failed on stay dead, and the source is not asked for them', async () => {
  const gone = writeDocuments(40)
  const failing: h.Annotator = {
    name: 'failing',
    version: 1,
    exact: true,
    options: {},
    reads: ['id'],
    writes: [{ name: 'seven', kind: 'f64' }],
    resources: [],
    rules: [],
    annotate: ({ rows, columns }) => {
      const ids = utf8({ rows, columns }, 'id')
      if (Array.from({ length: rows }, (_, i) => stringAt(ids, i)).some(id => id.endsWith('7')))
        throw new Error('seven')
      return { seven: { kind: 'f64', values: new Float64Array(rows) } }
    },
  }
  const pipeline = h
    .pipeline('base')
    .from(h.jsonl(gone))
    .annotate(h.normalize(), failing, h.signature())
    .decide(h.rules({ domain: { noneOf: ['lost', 'mirror'], reason: 'blocked' } }), h.exactDuplicates())
  const of = join(makeFolder('failed'), 'run')
  await runWhole(of, planOf(pipeline))
  await rm(join(gone, '..'), { recursive: true })
  const order = await orderOf(of, seed, { line: -5 })
  const dir = await recallTo(join(makeFolder('recalled'), 'run'), { of, order, pipeline })
  const deadIn = async (run: string) => (await readRows(run)).length
  assert.equal(await deadIn(dir), await deadIn(of))
  await using run = await RunReader.open(dir)
  const tally = await tallyRecall(run)
  assert.ok(tally.dead > 1 && tally.recalled > 0, `${tally.dead} dead`)
})

test('verify finds what is recalled although the run keeps it', async () => {
  const pipeline = h
    .pipeline('base')
    .from(h.jsonl(glob))
    .annotate(h.normalize())
    .decide(h.rules({ domain: { noneOf: ['lost'], reason: 'blocked' } }))
  const of = join(makeFolder('of'), 'run')
  await runWhole(of, planOf(pipeline))
  const order = await orderOf(of, seed, { line: 0.05 })
  const plan = planOf(recallPipeline(pipeline, order))
  const blind = plan.steps.map(step =>
    'gate' in step ? { gate: step.gate.filter(({ reason }) => reason !== recallReasons.kept) } : step,
  )
  const problemsOf = async (steps: Plan['steps']) => {
    const dir = join(makeFolder('recalled'), 'run')
    await runWhole(dir, { ...plan, steps }, { replay: { of, recall: order.recall } })
    await using run = await RunReader.open(dir)
    const { checks } = await verifyRun(run, { steps: 4 })
    return checks.flatMap(({ name, problems }) => problems.map(({ what }) => `${name}: ${what}`))
  }
  assert.deepEqual(await problemsOf(plan.steps), [])
  const [first] = await problemsOf(blind)
  assert.match(first, /^fates: slot \d+, row \d+ is recalled, and was kept before$/)
})
