import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { encodeBatch } from '../../../src/batch/arrow/ipc.ts'
import { type Batch, utf8From } from '../../../src/batch/batch.ts'
import { type Log, readCommitted } from '../../../src/log/log.ts'
import { MemoryLog } from '../../../src/log/memory/memory-log.ts'
import { pipeline } from '../../../src/pipeline/pipeline.ts'
import { planPipeline } from '../../../src/pipeline/plan.ts'
import { encodeKept, joinKept, keptBatch } from '../../../src/record/kept.ts'
import { topics } from '../../../src/record/layout.ts'
import type { Segment } from '../../../src/record/run-file.ts'
import { markOf } from '../../../src/record/sequel.ts'
import { endAppends, slotAppend } from '../../../src/record/slots.ts'
import type { RunEvent } from '../../../src/run/events.ts'
import type { DecidedValues } from '../../../src/run/measure/jobs.ts'
import type { Pool } from '../../../src/run/measure/pool.ts'
import { joinEntries, tokenizeKept } from '../../../src/run/measure/tokens.ts'
import { Progress } from '../../../src/run/progress.ts'
import { shardAll } from '../../../src/run/shard/shard-stage.ts'
import type { ManifestEntry } from '../../../src/shards/manifest.ts'
import { jsonl } from '../../../src/sources/files/jsonl.ts'
import { randomFrom } from '../../random.ts'
import { setLimits } from '../../simulate/small-limits.ts'
import { sweep } from '../../sweep.ts'
import { makeFolder } from '../../temporary.ts'
import { contextOf } from '../context.ts'
import { asOwner, crashing, hashFiles } from '../fixture.ts'

// The sharding stage over kept slots of three domains, stopped and crashed at every point. Shards are cut small.
const plan = planPipeline(pipeline('p').from(jsonl('none')).tokenize('gpt2'))
setLimits({ shardTokensMax: 40, shardSlotsMax: 4 })
const slotsAll = 24

const random = randomFrom(3)
const slots = Array.from({ length: slotsAll }, () =>
  Array.from({ length: Math.floor(random() * 4) }, () => ({
    text: 'the river mill '.repeat(1 + Math.floor(random() * 4)),
    domain: ['a', 'b', 'c'][Math.floor(random() ** 2 * 3)],
  })),
)

/** The rows are kept, and one before each is dropped. All are measured as of domain `a`, and moved from there. */
function scoredOf(rows: (typeof slots)[number]): Batch {
  const all = rows.flatMap(({ text }) => ['dropped', text])
  return {
    rows: all.length,
    columns: {
      gateEvidence: { kind: 'f64', values: new Float64Array(all.length) },
      size: { kind: 'f32', values: Float32Array.from(all, text => text.length) },
      text: utf8From(all),
      id: utf8From(all.map((_, i) => `${i}`)),
      domain: utf8From(all.map(() => 'a')),
      row: { kind: 'u32', values: Uint32Array.from(all, (_, i) => 2 * i) },
    },
  }
}

const keptOf = (rows: (typeof slots)[number]) =>
  keptBatch(
    rows.map((_, i) => 2 * (2 * i + 1)),
    rows.map(({ domain }) => (domain === 'a' ? '' : domain)),
  )

/** Commits measured and kept slots up to `end`; the one after the last is the end. Older versions kept whole rows. */
async function keep(log: Log, from: number, end: number, isWhole = false): Promise<void> {
  await using annotate = await log.own('annotate')
  await using owner = await log.own('decide')
  for (let slot = from; slot < Math.min(end, slotsAll); slot++) {
    const [scored, kept] = [scoredOf(slots[slot]), keptOf(slots[slot])]
    const value = encodeBatch(scored)
    await annotate.commit({ positions: [], appends: [slotAppend(topics.scored, slot, 1, value, {})] })
    const entry = encodeKept(isWhole ? joinKept(scored, kept) : kept)
    const headers = { scored: markOf(value) }
    await owner.commit({ positions: [], appends: [slotAppend(topics.kept, slot, 1, entry, headers)] })
  }
  if (end > slotsAll) await owner.commit({ positions: [], appends: endAppends(topics.kept, slotsAll, 1) })
}

/** A stand-in for the pool's threads: the same work, here. */
const pool = {
  size: 2,
  tokenize: async (slot: number, entries: DecidedValues) =>
    await tokenizeKept(plan.tokenizer!, joinEntries(slot, entries), slot),
} as Pool

interface Fixture {
  readonly dir: string
  readonly log: MemoryLog
}

const segmentFrom = (from: number, name: string): Segment => ({
  ...{ from, annotate: name, decide: name, shard: name, state: '' },
})

async function runStage({ dir, log }: Fixture, given: Log = log, segments = [segmentFrom(0, 'first')]) {
  const progress = new Progress()
  const context = contextOf({ dir, plan, pool, log: given, segments, watch: (event: RunEvent) => progress.see(event) })
  const seen: ManifestEntry[] = []
  let ends = 0
  const end = async () => ({ steps: ++ends, digest: 'd' })
  const sink = { add: async (entry: ManifestEntry) => void seen.push(entry), end }
  await asOwner(context, 'shard', owner => shardAll(context, owner, AbortSignal.abort(), sink))
  return { progress: progress.figures(), seen, ends }
}

async function manifestOf(log: Log): Promise<ManifestEntry[]> {
  const entries: ManifestEntry[] = []
  for await (const { value } of readCommitted(log, topics.manifest))
    entries.push(JSON.parse(Buffer.from(value).toString()))
  return entries
}

async function begin(): Promise<Fixture> {
  return { dir: makeFolder('shards'), log: new MemoryLog() }
}

async function outcome(fixture: Fixture, segments?: Segment[]) {
  const { progress, seen, ends } = await runStage(fixture, fixture.log, segments)
  const manifest = await manifestOf(fixture.log)
  assert.deepEqual(seen, manifest, 'the planner is given the whole manifest, once and in order')
  assert.equal(ends, 1)
  assert.equal(progress.shard.shards, manifest.length)
  assert.equal(new Set(manifest.map(({ path }) => path)).size, manifest.length, 'no shard is listed twice')
  return { manifest, totals: { ...progress.shard }, files: await hashFiles(join(fixture.dir, 'shards')) }
}

const undisturbed = await begin()
await keep(undisturbed.log, 0, slotsAll + 1)
const expected = await outcome(undisturbed)

test('every kept row is in one shard, and the totals are those of the manifest', () => {
  const rows = slots.reduce((sum, slot) => sum + slot.length, 0)
  assert.ok(expected.manifest.length > 8, `${expected.manifest.length} shards`)
  assert.equal(
    expected.manifest.reduce((sum, entry) => sum + entry.rows, 0),
    rows,
  )
  assert.equal(
    expected.manifest.reduce((sum, entry) => sum + entry.tokens, 0),
    expected.totals.tokens,
  )
})

test('a run that has ended gives its planner the manifest again and writes nothing', async () => {
  assert.deepEqual(await outcome(undisturbed), expected)
})

test('slots of which an older version kept whole rows give the same, and so does a run that goes on after such', async () => {
  for (const whole of sweep(1, slotsAll)) {
    const fixture = await begin()
    await keep(fixture.log, 0, whole, true)
    await keep(fixture.log, whole, slotsAll + 1)
    assert.deepEqual(await outcome(fixture), expected, `whole before slot ${whole}`)
  }
})

test('a slot that was decided from other rows than are measured is refused', async () => {
  const fixture = await begin()
  await keep(fixture.log, 0, 3)
  await using annotate = await fixture.log.own('annotate')
  await using decide = await fixture.log.own('decide')
  const [scored, kept] = [encodeBatch(scoredOf(slots[4])), encodeKept(keptOf(slots[3]))]
  await annotate.commit({ positions: [], appends: [slotAppend(topics.scored, 3, 1, scored, {})] })
  const headers = { scored: markOf(encodeBatch(scoredOf(slots[3]))) }
  await decide.commit({ positions: [], appends: [slotAppend(topics.kept, 3, 1, kept, headers)] })
  await assert.rejects(runStage(fixture), { code: 'corrupt', message: /slot 3 .* was decided from other rows/ })
})

test('stopped before any slot and started again, the shards, manifest and totals are the same', async () => {
  for (let stop = 0; stop <= slotsAll; stop++) {
    const fixture = await begin()
    await keep(fixture.log, 0, stop)
    await runStage(fixture)
    await keep(fixture.log, stop, slotsAll + 1)
    assert.deepEqual(await outcome(fixture), expected, `stopped before slot ${stop}`)
  }
})

test('started again for each slot, they are the same', async () => {
  const fixture = await begin()
  for (let slot = 0; slot <= slotsAll; slot++) {
    await keep(fixture.log, slot, slot + 1)
    await runStage(fixture)
  }
  await keep(fixture.log, slotsAll, slotsAll + 1)
  assert.deepEqual(await outcome(fixture), expected)
})

test('crashed before or after any commit, they are the same, and no file is written that the end does not list', async () => {
  for (const isAfter of [false, true])
    for (let fatal = 0; ; fatal++) {
      const fixture = await begin()
      await keep(fixture.log, 0, slotsAll + 1)
      const crashed = await runStage(fixture, crashing(fixture.log, fatal, isAfter)).then(
        () => false,
        error => error.message === 'crash' || Promise.reject(error),
      )
      assert.deepEqual(await outcome(fixture), expected, `commit ${fatal}, ${isAfter ? 'after' : 'before'}`)
      if (!crashed) break
    }
})

test('an upgrade before any slot cuts the shards there, whether the stage had passed the slot or not', async () => {
  for (const from of sweep(1, slotsAll - 1)) {
    const both = [segmentFrom(0, 'first'), segmentFrom(from, 'second')]
    const known = await begin()
    await keep(known.log, 0, slotsAll + 1)
    const wanted = await outcome(known, both)
    for (const { first, last, fingerprint } of wanted.manifest) {
      assert.ok(last.slot < from || first.slot >= from, `a shard of slots ${first.slot} to ${last.slot} spans ${from}`)
      assert.equal(fingerprint, last.slot < from ? 'first' : 'second')
    }
    const passed = await begin()
    await keep(passed.log, 0, from)
    await runStage(passed)
    await keep(passed.log, from, slotsAll + 1)
    assert.deepEqual(await outcome(passed, both), wanted, `upgraded before slot ${from}`)
  }
})
