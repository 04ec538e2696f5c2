import assert from 'node:assert/strict'
import { appendFile, cp, mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { readFates } from '../../src/inspect/fates.ts'
import { readCommitted } from '../../src/log/log.ts'
import { topics } from '../../src/record/layout.ts'
import { RunReader } from '../../src/record/run-reader.ts'
import { hasEnded, readStanding } from '../../src/record/standing.ts'
import { randomFrom } from '../random.ts'
import { makeFolder } from '../temporary.ts'
import { parseEvents } from '../watch/events.ts'
import { follow, hashOutput, makeText, runHeadrace, writePipeline } from './fixture.ts'

// A growing folder: files that come while the run goes, drains in between, and an end at last.
const random = randomFrom(21)

/** Adds a whole file at once, as followers need it. Returns its records as `name:line`. */
async function addFile(dir: string, name: string, documents: number): Promise<string[]> {
  const lines = Array.from({ length: documents }, (_, i) =>
    i % 10 === 9
      ? '{"text": "cut off'
      : JSON.stringify({ id: `${name}-${i}`, text: makeText(random, 8), domain: `d${i % 2}` }),
  )
  const part = join(makeFolder('part'), name)
  await writeFile(part, `${lines.join('\n')}\n`)
  await rename(part, join(dir, name))
  return lines.map((_, i) => `${name}:${i + 1}`)
}

/** All records that the run has decided, as `name:line`, in its order. Read while it goes. */
async function recordsOf(runDir: string): Promise<string[]> {
  await using run = await RunReader.open(runDir)
  const records: string[] = []
  for await (const { file, line } of readFates(run)) records.push(`${basename(file)}:${line}`)
  return records
}

/** How many records the run has decided, by its stage's note alone. */
async function countDecided(runDir: string): Promise<number> {
  await using run = await RunReader.open(runDir)
  return (await readStanding(run.log, run.run)).decide.totals.documents
}

/** Returns once so many are decided. A run that ends before, and the time that tests have, end the wait. */
async function waitForRecords(runDir: string, count: number): Promise<void> {
  for (;;) {
    const decided = await countDecided(runDir).catch(error => (error.code === 'not-found' ? 0 : Promise.reject(error)))
    if (decided >= count) return
    await sleep(25)
  }
}

async function endsOf(runDir: string): Promise<number> {
  await using run = await RunReader.open(runDir)
  let ends = 0
  for (const topic of [topics.scored, topics.kept])
    for await (const { headers } of readCommitted(run.log, topic)) if (headers.end) ends++
  return ends
}

test('a followed folder is read as it grows, drains, goes on and ends; each record has one fate and the bytes stay', async () => {
  const input = makeFolder('growing')
  const pipeline = await writePipeline(
    input,
    glob => `h.pipeline('test').from(h.jsonl(${glob}, { pollMs: 50 })).annotate(h.normalize(), h.signature())
  .decide(h.rules(), h.nearDuplicates(), h.holdout({ rate: 0.05 })).tokenize('gpt2').feed({ length: 128, batch: 2 })`,
  )
  const runs = makeFolder('follow')
  const runDir = join(runs, 'test')
  const args = ['run', pipeline, '--dir', runs, '--workers', '2', '--json']
  const expected: string[] = []
  const add = async (name: string, documents: number) => void expected.push(...(await addFile(input, name, documents)))

  const first = await follow(args, async () => {
    await add('b.jsonl', 120)
    await add('a.jsonl', 40)
    await waitForRecords(runDir, expected.length)
    for (let i = 0; i < 10; i++) await add(`many-${i}.jsonl`, 3)
    await waitForRecords(runDir, expected.length)
  })
  assert.equal(first.status, 130, first.err)
  assert.equal(await endsOf(runDir), 0, 'a drained run has no end')
  const before = await recordsOf(runDir)

  // Files that came between two runs sort before and after the known ones.
  await add('0.jsonl', 30)
  await add('z.jsonl', 300)
  const second = await follow(args, async () => {
    await waitForRecords(runDir, before.length + 1)
  })
  assert.equal(second.status, 130, second.err)
  const third = await follow(args, async () => {
    await add('c.jsonl', 20)
    await waitForRecords(runDir, expected.length)
  })
  assert.equal(third.status, 130, third.err)
  const records = await recordsOf(runDir)
  assert.deepEqual(records.slice(0, before.length), before, 'what was decided stays')
  assert.deepEqual([...records].sort(), [...expected].sort())

  // The same slots give the same bytes, whether they were decided while the folder grew or again from the log.
  const copy = makeFolder('follow-copy')
  await cp(runs, copy, { recursive: true })
  for (const part of ['log/decide', 'log/shard', 'state', 'feed', 'shards'])
    await rm(join(copy, 'test', part), { recursive: true, force: true })
  for (const dir of [runs, copy]) {
    const { status, err } = await runHeadrace(['run', pipeline, '--dir', dir, '--workers', '1', '--json'])
    assert.equal(status, 0, err)
  }
  assert.equal(await endsOf(runDir), 2)
  assert.deepEqual(await hashOutput(join(copy, 'test')), await hashOutput(runDir))
  await using run = await RunReader.open(runDir)
  const standing = await readStanding(run.log, run.run)
  assert.deepEqual([standing.decide.totals.documents, hasEnded(standing, run.run)], [expected.length, true])

  const late = await runHeadrace([...args, '--follow'])
  assert.equal(late.status, 64, late.err)
  assert.match(late.err, /has ended and can't follow further files: begin another with --run NAME/)
})

test('a file that changed after it was read is refused by a follower too', async () => {
  const input = makeFolder('growing')
  const pipeline = await writePipeline(input, glob => `h.pipeline('test').from(h.jsonl(${glob}, { pollMs: 50 }))`)
  const runs = makeFolder('follow')
  const args = ['run', pipeline, '--dir', runs, '--workers', '1', '--json']
  const [one] = await Promise.all([addFile(input, 'a.jsonl', 20), mkdir(join(input, 'empty'))])
  await follow(args, () => waitForRecords(join(runs, 'test'), one.length))
  await addFile(input, 'a.jsonl', 21)
  const { status, err } = await runHeadrace([...args, '--follow'])
  assert.equal(status, 65, err)
  assert.match(err, /a\.jsonl changed since this run began/)
})

test('a file that is appended to after it was read is told while the follower goes on', async () => {
  const input = makeFolder('growing')
  const pipeline = await writePipeline(input, glob => `h.pipeline('test').from(h.jsonl(${glob}, { pollMs: 50 }))`)
  const runs = makeFolder('follow')
  const args = ['run', pipeline, '--dir', runs, '--workers', '1', '--log-format', 'json']
  const { status, err } = await follow(args, async () => {
    await addFile(input, 'a.jsonl', 20)
    await waitForRecords(join(runs, 'test'), 20)
    await appendFile(join(input, 'a.jsonl'), '{"text":"late"}\n')
    // Each of these is found by a look, and the change at the latest by the one before the last.
    for (const [i, name] of ['b.jsonl', 'c.jsonl', 'd.jsonl'].entries()) {
      await addFile(input, name, 1)
      await waitForRecords(join(runs, 'test'), 21 + i)
    }
  })
  assert.equal(status, 130, err)
  const told = parseEvents(err).filter(({ event }) => event === 'file-changed')
  assert.deepEqual(
    told.map(({ level, file }) => [level, file]),
    [['warn', join(input, 'a.jsonl')]],
  )
})
