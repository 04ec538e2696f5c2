import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as client from '@platformatic/kafka'
import {
  type Batch,
  decodeBatches,
  encodeBatch,
  filterCommitted,
  recordBytesMax,
} from '../../../src/log/kafka/records.ts'
import { createCodec } from '../../../src/log/kafka/requests.ts'

const codec = createCodec(client, 'none')
const producer = { id: 7n, epoch: 3 }
const decode = (bytes: Buffer) => [...decodeBatches(bytes, 't/0', codec)]
const record = (text: string, headers: Record<string, string> = {}) => ({ headers, value: Buffer.from(text) })

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
  const two = Buffer.concat([one, one])
  for (let i = 16; i < one.length; i++) {
    const damaged = Buffer.from(two)
    damaged[one.length + i] ^= 4
    assert.throws(
      () => decode(damaged),
      { code: 'corrupt', message: /t\/0: the record batch at offset 0/ },
      `byte ${i}`,
    )
  }
  for (let cut = 1; cut <= one.length; cut++) assert.equal(decode(two.subarray(0, two.length - cut)).length, 1)
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
      offset: BigInt(from + i),
      key: Buffer.from([0, 0, 0, kind === 'commit' ? 1 : 0]),
      value: Buffer.alloc(0),
      headers: {},
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
