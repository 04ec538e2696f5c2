import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ExpectedRecord, listSplits, readChunks, testSource } from '../../../conformance/source.ts'
import { stringAt, utf8 } from '../../../src/batch/batch.ts'
import { kafkaTopic } from '../../../src/index.ts'
import { readFates } from '../../../src/inspect/fates.ts'
import { RunReader } from '../../../src/record/run-reader.ts'
import { broker, newRun, testOnBroker } from '../../log/kafka/broker.ts'
import { ManualProducer } from '../../log/kafka/manual-producer.ts'
import { randomFrom } from '../../random.ts'
import { follow, hashOutput, makeText, runHeadrace, runUntilCommit, writePipeline } from '../../run/fixture.ts'
import { makeFolder } from '../../temporary.ts'
import { makeTexts, readSource } from '../fixture.ts'
import { TestTopic } from './producer.ts'

const url = `kafka://${broker}`
const random = randomFrom(17)

/** What must come of a run over a topic: `file:line`, and the reason of what is dead; and how many records only delete their keys. */
class Expected {
  readonly fates = new Map<string, string | null>()
  tombstones = 0

  add(topic: string, partition: number, offsets: readonly number[], reason: string | null = null): void {
    for (const offset of offsets) this.fates.set(`${topic}/${partition}:${offset + 1}`, reason)
  }
}

const document = (sentences = 20) => JSON.stringify({ text: makeText(random, sentences), kind: 'page' })
const documents = (count: number, sentences?: number) => Array.from({ length: count }, () => document(sentences))

/** Three partitions of documents, poison records among them and aborted transactions between. */
async function fill(topic: TestTopic, expected: Expected, rounds: number): Promise<void> {
  const { name } = topic
  for (let round = 0; round < rounds; round++)
    for (const partition of topic.next.keys()) {
      expected.add(name, partition, await topic.commit(partition, documents(100), { headers: { round: `${round}` } }))
      await topic.abort(partition, documents(7))
      expected.add(name, partition, await topic.commit(partition, ['{"text":']), 'broken-json')
      expected.add(name, partition, await topic.commit(partition, [Buffer.alloc(3, 255)]), 'invalid-utf8')
      expected.add(name, partition, await topic.commit(partition, ['']), 'empty-record')
      expected.tombstones += (await topic.send(partition, [null])).length
      expected.add(name, partition, await topic.send(partition, documents(3)))
    }
}

const pipelineOf = async (topic: string, more = '', rest = '') =>
  writePipeline(
    makeFolder('kafka-source'),
    () =>
      `h.pipeline('test').from(h.kafkaTopic('${url}', '${topic}', { domain: 'kind'${more} })).annotate(h.normalize())${rest}`,
  )

async function fatesOf(runDir: string): Promise<(readonly [string, string | null])[]> {
  await using run = await RunReader.open(runDir)
  const fates: (readonly [string, string | null])[] = []
  for await (const { file, line, fate, reason } of readFates(run))
    fates.push([`${file}:${line}`, fate === 'dead' ? (reason ?? '') : null])
  return fates
}

async function checkFates(runDir: string, expected: Expected): Promise<void> {
  const fates = await fatesOf(runDir)
  assert.equal(new Set(fates.map(([address]) => address)).size, fates.length, 'a record has two fates')
  assert.deepEqual(new Map(fates.sort()), new Map([...expected.fates].sort()))
}

testOnBroker(
  'a whole run over three partitions, killed and restarted, gives each record one fate and the same bytes',
  async () => {
    await using topic = await TestTopic.create(newRun(), 3)
    const expected = new Expected()
    await fill(topic, expected, 6)
    const pipeline = await pipelineOf(
      topic.name,
      '',
      ".decide(h.rules()).tokenize('gpt2').feed({ length: 128, batch: 2 })",
    )
    const [dir, other] = [makeFolder('kafka-source'), makeFolder('kafka-source')]
    const args = (runs: string) => ['run', pipeline, '--dir', runs, '--workers', '2', '--json']
    const killed = await runUntilCommit(args(dir), { runDir: join(dir, 'test'), signal: 'SIGKILL', small: {} })
    assert.equal(killed.signal, 'SIGKILL', killed.err)
    for (const runs of [dir, other]) {
      const { status, err, out } = await runHeadrace(args(runs))
      assert.equal(status, 0, err)
      await checkFates(join(runs, 'test'), expected)
      assert.equal(JSON.parse(out).tombstones, expected.tombstones)
    }
    const report = await runHeadrace(['report', '--dir', dir])
    assert.match(report.out, new RegExp(`^tombstones, no documents +${expected.tombstones} *$`, 'm'), report.err)
    assert.deepEqual(await hashOutput(join(dir, 'test')), await hashOutput(join(other, 'test')))
  },
)

/** A topic of long texts in two partitions, with what was aborted and what is no document between them. */
async function makeSubject() {
  const topic = await TestTopic.create(newRun(), 3)
  const texts = makeTexts(1500, 5)
  const records: ExpectedRecord[] = []
  for (const [partition, some] of [texts, texts.slice(0, 20)].entries())
    for (let at = 0; at < some.length; at += 100) {
      const part = some.slice(at, at + 100)
      const file = `${topic.name}/${partition}`
      const offsets = await topic.commit(
        partition,
        part.map(text => JSON.stringify({ text })),
      )
      for (const [i, offset] of offsets.entries()) records.push({ file, line: offset + 1, text: part[i] })
      await topic.abort(partition, ['{"text":"aborted"}'])
      const [broken] = await topic.send(partition, ['{'])
      records.push({ file, line: broken + 1, reason: 'broken-json' })
    }
  await topic[Symbol.asyncDispose]()
  return { name: topic.name, records, recordBytesMax: 2 * Math.max(...texts.map(text => Buffer.byteLength(text))) }
}
let subject: ReturnType<typeof makeSubject> | undefined
if (broker)
  testSource('a topic on a broker', async () => {
    subject ??= makeSubject()
    const { name, ...rest } = await subject
    return { source: kafkaTopic(url, name), ...rest }
  })

/** Follows while `work` goes on, and drains as a signal drains. */
async function followAndDrain(args: readonly string[], work: () => Promise<void>): Promise<void> {
  const { status, err } = await follow(args, work)
  assert.equal(status, 130, err)
}

async function waitForFates(runDir: string, count: number): Promise<void> {
  for (let tries = 0; tries < 400; tries++) {
    const fates = await fatesOf(runDir).catch(error => (error.code === 'not-found' ? [] : Promise.reject(error)))
    if (fates.length >= count) return
    await sleep(25)
  }
  assert.fail(`the run has not read ${count} records after 10 seconds`)
}

testOnBroker('a follower takes what comes on any partition, drains, goes on and ends', async () => {
  // More partitions than a run has lanes.
  await using topic = await TestTopic.create(newRun(), 6)
  const expected = new Expected()
  const add = async (partition: number, count: number) =>
    expected.add(topic.name, partition, await topic.commit(partition, documents(count, 4)))
  const dir = makeFolder('kafka-source')
  const runDir = join(dir, 'test')
  const pipeline = await pipelineOf(topic.name, ', pollMs: 50', ".tokenize('gpt2')")
  const args = ['run', pipeline, '--dir', dir, '--workers', '1', '--json']
  await add(0, 30)
  await followAndDrain(args, async () => {
    await waitForFates(runDir, expected.fates.size)
    for (const partition of [5, 0, 5, 3]) {
      await add(partition, 3)
      await waitForFates(runDir, expected.fates.size)
    }
  })
  await checkFates(runDir, expected)
  await add(4, 5)
  await add(5, 5)
  await followAndDrain(args, async () => {
    await waitForFates(runDir, expected.fates.size)
  })
  await add(1, 9)
  const { status, err } = await runHeadrace(args)
  assert.equal(status, 0, err)
  await checkFates(runDir, expected)
  const doctor = await runHeadrace(['doctor', pipeline, '--dir', dir])
  assert.match(doctor.out, /recorded, all as they were/, doctor.err)
})

testOnBroker('a topic that was deleted and made anew is refused', async () => {
  const name = newRun()
  const pipeline = await pipelineOf(name)
  const dir = makeFolder('kafka-source')
  const args = ['run', pipeline, '--dir', dir, '--workers', '1', '--json']
  {
    await using topic = await TestTopic.create(name, 1)
    await topic.commit(0, documents(5))
    await followAndDrain(args, () => waitForFates(join(dir, 'test'), 5))
    await topic.remove()
  }
  const gone = await runHeadrace(args)
  assert.equal(gone.status, 66, gone.err)
  assert.match(gone.err, new RegExp(`there is no topic '${name}' at `))
  await using topic = await TestTopic.create(name, 1)
  await topic.commit(0, documents(9))
  const { status, err } = await runHeadrace(args)
  assert.equal(status, 65, err)
  assert.match(err, new RegExp(`${name}/0 changed since this run began`))
  // One that goes on reading meanwhile finds out too.
  const source = kafkaTopic(url, name)
  const [split] = await listSplits(source)
  const stamp = split.stamp.replace(/[^/]+$/, '00000000-0000-0000-0000-000000000001')
  await assert.rejects(readChunks(source, { ...split, stamp }), { code: 'source-changed', message: /made anew/ })
})

testOnBroker(
  'the time of a record, its key and its headers are those of its producer, bytes that are no text too',
  async () => {
    const bytes = Buffer.from([255, 0])
    const text = (value: string) => Buffer.from(value)
    const headers = new Map([
      [text('trace'), bytes],
      [text('kind'), text('a')],
      [text('kind'), text('b')],
      [text('none'), null],
    ])
    const more = { key: bytes, headers, timestamp: 1_700_000_000_123n }
    const before = Date.now()
    for (const type of ['CreateTime', 'LogAppendTime']) {
      await using topic = await TestTopic.create(newRun(), 1, { 'message.timestamp.type': type })
      await topic.send(0, ['{"text":"a"}'], more)
      const source = kafkaTopic(url, topic.name)
      const [split] = await listSplits(source)
      const [chunk] = await readChunks(source, split)
      const { batch } = await source.parse(chunk)
      const { timeMs, ...kafka } = JSON.parse(stringAt(utf8(batch, 'meta'), 0)).kafka
      assert.deepEqual(kafka, {
        ...{ offset: 0, keyBase64: '/wA=', headersBase64: { trace: '/wA=' } },
        headers: { kind: ['a', 'b'], none: null },
      })
      if (type === 'CreateTime') assert.equal(timeMs, 1_700_000_000_123)
      else assert.ok(timeMs >= before && timeMs <= Date.now(), `${timeMs} is not between ${before} and now`)
    }
  },
)

testOnBroker(
  'an open transaction stops a bounded run with its place, and the same command goes on when it has ended',
  async () => {
    await using topic = await TestTopic.create(newRun(), 2)
    const expected = new Expected()
    expected.add(topic.name, 0, await topic.commit(0, documents(5)))
    expected.add(topic.name, 1, await topic.commit(1, documents(5)))
    await using producer = await ManualProducer.open(`open-${topic.name}`)
    await producer.send(topic.name, 0, document(), document())
    // Five records and a marker stand before them, and one that is of no transaction behind.
    topic.next[0] += 2
    expected.add(topic.name, 0, [6, 7])
    expected.add(topic.name, 0, await topic.send(0, documents(1)))
    const dir = makeFolder('kafka-source')
    const args = ['--dir', dir, '--workers', '1', '--json']
    const impatient = await pipelineOf(topic.name, ', transactionWaitMs: 100')
    const { status, err } = await runHeadrace(['run', impatient, ...args])
    assert.equal(status, 74, err)
    const place = `${topic.name}/0: a transaction is open at offset 6, behind which the records up to 9 wait for its end`
    assert.equal(err.split(place).length, 3, `once as it is waited for, once as it stops: ${err}`)
    assert.match(err, /The run has not ended: run the same command again/)
    const report = await runHeadrace(['report', '--dir', dir, '--json'])
    assert.equal(JSON.parse(report.out).ended, false)
    await producer.end(true)
    const { status: second, err: none } = await runHeadrace(['run', impatient, ...args])
    assert.equal(second, 0, none)
    await checkFates(join(dir, 'test'), expected)
  },
)

testOnBroker('a transaction that ends while it is waited for is read, and one that is aborted is passed', async () => {
  for (const commits of [true, false]) {
    await using topic = await TestTopic.create(newRun(), 1)
    await using producer = await ManualProducer.open(`open-${topic.name}`)
    await producer.send(topic.name, 0, '{"text":"in it"}')
    topic.next[0]++
    await topic.send(0, ['{"text":"behind"}'])
    const source = kafkaTopic(url, topic.name)
    const [split] = await listSplits(source)
    let told = 0
    const end = () => {
      told++
      void producer.end(commits)
    }
    const texts: string[] = []
    for await (const chunk of source.read(split, { offset: 0, line: 1 }, new AbortController().signal, end)) {
      const { batch } = await source.parse(chunk)
      for (let row = 0; row < batch.rows; row++) texts.push(stringAt(utf8(batch, 'text'), row))
    }
    assert.deepEqual([told, texts], [1, commits ? ['in it', 'behind'] : ['behind']])
  }
})

testOnBroker('a compacted topic gives the last of each key, and its end is found where records are gone', async () => {
  const settings = {
    'cleanup.policy': 'compact',
    'min.cleanable.dirty.ratio': '0.0001',
    'segment.bytes': '1048576',
    'segment.ms': '100',
    'delete.retention.ms': '0',
    'min.compaction.lag.ms': '0',
  }
  await using topic = await TestTopic.create(newRun(), 1, settings)
  const big = '.'.repeat(20_000)
  const write = (key: string, value: string | null) =>
    topic.send(0, [value && JSON.stringify({ text: value, big })], { key: Buffer.from(key) })
  for (let round = 0; round < 12; round++)
    for (const key of ['a', 'b', 'c']) await write(key, round === 11 && key === 'b' ? null : `${key} ${round}`)
  const source = kafkaTopic(url, topic.name, { columns: [] })
  const read = async () => {
    const [split] = await listSplits(source)
    assert.deepEqual(split.range, { of: `${topic.name}/0`, first: 0, end: topic.next[0] })
    const chunks = await readChunks(source, split)
    assert.equal(chunks.at(-1)!.next.offset, topic.next[0])
    const parsed = await Promise.all(chunks.map(chunk => source.parse(chunk)))
    assert.deepEqual(
      parsed.flatMap(({ dead }) => dead),
      [],
    )
    return parsed.flatMap(({ batch }) =>
      Array.from({ length: batch.rows }, (_, row) => stringAt(utf8(batch, 'text'), row)),
    )
  }
  // Each write may begin a segment, and the cleaner takes those behind which another has begun.
  for (let tries = 0; ; tries++) {
    const texts = await read()
    assert.ok(texts.includes('a 11') && texts.includes('c 11'), `${texts}`)
    if (texts.length < 12) break
    assert.ok(tries < 100, `nothing was compacted: ${texts}`)
    await sleep(100)
    await write('d', `d ${tries}`)
  }
})

testOnBroker(
  'Arrow messages by pyarrow, in five batches, compressed and with dictionaries, are read in a run',
  async () => {
    const golden = join(import.meta.dirname, '../../golden/arrow')
    const names = [
      'five.arrows',
      'five-lz4.arrow',
      'types-zstd.arrows',
      'delta.arrows',
      'replaced.arrows',
      'no-rows.arrows',
    ]
    const expected: Record<string, [string | null][]> = JSON.parse(
      await readFile(join(golden, 'expected.json'), 'utf8'),
    )
    await using topic = await TestTopic.create(newRun(), 1)
    await topic.commit(0, await Promise.all(names.map(name => readFile(join(golden, name)))))
    const dir = makeFolder('kafka-source')
    const { status, err } = await runHeadrace([
      ...['run', await pipelineOf(topic.name, ", format: 'arrow'"), '--dir', dir, '--workers', '1', '--json'],
    ])
    assert.equal(status, 0, err)
    const fates = await fatesOf(join(dir, 'test'))
    const counts = names.map((_, offset) => fates.filter(([at]) => at === `${topic.name}/0:${offset + 1}`).length)
    assert.deepEqual(
      counts,
      names.map(name => Math.max(1, expected[name].length)),
    )
    assert.deepEqual(
      fates.filter(([, reason]) => reason !== null).map(([, reason]) => reason),
      ['empty-record'],
    )
  },
)

testOnBroker('trimmed offsets are an error, and never passed over', async () => {
  await using topic = await TestTopic.create(newRun(), 1)
  await topic.commit(0, documents(20))
  const source = kafkaTopic(url, topic.name)
  const [split] = await listSplits(source)
  await topic.trim(0, 8)
  await assert.rejects(readChunks(source, split), {
    code: 'trimmed',
    message: new RegExp(`${topic.name}/0: offsets 0 to 7 were removed before they were read`),
  })
  // A new run begins at what is left.
  const { records } = await readSource(kafkaTopic(url, topic.name))
  assert.deepEqual(
    records.map(({ line }) => line),
    Array.from({ length: 12 }, (_, i) => 9 + i),
  )
})

testOnBroker('brokers that are away are an error of the world', async () => {
  process.env.HEADRACE_KAFKA_DELIVERY_TIMEOUT_MS = '100'
  const source = kafkaTopic('kafka://127.0.0.1:1', 'documents')
  await assert.rejects(listSplits(source), { code: 'disk', retry: true, message: /127\.0\.0\.1:1/ })
  delete process.env.HEADRACE_KAFKA_DELIVERY_TIMEOUT_MS
})
