import assert from 'node:assert/strict'
import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { after, test } from 'node:test'
import { loadPlan, referTo } from '../../src/cli/load-plan.ts'
import { readFates } from '../../src/inspect/fates.ts'
import { JournalLog } from '../../src/log/journal/journal-log.ts'
import type { Log, Topics } from '../../src/log/log.ts'
import { bindingOf } from '../../src/record/binding.ts'
import { type RunShape, topicShapes, topics } from '../../src/record/layout.ts'
import { openKafka } from '../../src/record/open-log.ts'
import { readRunFile } from '../../src/record/run-file.ts'
import { RunReader } from '../../src/record/run-reader.ts'
import { readSplits, splitsAgain } from '../../src/record/splits.ts'
import { readTrimmed } from '../../src/record/trimmed.ts'
import { admitNow, enterRun } from '../../src/run/admit.ts'
import type { RunContext } from '../../src/run/context.ts'
import { decideAll } from '../../src/run/decide/decide-stage.ts'
import { openState } from '../../src/run/decide/decide-state.ts'
import { Lead } from '../../src/run/lead.ts'
import { type LoadParts, loadAll } from '../../src/run/load/load-stage.ts'
import { Pool } from '../../src/run/measure/pool.ts'
import { ownStage } from '../../src/run/own-stage.ts'
import { openRedriveInbox } from '../../src/run/redrive/redrive-inbox.ts'
import { Retention, type RetentionOptions } from '../../src/run/retention.ts'
import { shardAll } from '../../src/run/shard/shard-stage.ts'
import { openSink } from '../../src/run/shard/sink.ts'
import { slotOfSnapshot } from '../../src/run/spread/snapshot.ts'
import { verifyRun } from '../../src/verify/verify.ts'
import { runMain } from '../cli/terminal.ts'
import { broker, newRun, testOnBroker } from '../log/kafka/broker.ts'
import { setLimits } from '../simulate/small-limits.ts'
import { makeFolder } from '../temporary.ts'
import { contextOf } from './context.ts'
import { asOwner, encodeMeasured, hashOutput, writeCorpus, writePipeline } from './fixture.ts'

// Runs of some 60 small slots, whose shards are cut every 8, stopped and started again while what they no longer need is trimmed.
setLimits({ slotBytes: 8 * 1024, snapshotSlots: 4, shardSlotsMax: 8 })
const segmentBytesMax = 16 * 1024
const corpus = await writeCorpus({ seed: 31, files: 4, documentsPerFile: 50 })
const pipeline = await writePipeline(
  corpus.dir,
  glob => `h.pipeline('test').from(h.jsonl(${glob})).annotate(h.normalize(), h.gopherQuality(), h.signature())
    .decide(h.rules(), h.exactDuplicates(), h.nearDuplicates()).tokenize('gpt2').feed({ length: 128, batch: 2 })`,
)
const ref = referTo(pipeline)
const plan = await loadPlan(ref)
const pool = new Pool(1, ref)
after(() => pool[Symbol.asyncDispose]())

interface Start {
  readonly dir: string
  readonly log?: string | null
  readonly partitions?: number
  /** Stops loading once so many slots are decided. */
  readonly stopAt?: number
  readonly retention?: RetentionOptions
  /** What the log's trimming goes through. */
  readonly trimBy?: (log: Log & Topics) => Topics
}

/** One life of a run, with what runs beside it as `run` does it, on a log with small files. */
async function live({
  dir,
  log: place = null,
  partitions = 1,
  stopAt,
  retention,
  trimBy,
}: Start): Promise<RunContext & { slot: number }> {
  const shape: RunShape = { partitions, lanes: 4 }
  const where = { log: place, logConfig: null, ...shape }
  await using log: Log & Topics = place
    ? await openKafka(dir, where)
    : new JournalLog(join(dir, 'log'), { writable: true, segmentBytesMax })
  if ('ensureTopics' in log) await (log as Awaited<ReturnType<typeof openKafka>>).ensureTopics(topicShapes(shape))
  const start = { dir, plan, ref, place: where }
  const run = await enterRun(start, await admitNow(start, log, false))
  const { segments } = run
  const [drain, failed] = [new AbortController(), new AbortController()]
  const lead = new Lead(['decide', 'shard'])
  const given = { dir, plan, shape, segments, binding: bindingOf(run), log, pool, lead }
  const context = contextOf({ ...given, drain: drain.signal, failed: failed.signal })
  const options = { slotsBetween: 4, ...(retention ?? { keepSlots: null }) }
  const begin = () => new Retention(context, trimBy?.(log) ?? log, options)
  const retain = begin()
  const onSealed = (slot: number) => {
    retain.sealed(slot)
    if (stopAt !== undefined && slot >= stopAt) drain.abort()
  }
  const [annotated, decided] = [new AbortController(), new AbortController()]
  const decide = async () => {
    await using owner = await ownStage(context, 'decide')
    await using state = await openState(context, join(dir, 'state'))
    await decideAll(context, owner, state, annotated.signal, onSealed)
  }
  await using sink = await openSink(context, { pipeline: 'test', ledger: 2 })
  const end = (stage: Promise<void>, done: AbortController) =>
    stage
      .catch(error => {
        failed.abort(error)
        throw error
      })
      .finally(() => done.abort())
  const parts: LoadParts = {
    encode: (slot, chunks) => encodeMeasured(context, slot, chunks),
    openMore: openRedriveInbox(context),
  }
  const stages = [
    end(
      asOwner(context, 'annotate', owner => loadAll(context, owner, parts)),
      annotated,
    ),
    end(decide(), decided),
    end(
      asOwner(context, 'shard', owner => shardAll(context, owner, decided.signal, sink)),
      new AbortController(),
    ),
  ]
  for (const { status, reason } of (await Promise.allSettled(stages)) as { status: string; reason?: unknown }[])
    if (status === 'rejected') throw reason
  await retain[Symbol.asyncDispose]()
  // Rounds beside the run come as they can; one behind it shows what it came to.
  await using last = begin()
  const { slot } = await log.position('decide', 0)
  last.sealed(slot)
  return { ...context, slot }
}

async function newDir(): Promise<string> {
  const dir = join(makeFolder('retention'), newRun())
  await mkdir(dir)
  return dir
}
const failTest = (error: unknown) => assert.fail(String(error))

const whole = await newDir()
const { slot: decided } = await live({ dir: whole })
const expected = await hashOutput(whole)
const slots = decided - 1

async function firstKept(dir: string): Promise<bigint> {
  await using run = await RunReader.open(dir)
  return (await run.log.bounds(topics.kept, 0)).first
}

const filesOf = async (dir: string, stage: string) =>
  (await readdir(join(dir, 'log', stage))).filter(name => name.endsWith('.journal')).sort()

async function readFirst(dir: string): Promise<{ slot: number; count: number }> {
  await using run = await RunReader.open(dir)
  const fates = await Array.fromAsync(readFates(run))
  return { slot: fates[0].slot, count: fates.length }
}

async function assertSound(dir: string): Promise<readonly string[]> {
  await using run = await RunReader.open(dir)
  const { checks, unchecked } = await verifyRun(run, { steps: 3 })
  assert.deepEqual(
    checks.flatMap(check => check.problems),
    [],
  )
  return unchecked
}

/** What is asked for, and whether slots are trimmed then. */
const cases: [keepSlots: number | null, isTrimmed: boolean][] = [
  [null, false],
  [1, true],
  [12, true],
]
for (const [keepSlots, isTrimmed] of cases)
  test(`embedded, ${keepSlots ?? 'all'} slots kept: stopped and started again it makes the same bytes, and what reads it begins where it is whole`, async () => {
    const dir = await newDir()
    const told: number[] = []
    const retention = {
      keepSlots,
      isEmbedded: true,
      onTrimmed: (first: number) => told.push(first),
      onFailure: failTest,
    }
    for (const stopAt of [20, 40]) await live({ dir, stopAt, retention })
    const first = await readTrimmed(dir, null)
    assert.equal(first > 0, isTrimmed)
    await live({ dir, retention })
    assert.deepEqual(await hashOutput(dir), expected)
    assert.equal(told.at(-1) ?? 0, await readTrimmed(dir, null))
    assert.equal((await firstKept(dir)) > 0n, isTrimmed)
    assert.equal((await filesOf(dir, 'decide'))[0] > '000000000001', isTrimmed)
    if (isTrimmed) assert.ok((await readTrimmed(dir, null)) <= slots - keepSlots!)
    const read = await readFirst(dir)
    assert.deepEqual([read.slot, read.count === corpus.documents], [await readTrimmed(dir, null), !isTrimmed])
    assert.equal((await assertSound(dir)).length, isTrimmed ? 1 : 0)
    const { out, err } = await runMain(['fates', '--dir', join(dir, '..'), '--run', basename(dir)])
    assert.equal(out.trim().split('\n').length, read.count)
    assert.equal(
      err,
      isTrimmed ? `slots before ${read.slot} of this run were trimmed: what follows begins there\n` : '',
    )
  })

test('tables that are lost and can not be rebuilt are an error that says what to do; restored, the run goes on', async () => {
  const dir = await newDir()
  await live({ dir, stopAt: 30, retention: { keepSlots: 0, isEmbedded: true, onFailure: failTest } })
  await rename(join(dir, 'state'), join(dir, 'lost'))
  await assert.rejects(live({ dir }), {
    code: 'trimmed',
    message: /holds slots before 0, and the log those from \d+ on: .*restore the folder state/,
  })
  await rm(join(dir, 'state'), { recursive: true })
  await rename(join(dir, 'lost'), join(dir, 'state'))
  await live({ dir })
  assert.deepEqual(await hashOutput(dir), expected)
})

test('the loader lists its splits again, and the journal of annotating is cut before that', async () => {
  const dir = await newDir()
  const options = { keepSlots: 0, isEmbedded: true, onFailure: failTest }
  const { shape } = await live({ dir, stopAt: 20, retention: options })
  const before = (await filesOf(dir, 'annotate')).length
  let known = 0
  {
    await using log = new JournalLog(join(dir, 'log'), { writable: true, segmentBytesMax })
    await using owner = await log.own('annotate')
    const splits = await readSplits(log, shape)
    known = splits.length
    await owner.commit({ positions: [], appends: splitsAgain(shape, splits) })
    assert.equal((await readSplits(log, shape)).length, known)
  }
  await live({ dir, stopAt: 50, retention: options })
  await using log = new JournalLog(join(dir, 'log'), { writable: false })
  assert.ok((await log.bounds('annotate.splits', 0)).first > 0n, `${before} files`)
  assert.ok((await log.bounds(topics.scored, 0)).first > 0n)
  assert.equal((await readSplits(log, shape)).length, known)
  await live({ dir })
  assert.deepEqual(await hashOutput(dir), expected)
})

test('a round that fails is told, hinders nothing, and the next one does its work', async () => {
  const dir = await newDir()
  let [trims, failures] = [0, 0]
  const trimBy = (log: Topics): Topics => ({
    trim: async (...place) => {
      if (trims++ % 3 === 2) throw new Error('the brokers are away')
      return log.trim(...place)
    },
  })
  const onFailure = () => void failures++
  await live({ dir, stopAt: 30, trimBy, retention: { keepSlots: 0, isEmbedded: true, onFailure } })
  assert.ok(failures > 0)
  await live({ dir, retention: { keepSlots: 0, isEmbedded: true, onFailure: failTest } })
  assert.deepEqual(await hashOutput(dir), expected)
  await assertSound(dir)
})

testOnBroker(
  'on a broker, over 3 partitions: each topic of slots begins where it is said to, and the bytes are the same',
  async () => {
    const dir = await newDir()
    const start = { dir, log: `kafka://${broker}`, partitions: 3, retention: { keepSlots: 5, onFailure: failTest } }
    await live({ ...start, stopAt: 30 })
    await live(start)
    assert.deepEqual(await hashOutput(dir), expected)
    const first = await readTrimmed(dir, null)
    assert.ok(first > 20, `slots before ${first} were trimmed`)
    await using run = await RunReader.open(dir)
    for (const topic of [topics.scored, topics.kept])
      for (let partition = 0; partition < 3; partition++) {
        const { first: offset } = await run.log.bounds(topic, partition)
        for await (const { headers } of run.log.read({ topic, partition, offset }, AbortSignal.abort())) {
          assert.equal(Number(headers.slot), first + ((partition - first + 3 * first) % 3))
          break
        }
      }
    assert.equal((await readFirst(dir)).slot, first)
    assert.equal((await assertSound(dir)).length, 2)
    await rm(join(dir, 'state'), { recursive: true })
    await assert.rejects(live(start), { code: 'trimmed' })
  },
)

testOnBroker(
  'of a spread run what was loaded goes once it is annotated, and nothing else unless it is wanted',
  async () => {
    const dir = join(makeFolder('retention'), newRun())
    const place = ['--dir', join(dir, '..'), '--run', basename(dir)]
    const { status, err } = await runMain([
      ...['run', pipeline, ...place, '--log', `kafka://${broker}`, '--spread', '--partitions', '3', '--workers', '1'],
    ])
    assert.equal(status, 0, err)
    const run = (await readRunFile(dir))!
    await using log = await openKafka(dir, run)
    const context = { dir, log, shape: run, binding: bindingOf(run), plan, checkOwner: () => {} }
    const retain = async (keepSlots: number | null) => {
      await using retention = new Retention(context, log, {
        keepSlots,
        onFailure: failTest,
        lastingSlot: slotOfSnapshot,
      })
      retention.sealed(1)
    }
    await retain(null)
    for (let partition = 0; partition < 3; partition++) {
      const { first, next } = await log.bounds(topics.raw, partition)
      assert.ok(first > 0n && next - first <= 1n, `${topics.raw}/${partition}: ${first} to ${next}`)
      assert.equal((await log.bounds(topics.scored, partition)).first, 0n)
    }
    assert.equal((await readFirst(dir)).count, corpus.documents)
    // A machine may begin with tables of its own that are so many slots older than the snapshot.
    setLimits({ snapshotSlots: 10_000 })
    await retain(0)
    assert.equal(await readTrimmed(dir, null), 0)
    setLimits({ snapshotSlots: 4 })
    await retain(0)
    assert.ok((await readTrimmed(dir, null)) > 0)
    // A machine begins with the snapshot, which is what has to hold.
    await rm(join(dir, 'state'), { recursive: true })
    await assertSound(dir)
  },
)
