import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { normalize } from '../../src/annotate/normalize.ts'
import { density } from '../../src/annotate/quality/density.ts'
import { signature } from '../../src/annotate/signature.ts'
import { exactDuplicates } from '../../src/decide/exact-duplicates.ts'
import { nearDuplicates } from '../../src/decide/near-duplicates.ts'
import type { Log } from '../../src/log/log.ts'
import { MemoryLog } from '../../src/log/memory/memory-log.ts'
import { type PipelineBuilder, pipeline, rules } from '../../src/pipeline/pipeline.ts'
import { type Plan, planPipeline } from '../../src/pipeline/plan.ts'
import { bindingOf, bindNote } from '../../src/record/binding.ts'
import { readRunFile } from '../../src/record/run-file.ts'
import { admit, admitNow, checkRunFile, enterRun, placeRun } from '../../src/run/admit.ts'
import { jsonl } from '../../src/sources/files/jsonl.ts'
import { parquet } from '../../src/sources/parquet/parquet.ts'
import { makeFolder } from '../temporary.ts'

const place = { log: null, logConfig: null, partitions: 1, lanes: 4 }
const ref = { loader: '', module: 'file:///pipeline.ts', input: [], follow: false }
const begun = pipeline('p')
  .from(jsonl('none'))
  .annotate(density(), signature())
  .decide(rules(), exactDuplicates(), nearDuplicates())
  .tokenize('gpt2')
  .feed({ length: 8, batch: 2 })
const built = (change: Partial<PipelineBuilder>) => planPipeline({ ...begun, ...change })

/** A log whose loading and deciding stages stand at these slots. */
async function logAt(dir: string, load: number, decide: number, ended = false): Promise<MemoryLog> {
  const log = new MemoryLog()
  const note = bindNote(JSON.stringify({ ended }), bindingOf((await readRunFile(dir))!))
  for (const [stage, slot] of [
    ['annotate', load],
    ['decide', decide],
  ] as const) {
    await using owner = await log.own(stage)
    await owner.commit({ positions: [{ partition: 0, offset: BigInt(slot), slot, note }], appends: [] })
  }
  return log
}

const startOf = (dir: string, plan: Plan) => ({ dir, plan, ref, place })

/** What a start does with the run file. */
async function enter(dir: string, plan: Plan, log: Log, isUpgrade = false) {
  const start = startOf(dir, plan)
  return enterRun(start, await admitNow(start, log, isUpgrade))
}

async function begin(): Promise<string> {
  const dir = makeFolder('admit')
  await enter(dir, planPipeline(begun), new MemoryLog())
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
    const log = await logAt(dir, 7, 7)
    const plan = built(change)
    await assert.rejects(enter(dir, plan, log), {
      code: 'bad-pipeline',
      message: why ? /begun with another pipeline: .*; begin another with --run NAME/ : /; add --upgrade to let/,
    })
    if (why) return assert.rejects(enter(dir, plan, log, true), { code: 'bad-pipeline', message: why })
    const { segments } = await enter(dir, plan, log, true)
    assert.deepEqual(
      segments.map(({ from, decide }) => [from, decide]),
      [
        [0, planPipeline(begun).decideFingerprint],
        [7, plan.decideFingerprint],
      ],
    )
    assert.deepEqual(await enter(dir, plan, log), JSON.parse(await readFile(join(dir, 'run.json'), 'utf8')))
  })

test('an upgrade is refused when the run has ended, or slots wait that the old pipeline measured', async () => {
  const measured = built({ annotators: [signature()], rules: {} })
  const decided = built({ rules: other.overrides })
  const dir = await begin()
  await assert.rejects(enter(dir, decided, await logAt(dir, 7, 7, true), true), { message: /it has ended/ })
  await assert.rejects(enter(dir, measured, await logAt(dir, 7, 5), true), {
    message: /slots 5 to 6 .*--drain/,
  })
  const { segments } = await enter(dir, decided, await logAt(dir, 7, 5), true)
  assert.equal(segments.at(-1)!.from, 5, 'with the same measurements it takes effect on slots that are measured')
})

test('upgraded twice before any slot is decided, the last one counts', async () => {
  const dir = await begin()
  const [one, two] = [built({ rules: other.overrides }), built({ rules: {} })]
  const log = await logAt(dir, 3, 3)
  await enter(dir, one, log, true)
  const { segments } = await enter(dir, built({ rules: { wordEntropy: { below: 2 } } }), log, true)
  assert.deepEqual(
    segments.map(({ from }) => from),
    [0, 3],
  )
  assert.equal((await enter(dir, two, await logAt(dir, 4, 4), true)).segments.length, 3)
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
  const moved = { ...startOf(makeFolder('moved'), planPipeline(begun)), place: { ...place, log: 'kafka://a:1' } }
  await enterRun(moved, await admitNow(moved, new MemoryLog(), false))
  const known = await readRunFile(moved.dir)
  const asked = placeRun(moved.dir, known, { log: 'kafka://b:2', logConfig: 'client.properties' })
  const admission = admit({ ...moved, place: asked }, known, null)
  assert.deepEqual(admission, { kind: 'go-on', run: { ...known, ...asked }, isNew: true })
  const spread = { ...known!, spread: true }
  assert.deepEqual(admit({ ...moved, place: { ...asked, spread: true } }, spread, null), {
    kind: 'go-on',
    run: spread,
    isNew: false,
  })
})

test('to admit is to say so: nothing is read and nothing written', async () => {
  const dir = join(makeFolder('admit'), 'nothing')
  const { kind, ...admission } = admit(startOf(dir, planPipeline(begun)), null, null)
  assert.equal(kind, 'begin')
  await assert.rejects(readFile(join(dir, 'run.json')), { code: 'ENOENT' })
  await assert.rejects(checkRunFile(startOf(dir, planPipeline(begun))), { code: 'not-found', message: /is gone/ })
  assert.equal('run' in admission && admission.isNew, true)
})

const sameInput: [input: string[], other: string[], isSame: boolean][] = [
  [['b.jsonl', 'a.jsonl'], ['a.jsonl', 'b.jsonl'], true],
  [['a.jsonl', 'b.jsonl', 'a.jsonl'], ['b.jsonl', 'a.jsonl'], true],
  [['./data/*.jsonl'], ['data//*.jsonl'], true],
  [['books/'], ['books'], true],
  [['/'], [''], false],
  [['a.jsonl'], ['a.jsonl', 'b.jsonl'], false],
]
for (const [input, other, isSame] of sameInput)
  test(`a run of ${input.join(' ')} goes on with ${other.join(' ')}: ${isSame}`, async () => {
    const dir = makeFolder('admit')
    const start = { ...startOf(dir, planPipeline(begun)), ref: { ...ref, input } }
    await enterRun(start, await admitNow(start, new MemoryLog(), false))
    const { kind } = await admitNow({ ...start, ref: { ...ref, input: other } }, new MemoryLog(), false)
    assert.equal(kind, isSame ? 'go-on' : 'refused')
  })
