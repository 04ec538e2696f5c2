import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as client from '@platformatic/kafka'
import type { HeadraceError } from '../../src/errors.ts'
import { decodeBatches, encodeBatch } from '../../src/kafka/records.ts'
import { createCodec } from '../../src/kafka/requests.ts'
import { randomFrom } from '../random.ts'
import { codec, decode, foreignBatch, headersOf, producer, record, write } from './batches.ts'

test('a batch whose checksum is right and whose records are not is refused', () => {
  const messages = [{ timestamp: 5n, headers: headersOf([['a', 'b']]) }]
  const start = /^t\/0: the record batch at offset 0 /
  const cases: [string, (batch: Buffer) => void, RegExp][] = [
    ['more records than there are', batch => batch.writeInt32BE(2, 57), /has 2 records for 1 offsets/],
    ['fewer than no records', batch => batch.writeInt32BE(-1, 57), /has -1 records for 1 offsets/],
    ['fewer records than there are', batch => batch.writeInt32BE(0, 57), /ends \d+ bytes behind its last record/],
    ['a last offset before the first', batch => batch.writeInt32BE(-2, 23), /ends -2 behind its start/],
    ['a record of no bytes', batch => batch.writeUInt8(0, 61), /ends within a record/],
    ['a record that is too short', batch => batch.writeUInt8(4, 61), /ends within a record/],
    ['an offset behind the last', batch => batch.writeUInt8(2, 61 + 3), /offsets do not rise/],
    ['a value that is too long', batch => batch.writeUInt8(126, 61 + 5), /ends within a record/],
    ['a value of -2 bytes', batch => batch.writeUInt8(3, 61 + 5), /fewer than no bytes/],
    ['a length that goes on', batch => batch.fill(255, 61 + 5), /a number without end/],
    ['more headers than there are', batch => batch.writeUInt8(126, 61 + 7), /ends within a record/],
    ['fewer than no headers', batch => batch.writeUInt8(1, 61 + 7), /fewer than no headers/],
    ['a compression that it does not have', batch => batch.writeInt16BE(4, 21), /can't be decompressed/],
    ['a compression that nobody knows', batch => batch.writeInt16BE(7, 21), /can't be decompressed \(.*7\)/],
  ]
  for (const [name, change, message] of cases)
    assert.throws(
      () => decode(foreignBatch(messages, change)).map(batch => batch.records()),
      (error: Error & { code: string }) =>
        error.code === 'corrupt' && start.test(error.message) && message.test(error.message),
      name,
    )
})

test('what the checksum does not cover is damage too, with topic, partition and offset', () => {
  const whole = encodeBatch([record('one'), record('two')], producer, 0, 5, codec)
  const cases: [string, (bytes: Buffer) => Buffer, RegExp][] = [
    ['a negative length', bytes => write(bytes, 8, -5), /at offset 0 has a length of 7 bytes/],
    ['the most negative length', bytes => write(bytes, 8, -(2 ** 31)), /at offset 0 has a length of -\d+ bytes/],
    ['a length that is too small', bytes => write(bytes, 8, 40), /at offset 0 has a length of 52 bytes/],
    [
      'a length that is too large',
      bytes => write(bytes, 8, 2 ** 31 - 1),
      /at offset 0 is cut short: \d+ bytes of it came/,
    ],
    ['a first batch that is cut', bytes => bytes.subarray(0, bytes.length - 1), /at offset 0 is cut short/],
    ['less than a head', bytes => bytes.subarray(0, 20), /at offset 0 is cut short: 20 bytes/],
    ['less than an offset', bytes => bytes.subarray(0, 3), /at the offset that was asked for is cut short: 3 bytes/],
    [
      'the format of Kafka 0.10',
      bytes => Buffer.from(bytes).fill(1, 16, 17),
      /has the record format 1, which Kafka left/,
    ],
    ['offsets that come again', bytes => Buffer.concat([bytes, bytes]), /at offset 0 stands behind offset 1/],
    [
      'a negative length behind',
      bytes => Buffer.concat([bytes, write(write(bytes, 4, 2), 8, -12)]),
      /at offset 2 has a length of 0/,
    ],
  ]
  for (const [name, change, message] of cases)
    assert.throws(
      () => decode(change(whole)),
      (error: Error & { code: string }) =>
        error.code === 'corrupt' &&
        error.message.startsWith('t/0: the record batch at ') &&
        message.test(error.message),
      name,
    )
})

const seed = Number(process.env.HEADRACE_SEED ?? Date.now() % 1_000_000)

test('a batch that makes much of few bytes is refused before it is made', () => {
  for (const name of ['gzip', 'zstd']) {
    const bounded = createCodec(client, name, 1000)
    const batch = encodeBatch([record('a'.repeat(1000))], producer, 0, 5, bounded)
    assert.throws(() => [...decodeBatches(batch, 't/0', bounded)][0].records(), {
      code: 'corrupt',
      message: /^t\/0: the record batch at offset 0 can't be decompressed \(.* 1000 bytes\)/,
    })
  }
})

test(`any bytes are records or corrupt, never another error (HEADRACE_SEED=${seed})`, () => {
  const random = randomFrom(seed)
  const below = (end: number) => Math.floor(random() * end)
  const records = Array.from({ length: 5 }, (_, i) => ({ ...record(`value ${i}`, { a: 'b' }), key: Buffer.from('k') }))
  const wholes = ['none', 'gzip', 'snappy', 'lz4', 'zstd'].map(name =>
    encodeBatch(records, producer, 0, 5, createCodec(client, name)),
  )
  for (let n = 0; n < 4000; n++) {
    const bytes = Buffer.from(wholes[n % 10 < 6 ? 0 : below(wholes.length)])
    for (let i = 0; i <= below(3); i++) bytes[below(bytes.length)] = [0, 1, 127, 128, 255, below(256)][below(6)]
    if (below(3)) bytes.writeUInt32BE(codec.crc32c(bytes.subarray(21)), 17)
    const part = bytes.subarray(0, below(4) ? bytes.length : below(bytes.length))
    try {
      const read = decode(part).flatMap(batch => batch.records())
      for (const { offset, value } of read) assert.ok(offset >= 0n && value.length >= 0)
    } catch (error) {
      assert.equal((error as HeadraceError).code, 'corrupt', `${error}: ${part.toString('hex')}`)
      assert.match((error as HeadraceError).message, /^t\/0: the record batch at /)
    }
  }
})
