import assert from 'node:assert/strict'
import { readdir, rename, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { decodeBatch, encodeBatch } from '../../../src/batch/arrow/ipc.ts'
import { type Batch, numbers, stringAt, utf8 } from '../../../src/batch/batch.ts'
import type { Log } from '../../../src/log/log.ts'
import { readCommitted } from '../../../src/log/log.ts'
import { MemoryLog } from '../../../src/log/memory/memory-log.ts'
import { pipeline } from '../../../src/pipeline/pipeline.ts'
import { planPipeline } from '../../../src/pipeline/plan.ts'
import { topics } from '../../../src/record/layout.ts'
import { putRequest } from '../../../src/record/redrive-request.ts'
import { readSplits } from '../../../src/record/splits.ts'
import type { RunContext } from '../../../src/run/context.ts'
import { loadAll } from '../../../src/run/load/load-stage.ts'
import { annotateSlot, deadBatch } from '../../../src/run/measure/annotate-slot.ts'
import type { Pool } from '../../../src/run/measure/pool.ts'
import { openRedriveInbox } from '../../../src/run/redrive/redrive-inbox.ts'
import type { WatchFolders } from '../../../src/sources/files/follow.ts'
import { jsonl } from '../../../src/sources/files/jsonl.ts'
import type { Chunk } from '../../../src/sources/source.ts'
import { plainAnnotator } from '../../annotate/plain.ts'
import { makeFolder } from '../../temporary.ts'
import { contextOf } from '../context.ts'
import { asOwner, crashing, encodeMeasured } from '../fixture.ts'

// The loading stage over files that are mended, with a stand-in for the pool that measures at once.

/** Looks once, and then waits until the run is stopped. */
const lookOnce: WatchFolders = async function* (_, __, signal) {
  yield
  await new Promise<void>(resolve => (signal.aborted ? resolve() : signal.addEventListener('abort', () => resolve())))
}

/** A folder of input, a run of it, and what its annotator throws on. */
interface World {
  readonly input: string
  readonly dir: string
  readonly log: Log
  poison: string
}

async function makeWorld(): Promise<World> {
  return { input: makeFolder('input'), dir: makeFolder('redrive'), log: new MemoryLog(), poison: 'none' }
}

const line = (id: string, length = 20) => JSON.stringify({ id, text: `${id} ${'x'.repeat(length)}` })
const linesOf = (name: string, count: number, length = 20) =>
  Array.from({ length: count }, (_, i) => line(`${name}${i + 1}`, length))
const write = ({ input }: World, name: string, lines: readonly string[]) =>
  writeFile(join(input, `${name}.jsonl`), `${lines.join('\n')}\n`)

function makeContext(
  world: World,
  follow: boolean,
  drain: AbortSignal,
  failed: AbortSignal,
  log = world.log,
): RunContext {
  const annotator = plainAnnotator({
    name: 'fail',
    annotate: batch => {
      if (Buffer.from(utf8(batch, 'text').bytes).includes(world.poison)) throw new Error('poison')
      return {}
    },
  })
  const source = jsonl(join(world.input, '*.jsonl'), { follow }, lookOnce)
  const plan = planPipeline(pipeline('p').from(source).annotate(annotator))
  const annotate = async (_: number, chunks: readonly Chunk[]) => {
    const { scored, dead } = await annotateSlot(plan, chunks)
    const deadEntry = dead.length ? encodeBatch(deadBatch(dead)) : null
    return { scored: encodeBatch(scored), dead: deadEntry, rows: scored.rows, deadRows: dead.length }
  }
  const pool = { size: 2, annotate } as unknown as Pool
  return contextOf({ dir: world.dir, plan, log, shape: { partitions: 1, lanes: 2 }, pool, drain, failed })
}

const load = (context: RunContext) =>
  asOwner(context, 'annotate', owner =>
    loadAll(context, owner, {
      encode: (slot, chunks) => encodeMeasured(context, slot, chunks),
      openMore: openRedriveInbox(context),
    }),
  )

/** Runs to the end of the input. */
async function finish(world: World, log = world.log): Promise<void> {
  const failure = new AbortController()
  try {
    await load(makeContext(world, false, new AbortController().signal, failure.signal, log))
  } finally {
    // As whoever runs the stages does, which closes the files.
    failure.abort()
  }
}

/** Follows until the log holds so many records, live and dead, does `more`, and then stops before the end. */
async function follow(world: World, records: number, more = async () => {}): Promise<void> {
  const drain = new AbortController()
  const stage = load(makeContext(world, true, drain.signal, new AbortController().signal))
  const waitFor = async (isThere: () => Promise<boolean>) => {
    while (!(await isThere())) await Promise.race([turn(), stage.then(() => assert.fail('it ended'))])
  }
  const count = async () => (await live(world)).length + (await dead(world)).length
  try {
    await waitFor(async () => (await count()) >= records)
    await more()
  } finally {
    drain.abort()
  }
  await stage
}

async function list(log: Log, topic: string, describe: (batch: Batch, row: number) => string): Promise<string[]> {
  const found: string[] = []
  for await (const { value, headers } of readCommitted(log, topic)) {
    if (headers.end) continue
    const { batch } = decodeBatch(value)
    for (let row = 0; row < batch.rows; row++) found.push(describe(batch, row))
  }
  return found
}
const place = (batch: Batch, row: number) =>
  `${basename(stringAt(utf8(batch, 'file'), row), '.jsonl')}:${numbers(batch, 'line')[row]}`
const live = ({ log }: World) => list(log, topics.scored, place)
const dead = ({ log }: World) =>
  list(log, topics.dead, (batch, row) => `${place(batch, row)} ${stringAt(utf8(batch, 'reason'), row)}`)
const inbox = ({ dir }: World) => readdir(join(dir, 'inbox'))
const places = (name: string, count: number) => Array.from({ length: count }, (_, i) => `${name}:${i + 1}`)

/** A file without any bytes of gzip, one that is cut off, one with a broken line, and one with rows that the annotator throws on. */
async function breakAll(world: World): Promise<{ mend(): Promise<void> }> {
  const path = (name: string) => join(world.input, name)
  const packed = gzipSync(Array.from({ length: 400 }, (_, i) => line(`c${Math.sin(i)}`)).join('\n'))
  await writeFile(path('a.jsonl'), gzipSync('').subarray(0, 3))
  await write(world, 'b', ['{"text": "cut', ...linesOf('b', 2)])
  await writeFile(path('c.jsonl'), packed.subarray(0, packed.length / 2))
  await write(world, 'd', linesOf('d', 9))
  world.poison = 'd7'
  return {
    mend: async () => {
      await write(world, 'a', linesOf('a', 3))
      await write(world, 'b', linesOf('b', 3))
      await writeFile(path('c.jsonl'), packed)
      world.poison = 'none'
    },
  }
}
const all = [...places('a', 3), ...places('b', 3), ...places('c', 400), ...places('d', 9)].sort()

test('what was mended is read again, each record once; the dead rows stay; a second request finds nothing', async () => {
  const world = await makeWorld()
  const { mend } = await breakAll(world)
  await follow(world, 3)
  const before = { live: await live(world), dead: await dead(world) }
  const reasons = before.dead.map(record => record.replace(/c:\d+/, 'c:n')).sort()
  assert.deepEqual(reasons, ['a:0 truncated-file', 'b:1 broken-json', 'c:n truncated-file', 'd:7 annotator-failed'])
  await mend()
  await assert.rejects(finish(world), { code: 'source-changed', message: /headrace redrive/ })
  await putRequest(world.dir, [])
  await follow(world, all.length + 4)
  await putRequest(world.dir, [])
  await finish(world)
  const after = await live(world)
  assert.deepEqual(after.slice(0, before.live.length), before.live)
  assert.deepEqual([...after].sort(), all)
  assert.deepEqual(await dead(world), before.dead)
  assert.deepEqual(await inbox(world), [])
  const names = (await readSplits(world.log, { partitions: 1, lanes: 2 })).map(({ name }) =>
    name.replace(world.input, ''),
  )
  assert.deepEqual(
    names.slice(4).sort(),
    ['a', 'b', 'c', 'd'].map(name => `redrive/1//${name}.jsonl`),
  )
})

test('a file that ends where a slot does may be mended as soon as it is read, and grow', async () => {
  const world = await makeWorld()
  const lines = linesOf('a', 3, 300_000)
  await write(world, 'a', ['{', ...lines.slice(1)])
  await follow(world, 3)
  await write(world, 'a', [`${' '.repeat(9)}${lines[0]}`, ...lines.slice(1)])
  await putRequest(world.dir, [])
  await follow(world, 4)
  await finish(world)
  assert.deepEqual((await live(world)).sort(), places('a', 3))
})

test('only the reasons that are named, and what died again is read again when it is asked once more', async () => {
  const world = await makeWorld()
  const { mend } = await breakAll(world)
  await follow(world, 3)
  const { length } = await live(world)
  await putRequest(world.dir, ['annotator-failed'])
  await follow(world, length + 5)
  assert.deepEqual((await dead(world)).slice(4), ['d:7 annotator-failed'])
  const d = join(world.input, 'd.jsonl')
  await rename(d, `${d}.gone`)
  // What is gone stays dead, and the request is done with.
  await putRequest(world.dir, ['annotator-failed'])
  await follow(world, length + 5, async () => {
    while ((await inbox(world)).length > 0) await turn()
  })
  assert.deepEqual((await dead(world)).slice(5), [])
  await writeFile(d, gzipSync('').subarray(0, 3))
  await putRequest(world.dir, ['annotator-failed'])
  await follow(world, length + 6)
  assert.deepEqual((await dead(world)).slice(5), ['d:7 not-read-again'])
  await rename(`${d}.gone`, d)
  await mend()
  await putRequest(world.dir, [])
  await finish(world)
  assert.deepEqual((await live(world)).sort(), all)
})

test('a run that is at work takes a request that is left for it', { timeout: 20_000 }, async () => {
  const world = await makeWorld()
  const { mend } = await breakAll(world)
  await follow(world, 3, async () => {
    while ((await dead(world)).length < 4) await turn()
    await mend()
    await putRequest(world.dir, [])
    while ((await live(world)).length < all.length) await turn()
  })
  assert.deepEqual((await live(world)).sort(), all)
})

test('crashed at every commit of a re-drive, before its effect and after, each record is there once and in the same order', async () => {
  // Records of a third of a slot, so that reading them again takes many slots.
  const expected: string[][] = []
  for (const isAfter of [false, true])
    for (let at = 0; ; at++) {
      const world = await makeWorld()
      for (const name of ['a', 'b', 'c']) await write(world, name, linesOf(name, 6, 180_000))
      world.poison = 'xxx'
      await follow(world, 18)
      world.poison = 'none'
      await putRequest(world.dir, [])
      const crashed = await finish(world, crashing(world.log, at, isAfter)).then(
        () => false,
        error => error.message === 'crash',
      )
      await finish(world)
      assert.deepEqual(await inbox(world), [])
      assert.deepEqual(
        (await live(world)).sort(),
        ['a', 'b', 'c'].flatMap(name => places(name, 6)),
      )
      expected.push(await live(world))
      assert.deepEqual(expected.at(-1), expected[0], `commit ${at}`)
      if (!crashed) break
    }
  assert.ok(expected.length > 6)
})

test('a file that changes while it is being read is refused, and so is a request that can not be read', async () => {
  const world = await makeWorld()
  const lines = linesOf('a', 9, 400_000)
  await write(world, 'a', [...lines.slice(0, 2), '{', ...lines.slice(3)])
  while ((await dead(world)).length === 0)
    await finish(world, crashing(world.log, 0, true)).catch(error => assert.equal(error.message, 'crash'))
  await write(world, 'a', lines)
  await putRequest(world.dir, [])
  await assert.rejects(finish(world), { code: 'source-changed', message: /changed while this run is reading it/ })
  await writeFile(join(world.dir, 'inbox', 'some.redrive'), '{')
  await assert.rejects(finish(world), { code: 'corrupt', message: /some\.redrive is no request/ })
})
