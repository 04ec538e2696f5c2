import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { normalize } from '../../src/annotate/normalize.ts'
import { density } from '../../src/annotate/quality/density.ts'
import { signature } from '../../src/annotate/signature.ts'
import { exactDuplicates } from '../../src/decide/exact-duplicates.ts'
import { nearDuplicates } from '../../src/decide/near-duplicates.ts'
import { MemoryLog } from '../../src/log/memory/memory-log.ts'
import { type PipelineBuilder, pipeline, rules } from '../../src/pipeline/pipeline.ts'
import { planPipeline } from '../../src/pipeline/plan.ts'
import { isSegmentEnd, type RunFile, readRunFile, segmentAt } from '../../src/record/run-file.ts'
import { openRunFile, placeRun } from '../../src/run/admit.ts'
import { jsonl } from '../../src/sources/files/jsonl.ts'
import { parquet } from '../../src/sources/parquet/parquet.ts'
import { makeFolder } from '../temporary.ts'

const asIs = { log: null, logConfig: null, partitions: 1, lanes: 4, isUpgrade: false }
const upgrade = { ...asIs, isUpgrade: true }
const ref = { loader: '', module: 'file:///pipeline.ts', input: [], follow: false }
const begun = pipeline('p')
  .from(jsonl('none'))
  .annotate(density(), signature())
  .decide(rules(), exactDuplicates(), nearDuplicates())
  .tokenize('gpt2')
  .feed({ length: 8, batch: 2 })
const built = (change: Partial<PipelineBuilder>) => planPipeline({ ...begun, ...change })

/** A log whose loading and deciding stages stand at these slots. */
async function logAt(load: number, decide: number, ended = false): Promise<MemoryLog> {
  const log = new MemoryLog()
  const note = JSON.stringify({ ended })
  for (const [stage, slot] of [
    ['annotate', load],
    ['decide', decide],
  ] as const) {
    await using owner = await log.own(stage)
    await owner.commit({ positions: [{ partition: 0, offset: BigInt(slot), slot, note }], appends: [] })
  }
  return log
}

async function begin(): Promise<string> {
  const dir = makeFolder('run-file')
  await openRunFile(dir, planPipeline(begun), ref, new MemoryLog(), asIs)
  return dir
}

const other = rules({ wordEntropy: { below: 1 } })
const changed: [name: string, change: Partial<PipelineBuilder>, why: RegExp | null][] = [
  ['another rule', { rules: other.overrides }, null],
  ['a threshold of near-duplicates', { deciders: [exactDuplicates(), nearDuplicates({ similarity: 0.9 })] }, null],
  ['one decider less', { deciders: [exactDuplicates()] }, /deciders' tables would change/],
  ['another scope', { deciders: [exactDuplicates(), nearDuplicates({ scope: 'domain' })] }, /tables would change/],
  ['text edited before the signature', { annotators: [normalize(), density(), signature()] }, /tables would change/],
  ['another tokenizer', { tokenizer: begun.tokenize('o200k_base').tokenizer }, /tokenizer was/],
  ['another batch', { feedOptions: { length: 8, batch: 4 } }, /feed was .*"batch":2.* and is .*"batch":4/],
  ['another kind of source', { source: parquet('none') }, /source was "jsonl" and is "parquet"/],
]

for (const [name, change, why] of changed)
  test(`${name}: refused as it is; ${why ? 'no upgrade either' : 'an upgrade takes effect where deciding stands'}`, async () => {
    const dir = await begin()
    const log = await logAt(7, 7)
    const plan = built(change)
    await assert.rejects(openRunFile(dir, plan, ref, log, asIs), { code: 'bad-pipeline', message: /--upgrade/ })
    if (why) return assert.rejects(openRunFile(dir, plan, ref, log, upgrade), { code: 'bad-pipeline', message: why })
    const { segments } = await openRunFile(dir, plan, ref, log, upgrade)
    assert.deepEqual(
      segments.map(({ from, decide }) => [from, decide]),
      [
        [0, planPipeline(begun).decideFingerprint],
        [7, plan.decideFingerprint],
      ],
    )
    assert.deepEqual(
      await openRunFile(dir, plan, ref, log, asIs),
      JSON.parse(await readFile(join(dir, 'run.json'), 'utf8')),
    )
  })

test('an upgrade is refused when the run has ended, or slots wait that the old pipeline measured', async () => {
  const measured = built({ annotators: [signature()], rules: {} })
  const decided = built({ rules: other.overrides })
  const dir = await begin()
  await assert.rejects(openRunFile(dir, decided, ref, await logAt(7, 7, true), upgrade), { message: /it has ended/ })
  await assert.rejects(openRunFile(dir, measured, ref, await logAt(7, 5), upgrade), {
    message: /slots 5 to 6 .*--drain/,
  })
  const { segments } = await openRunFile(dir, decided, ref, await logAt(7, 5), upgrade)
  assert.equal(segments.at(-1)!.from, 5, 'with the same measurements it takes effect on slots that are measured')
})

test('upgraded twice before any slot is decided, the last one counts', async () => {
  const dir = await begin()
  const [one, two] = [built({ rules: other.overrides }), built({ rules: {} })]
  const log = await logAt(3, 3)
  await openRunFile(dir, one, ref, log, upgrade)
  const { segments } = await openRunFile(dir, built({ rules: { wordEntropy: { below: 2 } } }), ref, log, upgrade)
  assert.deepEqual(
    segments.map(({ from }) => from),
    [0, 3],
  )
  assert.equal((await openRunFile(dir, two, ref, await logAt(4, 4), upgrade)).segments.length, 3)
})

test('a slot belongs to the last segment that begins at it or before', () => {
  const segments = [0, 4, 9].map(from => ({ from })) as unknown as RunFile['segments']
  assert.deepEqual(
    [0, 3, 4, 8, 9, 99].map(slot => segmentAt(segments, slot).from),
    [0, 0, 4, 4, 9, 9],
  )
  assert.deepEqual(
    [2, 3, 4, 8, 9].filter(slot => isSegmentEnd(segments, slot)),
    [3, 8],
  )
})

test('where a log is stays with the run: brokers may move, but not from a folder to them', async () => {
  const dir = await begin()
  const embedded = await readRunFile(dir)
  assert.deepEqual(placeRun(dir, null, { log: 'kafka://a:1', partitions: 8 }), {
    ...{ log: 'kafka://a:1', logConfig: null, partitions: 8, lanes: 4 },
  })
  assert.deepEqual(placeRun(dir, embedded, { partitions: 8 }), { log: null, logConfig: null, partitions: 1, lanes: 4 })
  assert.throws(() => placeRun(dir, embedded, { log: 'kafka://a:1' }), {
    code: 'bad-option',
    message: /in that folder/,
  })
  const moved = makeFolder('moved')
  const plan = planPipeline(begun)
  await openRunFile(moved, plan, ref, new MemoryLog(), { ...asIs, log: 'kafka://a:1' })
  const place = placeRun(moved, await readRunFile(moved), { log: 'kafka://b:2', logConfig: 'client.properties' })
  await openRunFile(moved, plan, ref, new MemoryLog(), { ...place, isUpgrade: false })
  const { log, logConfig, segments } = (await readRunFile(moved))!
  assert.deepEqual([log, logConfig, segments.length], ['kafka://b:2', 'client.properties', 1])
})
