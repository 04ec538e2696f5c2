import { HeadraceError } from '../errors.ts'
import { decodeRecords, type StoredRecord, wrongBatch } from './record-reader.ts'

export type { StoredRecord } from './record-reader.ts'

/**
 * Record batches, format 2, as they lie in a partition:
 *   offset i64, length i32, leader epoch i32, magic i8 = 2, CRC-32C u32 of all that follows, attributes i16, last offset delta i32,
 *   first and last time i64, producer i64, epoch i16, first sequence i32, count i32; then the records, compressed or not. A record:
 *   length, attributes i8, time delta, offset delta, key, value, headers, with lengths and deltas as zigzag varints.
 */
const headBytes = 61
const crcFrom = 21
/** The broker's clock counts, not the producer's: the batch's last time is that of all its records. */
const appendTimeBit = 8
const transactionalBit = 16
const controlBit = 32
const magic = 2

/** What the client lends: its checksum and its compressions. */
export interface Codec {
  crc32c(bytes: Buffer): number
  readonly compression: { readonly bits: number; compress(bytes: Buffer): Buffer } | null
  decompress(bits: number, bytes: Buffer): Buffer
}

export interface RecordValue {
  readonly key?: Uint8Array
  readonly headers: Readonly<Record<string, string>>
  readonly value: Uint8Array
}

export interface Producer {
  readonly id: bigint
  readonly epoch: number
}

/** One batch with its records, as bytes of its own. `timeMs` stands in the records for Kafka's own tools. */
export function encodeBatch(
  records: readonly RecordValue[],
  producer: Producer,
  firstSequence: number,
  timeMs: number,
  codec: Codec,
): Buffer {
  const plain = Buffer.concat([Buffer.alloc(headBytes), ...records.flatMap(recordParts)])
  const batch = codec.compression
    ? Buffer.concat([plain.subarray(0, headBytes), codec.compression.compress(plain.subarray(headBytes))])
    : plain
  writeHead(batch, records.length, producer, firstSequence, BigInt(timeMs), codec.compression?.bits ?? 0)
  batch.writeUInt32BE(codec.crc32c(batch.subarray(crcFrom)), 17)
  return batch
}

/** Bytes that a record adds to a batch, at most; the batch's own head is `batchOverheadBytes`. */
export function recordBytesMax({ key, headers, value }: RecordValue): number {
  let bytes = value.length + (key?.length ?? 0) + 32
  for (const [name, text] of Object.entries(headers)) bytes += 3 * (name.length + text.length) + 10
  return bytes
}
export const batchOverheadBytes = headBytes

function writeHead(batch: Buffer, count: number, producer: Producer, sequence: number, time: bigint, bits: number) {
  batch.writeBigInt64BE(0n, 0)
  batch.writeInt32BE(batch.length - 12, 8)
  batch.writeInt32BE(-1, 12)
  batch.writeInt8(magic, 16)
  batch.writeInt16BE(transactionalBit | bits, 21)
  batch.writeInt32BE(count - 1, 23)
  batch.writeBigInt64BE(time, 27)
  batch.writeBigInt64BE(time, 35)
  batch.writeBigInt64BE(producer.id, 43)
  batch.writeInt16BE(producer.epoch, 51)
  batch.writeInt32BE(sequence, 53)
  batch.writeInt32BE(count, 57)
}

/** A record as what stands before its value, the value, and what follows it: large values are copied once. */
function recordParts({ key, headers, value }: RecordValue, offsetDelta: number): [Buffer, Uint8Array, Buffer] {
  const names = Object.entries(headers)
  const texts = names.flat().map(text => Buffer.from(text))
  const after = Buffer.concat([varint(names.length), ...texts.flatMap(bytes => [varint(bytes.length), bytes])])
  const keyed = [varint(key?.length ?? -1), key ?? Buffer.alloc(0)]
  const before = Buffer.concat([Buffer.alloc(2), varint(offsetDelta), ...keyed, varint(value.length)])
  return [Buffer.concat([varint(before.length + value.length + after.length), before]), value, after]
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = ((value << 1) ^ (value >> 31)) >>> 0
  for (; rest > 127; rest >>>= 7) bytes.push((rest & 127) | 128)
  return Buffer.from([...bytes, rest])
}

export interface Batch {
  readonly firstOffset: bigint
  readonly lastOffset: bigint
  readonly producerId: bigint
  readonly isTransactional: boolean
  readonly isControl: boolean
  /** Decoded when asked. Buffers are views of the response. */
  records(): StoredRecord[]
}

/**
 * The whole batches of a response; the broker may cut the last one short, and never the first. A batch that is not as it was written, by
 * its checksum or by what the checksum does not cover, is `corrupt`. `where` names topic and partition for the message.
 */
export function* decodeBatches(bytes: Buffer, where: string, codec: Codec): Iterable<Batch> {
  let expected = 0n
  for (let at = 0; at < bytes.length; ) {
    const left = bytes.subarray(at)
    const length = left.length < headBytes ? 0 : 12 + left.readInt32BE(8)
    if (left.length < headBytes || length > left.length) {
      if (at > 0) return
      throw damagedBatch(where, left, `is cut short: ${left.length} bytes of it came`)
    }
    if (length < headBytes)
      throw damagedBatch(where, left, `has a length of ${length} bytes, of which its head takes ${headBytes}`)
    const batch = decodeHead(left.subarray(0, length), where, codec)
    if (batch.firstOffset < expected) throw damagedBatch(where, left, `stands behind offset ${expected - 1n}`)
    expected = batch.lastOffset + 1n
    yield batch
    at += length
  }
}

function damagedBatch(where: string, batch: Buffer, what: string): HeadraceError {
  const offset = batch.length < 8 ? 'the offset that was asked for' : `offset ${batch.readBigInt64BE(0)}`
  const advice = 'read it again, and if it stays, restore the partition from a replica'
  return new HeadraceError('corrupt', `${where}: the record batch at ${offset} ${what}; ${advice}`)
}

function decodeHead(batch: Buffer, where: string, codec: Codec): Batch {
  if (batch[16] !== magic && batch[16] < magic)
    throw damagedBatch(
      where,
      batch,
      `has the record format ${batch[16]}, which Kafka left in version 0.11, or is damaged`,
    )
  if (batch[16] !== magic || codec.crc32c(batch.subarray(crcFrom)) !== batch.readUInt32BE(17))
    throw damagedBatch(where, batch, 'has a wrong checksum')
  const [firstOffset, lastDelta] = [batch.readBigInt64BE(0), batch.readInt32BE(23)]
  if (firstOffset < 0n || lastDelta < 0) throw damagedBatch(where, batch, `ends ${lastDelta} behind its start`)
  const attributes = batch.readInt16BE(21)
  const [timeFirst, timeLast] = [27, 35].map(at => Number(batch.readBigInt64BE(at)))
  const takesAppendTime = (attributes & appendTimeBit) !== 0
  const timeOf = (delta: number) => {
    const timeMs = takesAppendTime ? timeLast : timeFirst + delta
    return timeMs < 0 ? null : timeMs
  }
  const head = { where, firstOffset, lastDelta, count: batch.readInt32BE(57), timeOf }
  return {
    firstOffset,
    lastOffset: firstOffset + BigInt(lastDelta),
    producerId: batch.readBigInt64BE(43),
    isTransactional: (attributes & transactionalBit) !== 0,
    isControl: (attributes & controlBit) !== 0,
    records: () => decodeRecords(decompress(batch, attributes & 7, where, codec), head),
  }
}

function decompress(batch: Buffer, bits: number, where: string, codec: Codec): Buffer {
  const body = batch.subarray(headBytes)
  // Of a batch whose records were all compacted away the head stays.
  if (bits === 0 || body.length === 0) return body
  try {
    return codec.decompress(bits, body)
  } catch (error) {
    const offset = batch.readBigInt64BE(0)
    throw wrongBatch(where, offset, `can't be decompressed (${(error as Error).message})`)
  }
}

export interface Aborted {
  readonly producerId: bigint
  readonly firstOffset: bigint
}

/** The key of a control record is its version and its type: 0 ends a transaction that was aborted. */
const isAbortMarker = (batch: Batch) => batch.records().some(({ key }) => key?.subarray(2, 4).equals(abortType))
const abortType = Buffer.alloc(2)

export interface Committed {
  readonly records: readonly StoredRecord[]
  /** Where to go on: past what was read, past markers and what was aborted. */
  readonly next: bigint
}

/**
 * Committed records from an offset on. `aborted` is the response's list, which comes in order of completion; a producer may be in it more
 * than once.
 */
export function filterCommitted(batches: Iterable<Batch>, aborted: readonly Aborted[], from: bigint): Committed {
  const begins = aborted.toSorted((a, b) => (a.firstOffset < b.firstOffset ? -1 : 1))
  const aborting = new Set<bigint>()
  const records: StoredRecord[] = []
  let next = from
  for (const batch of batches) {
    while (begins.length > 0 && begins[0].firstOffset <= batch.lastOffset) aborting.add(begins.shift()!.producerId)
    if (batch.isControl) {
      if (isAbortMarker(batch)) aborting.delete(batch.producerId)
    } else if (!(batch.isTransactional && aborting.has(batch.producerId)))
      for (const record of batch.records()) if (record.offset >= from) records.push(record)
    if (batch.lastOffset >= next) next = batch.lastOffset + 1n
  }
  return { records, next }
}
