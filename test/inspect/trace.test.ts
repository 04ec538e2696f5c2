import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { numbers, stringAt, utf8 } from '../../src/batch/batch.ts'
import { readHead } from '../../src/feed/files/head.ts'
import { readFates } from '../../src/inspect/fates.ts'
import { type Trace, traceDocument } from '../../src/inspect/trace.ts'
import type { LocatedFate } from '../../src/record/fate.ts'
import { readManifest } from '../../src/record/manifest.ts'
import { RunReader } from '../../src/record/run-reader.ts'
import { hasEnded, readStanding } from '../../src/record/standing.ts'
import { openShard } from '../../src/shards/shard.ts'
import { runHeadrace, runUntilCommit, smallSlots, writeCorpus, writePipeline } from '../run/fixture.ts'
import { makeFolder } from '../temporary.ts'

// A whole run, read while it goes and afterwards.
let runDir: string
/** What readers saw beside the run, each time: records, the hash of their fates so far. */
const glimpses: { records: number; hash: string }[] = []

const describe = ({ file, line, slot, row, fate, reason, duplicateOf }: LocatedFate) =>
  JSON.stringify([basename(file), line, slot, row, fate, reason, duplicateOf])

/** Hashes of the fates up to each count of records that is asked for. */
async function hashFates(counts: readonly number[] | null): Promise<Map<number, string>> {
  await using run = await RunReader.open(runDir)
  const hash = createHash('sha256')
  const hashes = new Map<number, string>([[0, hash.copy().digest('hex')]])
  let records = 0
  for await (const fate of readFates(run)) {
    hash.update(describe(fate))
    if (++records && counts?.includes(records)) hashes.set(records, hash.copy().digest('hex'))
  }
  return counts ? hashes : hashes.set(records, hash.digest('hex'))
}

before(async () => {
  const corpus = await writeCorpus({ seed: 8, files: 4, documentsPerFile: 100 })
  await writeFile(join(corpus.dir, 'only-broken.jsonl'), '{\n{\n')
  const pipeline = await writePipeline(corpus.dir)
  const runs = makeFolder('trace')
  runDir = join(runs, 'test')
  const args = ['run', pipeline, '--dir', runs, '--workers', '1', '--json']
  const glimpse = async () => {
    const [records, hash] = [...(await hashFates(null))].at(-1)!
    glimpses.push({ records, hash })
  }
  // Where it stands after some of its commits, and then whatever is met beside it.
  for (const commits of [1, 2, 3]) {
    await runUntilCommit(args, { runDir, signal: 'SIGKILL', stage: 'decide', commits })
    await glimpse()
  }
  let isOver = false
  const running = runHeadrace(args, undefined, smallSlots).finally(() => {
    isOver = true
  })
  while (!isOver) {
    await glimpse()
    await sleep(5)
  }
  const { status, err } = await running
  assert.equal(status, 0, err)
})

test('what a reader sees while the run goes is the beginning of what it sees at the end', async () => {
  const counts = glimpses.map(({ records }) => records)
  assert.ok(new Set(counts).size > 2, `only ${[...new Set(counts)]} records were seen`)
  const hashes = await hashFates(counts)
  for (const { records, hash } of glimpses) assert.equal(hash, hashes.get(records), `after ${records} records`)
})

async function traceAll(run: RunReader, id: string): Promise<Trace[]> {
  const traces: Trace[] = []
  for await (const trace of traceDocument(run, id)) traces.push(trace)
  return traces
}

test("a kept document is found in its shard, and its tokens in the feed's samples", async () => {
  await using run = await RunReader.open(runDir)
  const head = await readHead(join(runDir, 'feed'))
  const kept: LocatedFate[] = []
  for await (const fate of readFates(run)) if (fate.fate === 'kept') kept.push(fate)
  let [tokens, sampled] = [0, 0]
  for (const fate of kept.filter((_, i) => i % 20 === 0)) {
    const [trace, ...more] = await traceAll(run, fate.id)
    assert.deepEqual([trace.fate, more], [fate, []])
    const { path, row, tokens: length } = trace.shard!
    using shard = openShard(join(runDir, 'shards', path))
    const [batch] = [...shard.batches(['id', 'slot', 'row'])]
    assert.equal(stringAt(utf8(batch, 'id'), row), fate.id)
    assert.deepEqual([numbers(batch, 'slot')[row], numbers(batch, 'row')[row]], [fate.slot, fate.row])
    assert.equal(shard.lengths()[row], length)
    assert.equal(
      shard
        .lengths()
        .subarray(0, row)
        .reduce((a, b) => a + b, 0),
      trace.shard!.start,
    )
    const inSamples = trace.samples.reduce((sum, sample) => sum + sample.tokens, 0)
    assert.ok(inSamples <= length)
    for (const { steps } of trace.samples) for (const step of steps) assert.ok(step >= 0 && step < head!.steps)
    tokens += length
    sampled += inSamples
  }
  assert.ok(sampled > 0.9 * tokens, `${sampled} of ${tokens} tokens are in samples`)
})

test('a record is found by its file and line, dead ones too, and a name that only looks alike is not', async () => {
  await using run = await RunReader.open(runDir)
  const seen = new Map<string, LocatedFate>()
  for await (const fate of readFates(run)) {
    if (!seen.has(fate.fate)) seen.set(fate.fate, fate)
    if (fate.file.endsWith('only-broken.jsonl')) seen.set(`broken ${fate.line}`, fate)
  }
  assert.deepEqual([...seen.keys()].sort(), ['broken 1', 'broken 2', 'dead', 'dropped', 'kept'])
  for (const fate of seen.values()) {
    const traces = await traceAll(run, `${fate.file}:${fate.line}`)
    assert.deepEqual(
      traces.map(trace => trace.fate),
      [fate],
    )
    assert.equal(traces[0].shard !== null, fate.fate === 'kept')
    assert.equal(Object.keys(traces[0].measurements).length > 0, fate.fate !== 'dead')
  }
  for (const id of ['', '0-', 'nothing', 'part-0.jsonl:1']) assert.deepEqual(await traceAll(run, `${id}?`), [])
})

test('the manifest lists each shard once, and its rows are the kept documents', async () => {
  await using run = await RunReader.open(runDir)
  const standing = await readStanding(run.log, run.run)
  const manifest = await Array.fromAsync(readManifest(run.log))
  assert.ok(hasEnded(standing, run.run))
  assert.equal(new Set(manifest.map(({ path }) => path)).size, manifest.length)
  assert.equal(
    manifest.reduce((sum, { rows }) => sum + rows, 0),
    standing.decide.totals.kept,
  )
  assert.equal(
    manifest.reduce((sum, { tokens }) => sum + tokens, 0),
    standing.shard.totals.tokens,
  )
})
