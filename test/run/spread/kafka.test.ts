import assert from 'node:assert/strict'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { before, type TestContext } from 'node:test'
import { decodeBatch } from '../../../src/batch/arrow/ipc.ts'
import { KafkaLog } from '../../../src/log/kafka/kafka-log.ts'
import { topics } from '../../../src/record/layout.ts'
import { readBySlot } from '../../../src/record/slots.ts'
import { broker, newRun, options, testOnBroker } from '../../log/kafka/broker.ts'
import { makeFolder } from '../../temporary.ts'
import { type Corpus, hashOutput, runHeadrace, writeCorpus, writePipeline } from '../fixture.ts'
import { Member } from './member.ts'

// Runs that several real processes share on a real broker: the bytes of one process with the log in its folder, whatever befalls them.
let corpus: Corpus
let pipeline: string
let expected: Record<string, string>
const partitions = 4

/** An annotator that takes its time, so that there is a run to disturb. */
const slow = JSON.stringify({
  ...{ name: 'slow', version: 1, exact: true, options: {} },
  ...{ reads: [], writes: [], rules: [], resources: [] },
})

before(async () => {
  if (!broker) return
  corpus = await writeCorpus({ seed: 6, files: 16, documentsPerFile: 250 })
  pipeline = await writePipeline(
    corpus.dir,
    glob => `h.pipeline('test')
  .from(h.jsonl(${glob}))
  .annotate(h.normalize(), h.gopherQuality(), h.signature(), { ...${slow}, annotate: () => new Promise(resolve => setTimeout(() => resolve({}), 100)) })
  .decide(h.rules(), h.exactDuplicates(), h.nearDuplicates(), h.holdout({ rate: 0.02 }))
  .tokenize('gpt2')
  .feed({ length: 256, batch: 4 })`,
  )
  const dir = makeFolder('embedded')
  const { status, err } = await runHeadrace(['run', pipeline, '--dir', dir, '--json'])
  assert.equal(status, 0, err)
  expected = await hashOutput(join(dir, 'test'))
})

/** A run of a name of its own. Its processes end with the test. */
async function begin(t: TestContext) {
  const dir = makeFolder('spread')
  const name = newRun()
  const startWith = (module: string, ...more: string[]) => {
    const place = more.includes('--dir') ? [] : ['--dir', dir]
    const shape = ['--spread', '--partitions', String(partitions), '--workers', '1']
    const member = new Member(['run', module, ...place, '--run', name, '--log', `kafka://${broker}`, ...shape, ...more])
    t.after(() => member.signal('SIGKILL'))
    return member
  }
  const start = (...more: string[]) => startWith(pipeline, ...more)
  return { dir: join(dir, name), name, start, startWith }
}

type Run = Awaited<ReturnType<typeof begin>>

/** All that must hold at the end: the bytes, and a slot after the other in every topic, with a fate for each record. */
async function check(run: Run, members: readonly Member[]): Promise<void> {
  for (const { finished } of members) {
    const { status, err } = await finished
    assert.equal(status, 0, err)
  }
  assert.deepEqual(await hashOutput(run.dir), expected)
  await using log = await KafkaLog.open(options(), { run: run.name, spread: ['annotate'] })
  let records = 0
  let next = 0
  for await (const { headers, value } of readBySlot(log, topics.scored, partitions)) {
    assert.equal(Number(headers.slot), next++)
    if (headers.end !== '1') records += decodeBatch(value).batch.rows + Number(headers.dead)
  }
  let dead = 0
  for await (const { value } of readBySlot(log, topics.dead, partitions)) dead += decodeBatch(value).batch.rows
  assert.deepEqual([records, dead], [corpus.documents, corpus.broken])
  const [{ out }] = await Promise.all(members.map(member => member.finished))
  const { documents, kept, dropped, dead: died } = JSON.parse(out)
  assert.equal(kept + died + Object.values<number>(dropped).reduce((a, b) => a + b, 0), documents)
  assert.deepEqual([documents, died], [corpus.documents, corpus.broken])
}

for (const count of [1, 3])
  testOnBroker(`${count} processes: the bytes of one, each record with one fate`, async t => {
    const run = await begin(t)
    const members = Array.from({ length: count }, () => run.start())
    await check(run, members)
    const held = members.map(({ lines }) => lines.filter(({ event }) => event === 'share-taken').length)
    assert.ok(
      held.every(shares => shares > 0),
      `shares taken: ${held}`,
    )
  })

testOnBroker('workers that have the brokers alone, started before the run is', async t => {
  const run = await begin(t)
  const nowhere = makeFolder('nowhere')
  const workers = [1, 2].map(() => run.start('--stages', 'annotate', '--dir', nowhere))
  const owner = run.start('--stages', 'load,decide,shard')
  await check(run, [owner, ...workers])
  assert.deepEqual(await hashOutput(nowhere).catch(() => ({})), {})
})

testOnBroker('one is killed: the others have its shares and go on', async t => {
  const run = await begin(t)
  const [victim, other] = [run.start(), run.start()]
  await victim.holds()
  await other.see(({ event }) => event === 'joined')
  victim.signal('SIGKILL')
  assert.equal((await victim.finished).signal, 'SIGKILL')
  await check(run, [other])
})

testOnBroker('one is stopped, taken over, and wakes: it changes nothing, and takes its share again', async t => {
  const run = await begin(t)
  const [zombie, other] = [run.start(), run.start()]
  await Promise.all([zombie.holds(), other.holds()])
  zombie.signal('SIGSTOP')
  const mine = zombie.lines.filter(({ event }) => event === 'share-taken')
  await Promise.all(mine.map(({ stage, partition }) => seeShare(other, stage, partition)))
  zombie.signal('SIGCONT')
  await zombie.see(({ event }) => event === 'share-lost' || event === 'share-fenced' || event === 'ended')
  await check(run, [other, zombie])
})

testOnBroker('one is asked to stop: it gives its shares at once, and ends as one that was stopped', async t => {
  const run = await begin(t)
  const [leaver, other] = [run.start(), run.start()]
  await Promise.all([leaver.holds(), other.holds()])
  leaver.signal('SIGTERM')
  assert.equal((await leaver.finished).status, 130)
  await check(run, [other])
})

testOnBroker('all are killed and their tables are lost: a new one goes on from the log', async t => {
  const run = await begin(t)
  const members = [run.start(), run.start()]
  await Promise.any(
    members.map(member => member.see(({ event }) => event === 'shard-sealed' || event === 'stage-began')),
  )
  for (const member of members) member.signal('SIGKILL')
  await Promise.all(members.map(member => member.finished))
  await rm(join(run.dir, 'state'), { recursive: true, force: true })
  await check(run, [run.start()])
})

testOnBroker('a changed pipeline is refused, takes effect with --upgrade, and then the old one is refused', async t => {
  const run = await begin(t)
  const first = run.start('--follow')
  await using log = await KafkaLog.open(options(), { run: run.name, spread: ['annotate'] })
  await first.see(({ event, stage }) => event === 'stage-began' && stage === 'decide')
  for (let slot = 0; slot === 0; ) slot = (await log.position('decide', 0)).slot
  first.signal('SIGTERM')
  assert.equal((await first.finished).status, 130)
  // What was loaded is decided, as the annotators change, too.
  assert.equal((await run.start('--drain').finished).status, 0)
  const { slot: from } = await log.position('decide', 0)
  const changed = (await readFile(pipeline, 'utf8')).replace('h.gopherQuality()', 'h.gopherQuality({ wordsMin: 60 })')
  const upgraded = join(makeFolder('upgrade'), 'pipeline.ts')
  await writeFile(upgraded, changed)
  const refused = await run.startWith(upgraded).finished
  assert.deepEqual([refused.status, /--upgrade/.test(refused.err)], [64, true], refused.err)
  const { status, err } = await run.startWith(upgraded, '--upgrade').finished
  assert.equal(status, 0, err)
  const { segments } = JSON.parse(await readFile(join(run.dir, 'run.json'), 'utf8'))
  assert.deepEqual(
    segments.map((segment: { from: number }) => segment.from),
    [0, from],
  )
  assert.equal((await run.start().finished).status, 64)
})

function seeShare(member: Member, stage: unknown, partition: unknown) {
  return member.see(line => line.event === 'share-taken' && line.stage === stage && line.partition === partition)
}
