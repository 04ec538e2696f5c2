import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { encodeBatch } from '../../src/batch/arrow/ipc.ts'
import { type Batch, numbers, stringAt, utf8, utf8From } from '../../src/batch/batch.ts'
import { JournalLog } from '../../src/log/journal/journal-log.ts'
import type { Log, Topics } from '../../src/log/log.ts'
import { fingerprintSource } from '../../src/pipeline/fingerprint.ts'
import { encodeKept, joinKept, keptBatch } from '../../src/record/kept.ts'
import { topicShapes, topics } from '../../src/record/layout.ts'
import type { RunFile } from '../../src/record/run-file.ts'
import { endAppends, slotAppend } from '../../src/record/slots.ts'
import { topic } from '../../src/record/topic.ts'
import { broker, newRun, openLog, options, testOnBroker } from '../log/kafka/broker.ts'
import { makeFolder } from '../temporary.ts'

// The kept documents of a run as the source of another: slots 0 to 6 with two documents each and one that was dropped between them,
// over some partitions. Of every third slot an older version kept whole rows.
const slots = 7

const batchOf = (slot: number): Batch => ({
  rows: 3,
  columns: {
    text: utf8From([`text ${slot}`, 'dropped', 'more']),
    id: utf8From([`${slot}-0`, 'dropped', `${slot}-1`]),
    domain: utf8From(['d', 'd', 'd']),
    row: { kind: 'u32', values: Uint32Array.of(0, 1, 2) },
  },
})
const keptOf = (slot: number) => {
  const kept = keptBatch([0, 2], ['', 'moved'])
  return encodeKept(slot % 3 === 2 ? joinKept(batchOf(slot), kept) : kept)
}

const runFile: RunFile = {
  version: 1,
  pipeline: 'p',
  module: 'file:///p.ts',
  input: [],
  source: 'jsonl',
  slotBytes: 1,
  partitions: 1,
  lanes: 1,
  log: null,
  logConfig: null,
  segments: [{ from: 0, annotate: 'a', decide: 'd', shard: 's', state: 't' }],
  feed: null,
  tokenizer: null,
}

async function makeRun(partitions: number, log: string | null, open: (dir: string) => Promise<Log & Topics>) {
  const dir = join(makeFolder('topic'), newRun())
  await mkdir(dir)
  await writeFile(join(dir, 'run.json'), JSON.stringify({ ...runFile, partitions, log }))
  const target = await open(dir)
  await using annotate = await target.own('annotate')
  await using owner = await target.own('decide')
  for (let slot = 0; slot < slots; slot++) {
    const scored = slotAppend('annotate.scored', slot, partitions, encodeBatch(batchOf(slot)), {})
    await annotate.commit({ positions: [], appends: [scored] })
    await owner.commit({ positions: [], appends: [slotAppend('decide.kept', slot, partitions, keptOf(slot), {})] })
  }
  await annotate.commit({ positions: [], appends: endAppends(topics.scored, slots, partitions) })
  await owner.commit({ positions: [], appends: endAppends(topics.kept, slots, partitions) })
  return { dir, log: target }
}

/** Embedded, with a file for each commit so that single slots can be trimmed. */
const embedded = (partitions: number) =>
  makeRun(partitions, null, async dir => new JournalLog(join(dir, 'log'), { writable: true, segmentBytesMax: 400 }))
const onBroker = (partitions: number) =>
  makeRun(partitions, `kafka://${broker}`, dir =>
    openLog({ run: dir.split('/').at(-1)! }, options(), topicShapes({ partitions, lanes: 1 })),
  )

/** The documents from a position on, as `id domain line`, and the positions after each chunk. */
async function read(dir: string, from = { offset: 0, line: 1 }) {
  const source = topic(dir)
  const [split] = await Array.fromAsync(source.splits(new AbortController().signal))
  const documents: string[] = []
  const positions: { offset: number; line: number }[] = []
  for await (const chunk of source.read(split, from, new AbortController().signal)) {
    const { batch } = await source.parse(chunk)
    for (let row = 0; row < batch.rows; row++)
      documents.push(
        `${['id', 'domain'].map(name => stringAt(utf8(batch, name), row)).join(' ')} ${numbers(batch, 'line')[row]}`,
      )
    positions.push(chunk.next)
  }
  return { documents, positions }
}

const expected = (from: number, firstLine = 2 * from + 1) =>
  Array.from(
    { length: 2 * (slots - from) },
    (_, i) => `${from + Math.floor(i / 2)}-${i % 2} ${['d', 'moved'][i % 2]} ${firstLine + i}`,
  )

/** Trims a topic's slots before one. */
async function trimBefore(log: Log & Topics, topic: string, partitions: number, slot: number): Promise<void> {
  for (let partition = 0; partition < partitions; partition++) {
    let before = 0n
    for await (const entry of log.read({ topic, partition, offset: 0n }, AbortSignal.abort()))
      if (Number(entry.headers.slot) < slot) before = entry.offset + 1n
    await log.trim(topic, partition, before)
  }
}

async function checkReading(make: (partitions: number) => ReturnType<typeof makeRun>, partitions: number) {
  const { dir, log } = await make(partitions)
  await using _ = log
  const { documents, positions } = await read(dir)
  assert.deepEqual(documents, expected(0))
  for (const [i, position] of positions.entries())
    assert.deepEqual((await read(dir, position)).documents, expected(i + 1))
  await trimBefore(log, topics.kept, partitions, 3)
  // It begins there, and whoever was in what is gone is told.
  assert.deepEqual((await read(dir)).documents, expected(3, 1))
  assert.deepEqual((await read(dir, positions[3])).documents, expected(4))
  await assert.rejects(read(dir, positions[0]), {
    code: 'trimmed',
    message: /decide\.kept begins with slot \d, and slot 1 is needed/,
  })
  await trimBefore(log, topics.scored, partitions, 5)
  assert.deepEqual((await read(dir)).documents, expected(5, 1), 'and where its rows are gone, behind these')
}

for (const partitions of [1, 3]) {
  test(`the kept documents of a run with ${partitions} partitions, in the order of its slots`, () =>
    checkReading(embedded, partitions))
  testOnBroker(`the same with its log on a broker, ${partitions} partitions`, () => checkReading(onBroker, partitions))
}

test('a folder without a run and a topic without documents are refused', async () => {
  const { dir, log } = await embedded(1)
  await log[Symbol.asyncDispose]()
  assert.throws(() => topic(join(dir, 'nothing')), { code: 'not-found' })
  assert.throws(() => topic(dir, 'decide.drops' as never), {
    code: 'bad-option',
    message: /no documents in 'decide\.drops'; .*there are decide\.kept, annotate\.scored/,
  })
  assert.throws(() => topic(dir, 'decide.kpet' as never), { message: /did you mean 'decide\.kept'\?/ })
  assert.throws(() => topic(dir, 'decide.kept', { folow: true } as never), { message: /did you mean 'follow'\?/ })
})

const damaged: [what: string, text: string][] = [
  ['cut', '{'],
  ['of a newer version', JSON.stringify({ ...runFile, version: 9 })],
  ['of a run without partitions', JSON.stringify({ ...runFile, partitions: 'x' })],
]
for (const [what, text] of damaged)
  test(`a run file that is ${what} is refused for what it is, before anything is read`, async () => {
    const dir = makeFolder('topic')
    await writeFile(join(dir, 'run.json'), text)
    const source = topic(dir)
    const refusal = { code: 'corrupt', message: /run\.json is no run file of this version/ }
    const signal = new AbortController().signal
    await assert.rejects(Array.fromAsync(source.splits(signal)), refusal)
    const split = { name: `${dir}#decide.kept`, stamp: '' }
    await assert.rejects(Array.fromAsync(source.read(split, { offset: 0, line: 1 }, signal)), refusal)
  })

test('what a topic says of itself, and what of it counts', async () => {
  const dir = makeFolder('topic')
  await writeFile(join(dir, 'run.json'), JSON.stringify(runFile))
  const following = topic(dir, 'annotate.scored', { follow: true })
  assert.equal(following.describe!(), `topic annotate.scored of ${dir}, follows`)
  assert.deepEqual(following.options, { name: `${dir}#annotate.scored`, topic: 'annotate.scored', follow: true })
  assert.equal(fingerprintSource(following), fingerprintSource(topic(dir, 'annotate.scored')))
  assert.notEqual(fingerprintSource(following), fingerprintSource(topic(dir)))
})
