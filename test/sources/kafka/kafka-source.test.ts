import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ExpectedRecord, listSplits, readChunks, testSource } from '../../../conformance/source.ts'
import { encodeBatch } from '../../../src/batch/arrow/ipc.ts'
import { stringAt, utf8, utf8From } from '../../../src/batch/batch.ts'
import { type KafkaTopicOptions, kafkaTopic } from '../../../src/index.ts'
import { limits } from '../../../src/limits.ts'
import { fingerprintSource } from '../../../src/pipeline/fingerprint.ts'
import { type KafkaSourceOptions, kafkaSource } from '../../../src/sources/kafka/kafka-source.ts'
import { rangeRecords, smallRangesMax } from '../../../src/sources/kafka/pace.ts'
import { RecordCutter, type TopicRecord } from '../../../src/sources/kafka/records.ts'
import type { Split } from '../../../src/sources/source.ts'
import { makeTexts, readSource } from '../fixture.ts'
import { clientOf, documentsOf, type MemoryTopic, record, sourceOf, topicOf } from './memory-topic.ts'

const texts = makeTexts(2400, 3).map((text, i) => (i % 70 === 9 ? '' : text))
// Every third offset is a marker or was aborted, and so is the end.
const withGaps = (i: number) => i + Math.floor(i / 2) + 1
const conforming = () => {
  const topic = topicOf(documentsOf(texts, withGaps), documentsOf(texts.slice(0, 40)), [], documentsOf(['last']))
  topic.partitions[0].next += 5
  return topic
}
const expected = (file: string, some: readonly string[], offsetOf = (i: number) => i): ExpectedRecord[] =>
  some.map((text, i) => ({ file, line: offsetOf(i) + 1, ...(text ? { text } : { reason: 'broken-json' }) }))

testSource('a topic in memory', () => ({
  source: sourceOf(conforming()),
  records: [...expected('t/0', texts, withGaps), ...expected('t/1', texts.slice(0, 40)), ...expected('t/3', ['last'])],
  recordBytesMax: 2 * Math.max(...texts.map(text => Buffer.byteLength(text))),
}))

/** Rows as id, text and meta; dead ones as line, reason and detail. */
async function readRows(topic: MemoryTopic, options: KafkaTopicOptions = {}) {
  const source = sourceOf(topic, options)
  const rows: string[][] = []
  const dead: (string | number)[][] = []
  for (const split of await listSplits(source))
    for (const chunk of await readChunks(source, split)) {
      const parsed = await source.parse(chunk)
      const at = (name: string, row: number) => stringAt(utf8(parsed.batch, name), row)
      for (let row = 0; row < parsed.batch.rows; row++) rows.push(['id', 'text', 'meta'].map(name => at(name, row)))
      for (const { line, reason, detail } of [...chunk.dead, ...parsed.dead]) dead.push([line, reason, detail])
    }
  return { rows, dead }
}

test('key, headers and time of a record are kept beside its other fields', async () => {
  const text = (value: string) => Buffer.from(value)
  const bytes = Buffer.from([255])
  const document = '{"text":"a"}'
  // What a record has besides its value, and what of it follows the offset in `kafka`.
  const cases: [Partial<TopicRecord>, string][] = [
    [{}, ''],
    [{ timeMs: 1_764_000_000_123 }, ',"timeMs":1764000000123'],
    [{ key: text('k"') }, ',"key":"k\\""'],
    [{ key: text('') }, ',"key":""'],
    [{ key: bytes }, ',"keyBase64":"/w=="'],
    [{ headers: [['h', text('ü')]] }, ',"headers":{"h":"ü"}'],
    [{ headers: [['h', null]] }, ',"headers":{"h":null}'],
    [{ headers: [['h', bytes]] }, ',"headersBase64":{"h":"/w=="}'],
    [
      {
        headers: [
          ['a', text('1')],
          ['b', text('2')],
          ['a', null],
          ['a', text('3')],
        ],
      },
      ',"headers":{"a":["1",null,"3"],"b":"2"}',
    ],
    [
      {
        headers: [
          ['a', text('1')],
          ['b', text('2')],
          ['a', bytes],
          ['a', null],
        ],
      },
      ',"headers":{"b":"2"},"headersBase64":{"a":["MQ==","/w==",null]}',
    ],
    [{ headers: [['__proto__', text('x')]] }, ',"headers":{"__proto__":"x"}'],
  ]
  const records = cases.map(([more], offset) => record(offset, document, { timeMs: null, ...more }))
  const { rows } = await readRows(topicOf(records))
  for (const [i, [, shown]] of cases.entries())
    assert.deepEqual(rows[i], [`t/0#${i + 1}`, 'a', `{"kafka":{"offset":${i}${shown}}}`])
  const { rows: others } = await readRows(
    topicOf([record(0, '{"text":"b","id":"x","score":1}'), record(1, '{\n "text": "c",\n "kind": {} }')]),
  )
  assert.deepEqual(others, [
    ['x', 'b', '{"score":1,"kafka":{"offset":0,"timeMs":1000}}'],
    ['t/0#2', 'c', '{"kind":{},"kafka":{"offset":1,"timeMs":1001}}'],
  ])
})

test('a record that is no document is dead with its offset and why; the rest goes on', async () => {
  const topic = topicOf([
    record(3, '{"text":"before"}'),
    record(4, ''),
    record(5, '{"text":'),
    record(6, Buffer.alloc(100, 255)),
    record(7, '[1]'),
    record(8, '{"body":1}'),
    record(9, '{"text":"\\u0000"}'),
    record(10, new Uint8Array(limits.documentBytesMax + 1)),
    record(12, '{"text":"after"}'),
  ])
  const { rows, dead } = await readRows(topic)
  assert.deepEqual(
    rows.map(([, text]) => text),
    ['before', 'after'],
  )
  const byLine = dead.sort((a, b) => Number(a[0]) - Number(b[0]))
  assert.deepEqual(
    byLine.map(([line, reason]) => [line, reason]),
    [
      [5, 'empty-record'],
      [6, 'broken-json'],
      [7, 'invalid-utf8'],
      [8, 'not-an-object'],
      [9, 'missing-text'],
      [10, 'empty-text'],
      [11, 'document-too-long'],
    ],
  )
  for (const [line, , detail] of byLine) assert.match(`${detail}`, new RegExp(`^at offset ${Number(line) - 1}: `))
})

test('an Arrow message is a document each row; one that is damaged is dead as a whole', async () => {
  const columns = {
    text: utf8From(['a', '', 'c']),
    id: utf8From(['x', 'y', '']),
    lang: utf8From(['en', '', 'de']),
    score: { kind: 'f64' as const, values: Float64Array.of(1, 2, Number.NaN) },
  }
  const message = encodeBatch({ rows: 3, columns })
  const single = encodeBatch({ rows: 1, columns: { text: utf8From(['one']) } })
  const other = encodeBatch({ rows: 1, columns: { body: utf8From(['one']) } })
  const values = [message, single, other, message.subarray(0, 100), Buffer.from('{"text":"a"}')]
  const { rows, dead } = await readRows(topicOf(values.map((value, i) => record(i, value))), { format: 'arrow' })
  assert.deepEqual(rows, [
    ['x', 'a', '{"lang":"en","score":1,"kafka":{"offset":0,"timeMs":1000,"row":0}}'],
    ['t/0#1.2', 'c', '{"lang":"de","kafka":{"offset":0,"timeMs":1000,"row":2}}'],
    ['t/0#2', 'one', '{"kafka":{"offset":1,"timeMs":1001}}'],
  ])
  assert.deepEqual(
    dead.map(([line, reason]) => [line, reason]),
    [
      [1, 'empty-text'],
      [3, 'missing-text'],
      [4, 'corrupt-arrow'],
      [5, 'corrupt-arrow'],
    ],
  )
})

test('a record without a value is a tombstone, counted apart; an empty value is a dead record', async () => {
  const source = sourceOf(topicOf([record(0, null), record(1, '{"text":"a"}'), record(2, ''), record(3, null)]))
  const [split] = await listSplits(source)
  const [chunk] = await readChunks(source, split)
  assert.equal(chunk.tombstones, 2)
  const { batch, dead } = await source.parse(chunk)
  assert.deepEqual(
    [batch.rows, dead],
    [1, [{ line: 3, reason: 'empty-record', detail: 'at offset 2: its value is empty' }]],
  )
  // Nothing but tombstones is a chunk too, and never an endless one.
  const cutter = new RecordCutter(0)
  const chunks = Array.from({ length: 70_000 }, (_, i) => cutter.add(record(i, null))).filter(one => one !== null)
  assert.deepEqual(
    [...chunks, cutter.cut(70_000)!].map(({ bytes, tombstones, next }) => [bytes.length, tombstones, next.offset]),
    [
      [0, 32_768, 32_768],
      [0, 32_768, 65_536],
      [0, 4464, 70_000],
    ],
  )
  // One that an older version made dead stays dead where it is asked for again.
  const again = { of: 't/0', lines: [[1, 1]], request: 'r', before: 9 } as const
  const [asked] = await readChunks(source, { ...split, again })
  assert.deepEqual(
    asked.dead.map(({ line, reason }) => [line, reason]),
    [1, 4].map(line => [line, 'empty-record']),
  )
})

test('what came since is another range behind the known ones; a topic that was made anew has another stamp', async () => {
  const topic = topicOf(documentsOf(['a', 'b']), [])
  const first = await listSplits(sourceOf(topic))
  assert.deepEqual(first, [{ name: 't/0', stamp: 'cluster/1', range: { of: 't/0', first: 0, end: 2 } }])
  topic.partitions[0] = { first: 0, next: 4, records: documentsOf(['a', 'b', 'c', 'd']) }
  const { records } = await readSource({
    ...sourceOf(topic),
    splits: async function* () {
      yield* first
    },
  })
  assert.deepEqual(
    records.map(({ text }) => text),
    ['a', 'b'],
    'a range ends where it was cut',
  )
  topic.partitions[0] = { first: 1, next: 4, records: documentsOf(['a', 'b', 'c', 'd']) }
  topic.partitions[1] = { first: 5, next: 6, records: [record(5, '{"text":"e"}')] }
  const source = sourceOf(topic)
  const later = await Array.fromAsync(source.splits(new AbortController().signal, first))
  assert.deepEqual(later, [
    ...first,
    { name: 't/0@2', stamp: 'cluster/1', range: { of: 't/0', first: 2, end: 4 } },
    { name: 't/1', stamp: 'cluster/1', range: { of: 't/1', first: 5, end: 6 } },
  ])
  const lines = (await Promise.all(later.slice(1).map(split => readChunks(source, split)))).flat()
  assert.deepEqual(
    lines.map(({ split, line, next }) => [split, line, next.offset]),
    [
      ['t/0', 3, 4],
      ['t/1', 6, 6],
    ],
  )
  await assert.rejects(readChunks(source, first[0]), { code: 'trimmed' })
  // What was read to its end is not asked for again.
  assert.deepEqual(await readChunks(source, first[0], { offset: 2, line: 3 }), [])
  topic.stamp = 'cluster/2'
  assert.equal((await Array.fromAsync(source.splits(new AbortController().signal, first)))[0].stamp, 'cluster/2')
  await assert.rejects(readChunks(source, later[1]), { code: 'source-changed' })
  assert.equal(topic.open, 0, 'a connection was left open')
})

test('a follower cuts a range when the one before is read, and ends with its signal', async () => {
  const topic = topicOf(documentsOf(['a']), documentsOf(['b']))
  const source = sourceOf(topic, { follow: true, pollMs: 1 })
  const stop = new AbortController()
  const found: string[] = []
  const grow = () => {
    for (const [i, partition] of topic.partitions.entries())
      partition.records.push(record(partition.next++, JSON.stringify({ text: `${i}` })))
  }
  for await (const split of source.splits(stop.signal)) {
    found.push(split.name)
    grow()
    // The second partition's first range is never read, and so the last of it.
    if (split.range!.of === 't/0') await readChunks(source, split)
    if (found.length === 5) stop.abort()
  }
  assert.deepEqual(found, ['t/0', 't/1', 't/0@1', 't/0@3', 't/0@4'])
  assert.equal(topic.open, 0, 'a connection was left open')
})

test('a record a look is not a range a look; a backlog is never held back', async () => {
  const topic = topicOf(documentsOf(['a']))
  const [partition] = topic.partitions
  const source = sourceOf(topic, { follow: true, pollMs: 1 })
  const client = clientOf(topic)
  const stop = new AbortController()
  let looks = 0
  const trickling = kafkaSource(
    async () => {
      const inner = await client()
      const describe = async () => {
        if (looks++ === 100) partition.next += rangeRecords
        if (looks === 120) stop.abort()
        partition.next++
        return inner.describe()
      }
      return { ...inner, describe }
    },
    't',
    source.options as unknown as KafkaSourceOptions,
  )
  const ranges: [number, number][] = []
  for await (const split of trickling.splits(stop.signal)) {
    ranges.push([split.range!.first, split.range!.end])
    await readChunks(trickling, split)
  }
  assert.equal(ranges.length, smallRangesMax + 1)
  assert.ok(
    ranges.every(([first], i) => first === (i === 0 ? 0 : ranges[i - 1][1])),
    'ranges leave nothing between them',
  )
  assert.ok(ranges.at(-1)![1] > rangeRecords)
})

test('dead records are read again by their offsets; those that are gone are dead once more', async () => {
  const again = {
    of: 't/0',
    lines: [
      [3, 4],
      [301, 301],
    ],
    request: 'r',
    before: 9,
  } as const
  const split: Split = { name: 't/0', stamp: 'cluster/1', again }
  const topic = topicOf(documentsOf(texts))
  topic.partitions[0].first = 3
  const [lost, ...chunks] = await readChunks(sourceOf(topic), split)
  assert.deepEqual(
    lost.dead.map(({ line, reason }) => [line, reason]),
    [[3, 'not-read-again']],
  )
  assert.equal(Math.min(...topic.fetches), 3)
  assert.deepEqual([chunks[0].line, chunks.at(-1)!.next.line], [4, 302])
  const all = await readChunks(sourceOf(topic, { format: 'arrow' }), split)
  assert.deepEqual(
    all.map(({ dead }) => dead.map(({ line }) => line)),
    [[3, 4, 301]],
  )
})

test('a reader that is left where the signal aborts closes its connection', async () => {
  const topic = conforming()
  const source = sourceOf(topic)
  const stop = new AbortController()
  const [split] = await listSplits(source)
  const reading = source.read(split, { offset: 0, line: 1 }, stop.signal)[Symbol.asyncIterator]()
  await reading.next()
  assert.equal(topic.open, 1)
  stop.abort()
  await new Promise(resolve => setImmediate(resolve))
  assert.equal(topic.open, 0)
})

test('offsets that lines have no number for are refused', async () => {
  const topic = topicOf([record(2 ** 32, '{"text":"a"}')])
  await assert.rejects(readSource(sourceOf(topic)), { code: 'limit', message: /t\/0 has offsets up to 4294967297/ })
})

test('the fingerprint is of what is made of records, not of where they lie', () => {
  const print = (...args: Parameters<typeof kafkaTopic>) => fingerprintSource(kafkaTopic(...args))
  const one = print('kafka://a:1', 'one', { domain: 'site' })
  assert.equal(print('kafka://b:2,c:3', 'two', { domain: 'site', follow: true, pollMs: 5, config: 'secrets' }), one)
  for (const options of [{}, { domain: 'site', format: 'arrow' as const }, { domain: 'site', text: 'body' }])
    assert.notEqual(print('kafka://a:1', 'one', options), one, JSON.stringify(options))
  assert.equal(kafkaTopic('kafka://a:1', 'one').following!().options.follow, true)
})

test('what is wrong is refused before any work, and shows no secret', () => {
  const cases: [unknown[], RegExp][] = [
    [['kafka://u:hunter2@a:1', 't'], /kafka:\/\/HOST:PORT/],
    [['kafka://a:1', 'a b'], /name of a topic, not 'a b'/],
    [['kafka://a:1', 't', { format: 'csv' }], /'format' "csv": give one of json, arrow/],
    [['kafka://a:1', 't', { domian: 'x' }], /kafkaTopic\(\) has no option 'domian'; did you mean 'domain'\?/],
  ]
  for (const [args, message] of cases)
    assert.throws(
      () => kafkaTopic(...(args as Parameters<typeof kafkaTopic>)),
      (error: Error & { code: string }) =>
        error.code === 'bad-option' && message.test(error.message) && !error.message.includes('hunter2'),
    )
  const { options } = kafkaTopic('kafka://a:1', 't', { config: '/etc/hunter2.properties' })
  assert.doesNotMatch(JSON.stringify(options), /hunter2/)
})
