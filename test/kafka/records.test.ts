import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as client from '@platformatic/kafka'
import { type Batch, encodeBatch, filterCommitted, recordBytesMax } from '../../src/kafka/records.ts'
import { createCodec } from '../../src/kafka/requests.ts'
import { codec, decode, foreignBatch, type Header, headersOf, producer, record, write } from './batches.ts'

test("a batch has the bytes of the client's own encoder", () => {
  const records = [
    record('one', { slot: '1', rows: 'zwölf' }),
    record(''),
    { ...record('x'.repeat(200_000)), key: Buffer.from('k') },
    ...Array.from({ length: 100 }, (_, i) => record(`${i}`)),
  ]
  const messages = records.map(({ headers, value, ...rest }) => ({
    topic: 't',
    partition: 0,
    timestamp: 5n,
    key: 'key' in rest ? rest.key : undefined,
    value,
    headers: new Map(Object.entries(headers).map(([name, text]) => [Buffer.from(name), Buffer.from(text)])),
  }))
  const theirs = client.createRecordsBatch(messages as never, {
    producerId: 7n,
    producerEpoch: 3,
    transactionalId: 'id',
    partitionLeaderEpoch: -1,
    sequences: { getWithDefault: () => 42 } as never,
  })
  const ours = encodeBatch(records, producer, 42, 5, codec)
  assert.ok(ours.equals(theirs.buffer))
  const [batch] = decode(ours)
  assert.deepEqual(
    batch.records().map(({ value }) => `${value}`.length),
    records.map(({ value }) => value.length),
  )
  assert.deepEqual(batch.records()[0].headers, { slot: '1', rows: 'zwölf' })
  assert.equal(batch.lastOffset, BigInt(records.length - 1))
  assert.ok(records.every(one => encodeBatch([one], producer, 0, 5, codec).length - 61 <= recordBytesMax(one)))
})

test('every compression comes back', () => {
  for (const name of ['gzip', 'snappy', 'lz4', 'zstd']) {
    const packed = createCodec(client, name)
    const bytes = encodeBatch([record('a'.repeat(10_000)), record('b')], producer, 0, 5, packed)
    assert.ok(bytes.length < 1000, name)
    assert.deepEqual(
      decode(bytes)[0]
        .records()
        .map(({ value }) => value.length),
      [10_000, 1],
      name,
    )
  }
})

test('a damaged bit is an error wherever it is, a batch cut short at the end is none', () => {
  const one = encodeBatch([record('one', { a: 'b' })], producer, 0, 5, codec)
  const two = Buffer.concat([one, write(one, 4, 1)])
  assert.equal(decode(two).length, 2)
  for (let i = 16; i < one.length; i++) {
    const damaged = Buffer.from(two)
    damaged[one.length + i] ^= 4
    assert.throws(
      () => decode(damaged),
      { code: 'corrupt', message: /t\/0: the record batch at offset 1 has/ },
      `byte ${i}`,
    )
  }
  for (let cut = 1; cut <= one.length; cut++) assert.equal(decode(two.subarray(0, two.length - cut)).length, 1)
})

test("a record's time is its producer's, the broker's where the topic says so, or unknown", () => {
  const times = [1_764_000_000_000n, 1_764_000_000_007n, 1_763_999_999_990n]
  const messages = times.map(timestamp => ({ timestamp }))
  const cases: [string, (head: Buffer) => void, (number | null)[]][] = [
    ['as it was made', () => {}, times.map(Number)],
    [
      'as the broker took it',
      head => {
        head.writeInt16BE(head.readInt16BE(21) | 8, 21)
        head.writeBigInt64BE(1_800_000_000_000n, 35)
      },
      Array(3).fill(1_800_000_000_000),
    ],
    ['of nobody', head => head.writeBigInt64BE(-100n, 27), [null, null, null]],
  ]
  for (const [name, change, expected] of cases) {
    const [batch] = decode(foreignBatch(messages, change))
    assert.deepEqual(
      batch.records().map(({ timeMs }) => timeMs),
      expected,
      name,
    )
  }
})

test('headers come back in their order, with names that repeat, bytes that are no text, and none at all', () => {
  const cases: [string, Header[], Record<string, string>][] = [
    ['none', [], {}],
    ['text', [['a', 'ü']], { a: 'ü' }],
    [
      'again',
      [
        ['a', '1'],
        ['b', '2'],
        ['a', '3'],
      ],
      { a: '3', b: '2' },
    ],
    [
      'null and empty',
      [
        ['a', null],
        ['b', ''],
      ],
      { a: '', b: '' },
    ],
    ['bytes', [['a', Uint8Array.of(255, 0)]], { a: '\ufffd\0' }],
    ['a name that objects have', [['__proto__', 'x']], JSON.parse('{"__proto__":"x"}')],
  ]
  for (const [name, list, text] of cases) {
    const [{ headerList, headers, key }] = decode(
      foreignBatch([{ timestamp: 5n, headers: headersOf(list) }]),
    )[0].records()
    const expected = list.map(([header, value]) => [header, value === null ? null : Buffer.from(value)])
    assert.deepEqual([headerList, headers, key], [expected, text, null], name)
  }
})

test('a batch whose records were compacted away is its offsets alone', () => {
  for (const bits of [0, 1, 2, 3, 4]) {
    const empty = Buffer.from(encodeBatch([record('one'), record('two')], producer, 0, 5, codec).subarray(0, 61))
    empty.writeInt32BE(empty.length - 12, 8)
    empty.writeInt16BE(bits, 21)
    empty.writeInt32BE(0, 57)
    empty.writeUInt32BE(codec.crc32c(empty.subarray(21)), 17)
    const committed = filterCommitted(decode(empty), [], 0n)
    assert.deepEqual(committed, { records: [], next: 2n }, `compression ${bits}`)
  }
})

test('a header whose name is no text keeps its bytes', () => {
  const headers = new Map([[Buffer.from([255, 97]), Buffer.from('b')]])
  const [{ headerList }] = decode(foreignBatch([{ timestamp: 5n, headers }]))[0].records()
  assert.deepEqual(headerList, [['base64:/2E=', Buffer.from('b')]])
})

/** Offsets, producer and kind: data in a transaction, plain data, the marker of a commit, the marker of an abort. */
type Sketch = readonly [from: number, to: number, producer: number, kind: 'data' | 'plain' | 'commit' | 'abort']
const batch = ([from, to, id, kind]: Sketch): Batch => ({
  firstOffset: BigInt(from),
  lastOffset: BigInt(to),
  producerId: BigInt(id),
  isTransactional: kind !== 'plain',
  isControl: kind === 'commit' || kind === 'abort',
  records: () =>
    Array.from({ length: to - from + 1 }, (_, i) => ({
      ...{
        offset: BigInt(from + i),
        timeMs: null,
        value: Buffer.alloc(0),
        isTombstone: true,
        headerList: [],
        headers: {},
      },
      key: Buffer.from([0, 0, 0, kind === 'commit' ? 1 : 0]),
    })),
})

test('what was aborted, markers and gaps move the position and are not handed out', () => {
  const cases: [string, Sketch[], [number, number][], number, number[], number][] = [
    [
      'committed',
      [
        [0, 1, 1, 'data'],
        [2, 2, 1, 'commit'],
      ],
      [],
      0,
      [0, 1],
      3,
    ],
    [
      'aborted',
      [
        [0, 1, 1, 'data'],
        [2, 2, 1, 'abort'],
      ],
      [[1, 0]],
      0,
      [],
      3,
    ],
    [
      'aborted, then the same producer commits',
      [
        [0, 0, 1, 'data'],
        [1, 1, 1, 'abort'],
        [2, 2, 1, 'data'],
      ],
      [[1, 0]],
      0,
      [2],
      3,
    ],
    [
      'two aborts, listed in order of completion',
      [
        [0, 0, 1, 'data'],
        [1, 1, 2, 'data'],
        [2, 2, 2, 'abort'],
        [3, 3, 1, 'data'],
        [4, 4, 1, 'abort'],
        [5, 5, 2, 'data'],
      ],
      [
        [2, 1],
        [1, 0],
      ],
      0,
      [5],
      6,
    ],
    [
      'one producer aborts twice',
      [
        [0, 0, 1, 'data'],
        [1, 1, 1, 'abort'],
        [2, 2, 1, 'data'],
        [3, 3, 1, 'abort'],
        [4, 4, 1, 'data'],
      ],
      [
        [1, 0],
        [1, 2],
      ],
      0,
      [4],
      5,
    ],
    [
      'plain records of a producer that aborts',
      [
        [0, 0, 1, 'plain'],
        [1, 1, 1, 'data'],
      ],
      [[1, 1]],
      0,
      [0],
      2,
    ],
    [
      'begun before what was asked for',
      [
        [4, 5, 1, 'data'],
        [6, 6, 1, 'abort'],
        [7, 7, 1, 'data'],
      ],
      [[1, 0]],
      5,
      [7],
      8,
    ],
    ['asked for the middle of a batch', [[0, 9, 1, 'data']], [], 7, [7, 8, 9], 10],
    [
      'a gap before and within',
      [
        [5, 5, 1, 'data'],
        [8, 8, 1, 'data'],
      ],
      [],
      2,
      [5, 8],
      9,
    ],
    ['nothing', [], [], 3, [], 3],
  ]
  for (const [name, sketches, aborted, from, offsets, next] of cases) {
    const list = aborted.map(([id, first]) => ({ producerId: BigInt(id), firstOffset: BigInt(first) }))
    const found = filterCommitted(sketches.map(batch), list, BigInt(from))
    assert.deepEqual([found.records.map(({ offset }) => Number(offset)), Number(found.next)], [offsets, next], name)
  }
})
