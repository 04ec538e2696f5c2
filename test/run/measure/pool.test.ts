import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { decodeBatch } from '../../../src/batch/arrow/ipc.ts'
import { numbers, stringAt, utf8 } from '../../../src/batch/batch.ts'
import { limits } from '../../../src/limits.ts'
import { encodeKept, keptBatch } from '../../../src/record/kept.ts'
import type { MeasuredSlot } from '../../../src/record/slots.ts'
import type { DecidedValues, PipelineRef } from '../../../src/run/measure/jobs.ts'
import { Pool, type PoolOptions } from '../../../src/run/measure/pool.ts'
import type { Chunk } from '../../../src/sources/source.ts'
import { type Limits, setLimits } from '../../simulate/small-limits.ts'
import { makeFolder } from '../../temporary.ts'

const imports = Object.entries({
  ...{ HeadraceError: 'errors.ts', jsonl: 'sources/files/jsonl.ts', pipeline: 'pipeline/pipeline.ts' },
  ...{ planPipeline: 'pipeline/plan.ts', tokenize: 'annotate/tokenize.ts' },
})
  .map(([name, path]) => `import { ${name} } from '${new URL(`../../../src/${path}`, import.meta.url).href}'`)
  .join('\n')

/** A loader whose annotator and tokenizer do what a text among those of the batch tells them to. */
const loader = (dir: string) => `
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'
${imports}
const packed = zstdCompressSync(Buffer.alloc(8))
const channel = new BroadcastChannel('begun')
channel.unref()
const count = ${JSON.stringify(join(dir, 'count'))}
const orders = {
  exit: () => process.exit(3),
  crash: () => queueMicrotask(() => { throw new Error('crashed beside the job') }),
  wait: () => new Promise(() => {}),
  hang: () => { channel.postMessage('begun'); for (;;); },
  memory: () => { const all = []; for (;;) all.push(Array(1e5).fill(all.length)) },
  throw: () => { throw new Error('thrown') },
  world: () => { throw new HeadraceError('corrupt', 'the model is damaged') },
  later: () => void setTimeout(() => process.exit(4), 20),
  unpack: () => {
    channel.postMessage('begun')
    for (const until = Date.now() + 50; Date.now() < until; ) zstdDecompressSync(packed)
  },
  'not with others': rows => rows > 1 && process.exit(5),
  twice: () => {
    appendFileSync(count, '1')
    if (readFileSync(count).length < 3) process.exit(6)
  },
}
const obey = async batch => {
  const { offsets, bytes } = batch.columns.text
  for (let i = 0; i < batch.rows; i++) {
    const text = Buffer.from(bytes).toString('utf8', offsets[i], offsets[i + 1])
    if (Object.hasOwn(orders, text)) await orders[text](batch.rows)
  }
}
const about = { version: 1, exact: true, options: {}, reads: ['text'], resources: [], rules: [] }
const annotator = { ...about, name: 'obey', writes: [{ name: 'size', kind: 'f64' }], annotate: async batch => {
  await obey(batch)
  const { offsets } = batch.columns.text
  return { size: { kind: 'f64', values: Float64Array.from({ length: batch.rows }, (_, i) => offsets[i + 1] - offsets[i]) } }
} }
const gpt2 = tokenize('gpt2')
const tokenizer = { ...gpt2, annotate: async batch => { await obey(batch); return gpt2.annotate(batch) } }
export const loadPlan = async ref => {
  if (ref.module === 'none') throw new HeadraceError('bad-pipeline', 'there is no such pipeline')
  if (ref.module === 'exits') process.exit(7)
  const plan = planPipeline(pipeline('p').from(jsonl('none')).annotate(annotator).tokenize('gpt2'))
  return ref.module === 'tokenizer' ? { ...plan, steps: [], tokenizer } : plan
}
`
let ref: PipelineRef
before(async () => {
  const dir = makeFolder('pool')
  const path = join(dir, 'loader.mjs')
  await writeFile(path, loader(dir))
  ref = { loader: pathToFileURL(path).href, module: 'some', input: [], follow: false }
})

function chunkOf(...texts: string[]): Chunk {
  const bytes = new Uint8Array(Buffer.from(texts.map(text => JSON.stringify({ text })).join('\n')))
  return { split: 'a', line: 1, bytes, dead: [], next: { offset: 0, line: 2 } }
}

/** The entries of a measured slot of which every row is kept. */
function keepAll({ scored, rows }: MeasuredSlot): DecidedValues {
  return { scored, kept: encodeKept(keptBatch([...Array(rows).keys()], [])) }
}

function deadOf({ dead }: MeasuredSlot): string[] {
  if (!dead) return []
  const { batch } = decodeBatch(dead)
  return Array.from({ length: batch.rows }, (_, i) =>
    ['file', 'reason', 'detail']
      .reduce((line, name) => `${line} ${stringAt(utf8(batch, name), i)}`, '')
      .replace(' a ', `a:${numbers(batch, 'line')[i]} `),
  )
}

test('slots come back measured, each to who sent it, and their tokens', async () => {
  await using pool = new Pool(2, ref)
  const results = await Promise.all(
    Array.from({ length: 20 }, (_, slot) => pool.annotate(slot, [chunkOf(...Array(slot + 1).fill('text'))])),
  )
  assert.deepEqual(
    results.map(({ rows, deadRows }) => [rows, deadRows]),
    Array.from({ length: 20 }, (_, slot) => [slot + 1, 0]),
  )
  const batch = await pool.tokenize(7, keepAll(results[3]))
  assert.deepEqual([batch.rows, Object.hasOwn(batch.columns, 'tokens')], [4, true])
})

test('a worker begins for each job that finds all at work, and in the end the rest', async context => {
  const { workersBegunSeconds } = limits
  let begun = 0
  const count = () => begun++
  process.on('worker', count)
  context.after(() => {
    process.off('worker', count)
    setLimits({ workersBegunSeconds })
  })
  setLimits({ workersBegunSeconds: 1000 })
  await using pool = new Pool(4, ref)
  await pool.annotate(0, [chunkOf('text')])
  await pool.annotate(1, [chunkOf('text')])
  assert.equal(begun, 1)
  await Promise.all([2, 3].map(slot => pool.annotate(slot, [chunkOf('text')])))
  assert.equal(begun, 2)
  setLimits({ workersBegunSeconds: 0.001 })
  await using other = new Pool(2, ref)
  while (begun < 2 + other.size) await once(process, 'worker')
})

// A poison row is dead, and the rows beside it have the bytes that they have beside a row that is dead for another reason.
const { slotSecondsMax, rowSecondsMax } = limits
const poison: [texts: string[], workers: number, dead: string[], options?: PoolOptions, small?: Limits][] = [
  [
    ['crash', 'one', 'two', 'exit'],
    1,
    ['a:1 crashed-worker Error: crashed beside the job', 'a:4 crashed-worker the worker ended with status 3'],
  ],
  [
    ['one', 'wait', 'throw', 'hang'],
    2,
    [
      'a:2 took-too-long not done within 0.6 s',
      'a:3 annotator-failed Error: thrown',
      'a:4 took-too-long not done within 0.6 s',
    ],
    {},
    { slotSecondsMax: 0.9, rowSecondsMax: 0.6 },
  ],
  [
    ['memory', 'two'],
    1,
    ['a:1 crashed-worker Error: Worker terminated due to reaching memory limit: JS heap out of memory'],
    { heapMegabytesMax: 48 },
  ],
  [['twice', 'one', 'not with others', 'not with others'], 4, []],
]
for (const [texts, workers, dead, options, small] of poison)
  test(`${texts.join(', ')} among other slots, ${workers} workers: ${dead.length} dead, the others unharmed`, async () => {
    setLimits(small ?? {})
    await using pool = new Pool(workers, ref, options)
    setLimits({ slotSecondsMax, rowSecondsMax })
    const slots = Array.from({ length: 8 }, (_, slot) =>
      pool.annotate(slot, [chunkOf(...(slot === 2 ? texts : ['text']))]),
    )
    const results = await Promise.all(slots)
    assert.deepEqual(results.map(deadOf), [[], [], dead, [], [], [], [], []])
    const lines = new Set(dead.map(line => Number(/^a:(\d+)/.exec(line)![1])))
    const harmless = texts.map((text, i) => (lines.has(i + 1) ? 'throw' : text))
    const beside = await pool.annotate(2, [chunkOf(...harmless)])
    assert.deepEqual(Buffer.from(results[2].scored), Buffer.from(beside.scored))
    assert.deepEqual([results[2].rows, results[2].deadRows], [texts.length - dead.length, dead.length])
  })

test('a worker that ends while it has nothing to do is replaced', { timeout: 20_000 }, async () => {
  const ended = new Promise(resolve => process.once('worker', worker => worker.once('exit', resolve)))
  await using pool = new Pool(1, ref)
  await pool.annotate(0, [chunkOf('later')])
  await ended
  assert.equal((await pool.annotate(1, [chunkOf('text')])).rows, 1)
})

test('an error of the world fails its job alone', async () => {
  await using pool = new Pool(1, ref)
  const failing = pool.annotate(0, [chunkOf('world')])
  const other = pool.annotate(1, [chunkOf('text')])
  await assert.rejects(failing, { code: 'corrupt', message: 'the model is damaged', exit: 65 })
  assert.equal((await other).rows, 1)
})

test('tokens of a slot that lost its worker are made again, and a second loss names the document', async () => {
  await using pool = new Pool(1, { ...ref, module: 'tokenizer' })
  const texts = ['one', 'not with others', 'two']
  const kept = keepAll(await pool.annotate(0, [chunkOf(...texts)]))
  const batch = await pool.tokenize(0, kept)
  assert.equal(batch.rows, 3)
  const harmless = keepAll(await pool.annotate(0, [chunkOf('one', 'text with others', 'two')]))
  const tokens = await pool.tokenize(0, harmless)
  assert.deepEqual(Object.keys(batch.columns), Object.keys(tokens.columns))
  const poisoned = keepAll(await pool.annotate(0, [chunkOf('one', 'exit')]))
  await assert.rejects(pool.tokenize(5, poisoned), {
    code: 'bad-pipeline',
    message: /tokenizing document 'a#2' \(row 1 of what slot 5 kept\): the worker ended with status 3/,
  })
})

test('a pipeline that a worker cannot load fails every job with its reason', async () => {
  await using pool = new Pool(1, { ...ref, module: 'none' })
  await assert.rejects(pool.annotate(0, [chunkOf('text')]), { message: /there is no such pipeline/ })
})

test('a worker that ends before it could begin fails every job, those to come too', async () => {
  await using pool = new Pool(1, { ...ref, module: 'exits' })
  const jobs = [0, 1, 2, 3].map(slot => pool.annotate(slot, [chunkOf('text')]))
  const message = /a worker could not begin at slot 0: the worker ended with status 7/
  for (const job of jobs) await assert.rejects(job, { message })
  await assert.rejects(pool.annotate(4, [chunkOf('text')]), { message })
})

test('a pool that was let go takes no job and leaves none waiting', async () => {
  const pool = new Pool(1, ref)
  const waiting = [0, 1, 2, 3].map(slot => pool.annotate(slot, [chunkOf('text')]))
  const settled = Promise.allSettled(waiting)
  await pool[Symbol.asyncDispose]()
  assert.ok((await settled).every(({ status }) => status === 'rejected'))
  await assert.rejects(pool.annotate(5, [chunkOf('text')]), { code: 'fenced' })
})

// Node aborts the process where it cuts a thread off in the midst of making a zlib object: this file then ends without its results.
test('workers that unpack are let go between rows, and one that hangs is cut off', {
  timeout: 20_000,
}, async context => {
  const { workerStopSecondsMax } = limits
  context.after(() => setLimits({ workerStopSecondsMax }))
  const begun = new BroadcastChannel('begun')
  context.after(() => begun.close())
  const dispose = async (text: string) => {
    const pool = new Pool(1, ref)
    const rejected = assert.rejects(pool.annotate(0, [chunkOf(text)]), { code: 'fenced' })
    await once(begun, 'message')
    await pool[Symbol.asyncDispose]()
    await rejected
  }
  for (let round = 0; round < 20; round++) await dispose('unpack')
  setLimits({ workerStopSecondsMax: 0.05 })
  await dispose('hang')
})
