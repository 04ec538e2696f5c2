import { HeadraceError } from '../errors.ts'

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

export interface StoredRecord {
  readonly offset: bigint
  /** Milliseconds since 1970: when it was made or, where the topic says so, when the broker took it. Null where nobody said. */
  readonly timeMs: number | null
  readonly key: Buffer | null
  readonly value: Buffer
  /** In their order; a name may come again. */
  readonly headerList: readonly StoredHeader[]
  /** The same for who knows that they are text under names of their own, as the log's are. */
  readonly headers: Readonly<Record<string, string>>
}
export type StoredHeader = readonly [name: string, value: Buffer | null]

/**
 * The whole batches of a response; the broker may cut the last one short. A batch whose checksum is wrong is `corrupt`: it was damaged
 * on its way or on the broker's disk. `where` names topic and partition for the message.
 */
export function* decodeBatches(bytes: Buffer, where: string, codec: Codec): Iterable<Batch> {
  for (let at = 0; at + headBytes <= bytes.length; ) {
    const end = at + 12 + bytes.readInt32BE(at + 8)
    if (end > bytes.length) return
    const batch = bytes.subarray(at, end)
    const firstOffset = batch.readBigInt64BE(0)
    const isWhole = batch.length >= headBytes && batch[16] === magic
    if (!isWhole || codec.crc32c(batch.subarray(crcFrom)) !== batch.readUInt32BE(17))
      throw new HeadraceError(
        'corrupt',
        `${where}: the record batch at offset ${firstOffset} has a wrong checksum; read it again, and if it stays, restore the partition from a replica`,
      )
    yield decodeHead(batch, where, codec)
    at = end
  }
}

function decodeHead(batch: Buffer, where: string, codec: Codec): Batch {
  const firstOffset = batch.readBigInt64BE(0)
  const attributes = batch.readInt16BE(21)
  const [timeFirst, timeLast] = [27, 35].map(at => Number(batch.readBigInt64BE(at)))
  const takesAppendTime = (attributes & appendTimeBit) !== 0
  const timeOf = (delta: number) => {
    const timeMs = takesAppendTime ? timeLast : timeFirst + delta
    return timeMs < 0 ? null : timeMs
  }
  return {
    firstOffset,
    lastOffset: firstOffset + BigInt(batch.readInt32BE(23)),
    producerId: batch.readBigInt64BE(43),
    isTransactional: (attributes & transactionalBit) !== 0,
    isControl: (attributes & controlBit) !== 0,
    records: () => {
      const body = batch.subarray(headBytes)
      const bits = attributes & 7
      const plain = bits === 0 ? body : codec.decompress(bits, body)
      return decodeRecords(plain, { where, count: batch.readInt32BE(57), firstOffset, timeOf })
    },
  }
}

interface Head {
  readonly where: string
  readonly count: number
  readonly firstOffset: bigint
  timeOf(delta: number): number | null
}

function decodeRecords(body: Buffer, { where, count, firstOffset, timeOf }: Head): StoredRecord[] {
  let at = 0
  const checkEnd = (end: number) => {
    if (end <= body.length) return
    const what = `${where}: the record batch at offset ${firstOffset} ends within a record`
    throw new HeadraceError('corrupt', `${what}; whoever wrote it did so wrongly: delete it, or begin behind it`)
  }
  const number = (): number => {
    let value = 0
    for (let shift = 1; ; shift *= 128) {
      checkEnd(at + 1)
      const byte = body[at++]
      value += (byte & 127) * shift
      if (byte < 128) return value % 2 === 0 ? value / 2 : -(value + 1) / 2
    }
  }
  const bytes = (): Buffer | null => {
    const length = number()
    if (length < 0) return null
    checkEnd(at + length)
    return body.subarray(at, (at += length))
  }
  return Array.from({ length: count }, () => {
    number()
    at++
    const timeMs = timeOf(number())
    const offset = firstOffset + BigInt(number())
    const key = bytes()
    const value = bytes() ?? Buffer.alloc(0)
    const headerList: StoredHeader[] = []
    for (let left = number(); left > 0; left--) headerList.push([`${bytes()}`, bytes()])
    return {
      offset,
      timeMs,
      key,
      value,
      headerList,
      get headers() {
        return Object.fromEntries(headerList.map(([name, text]) => [name, `${text ?? ''}`]))
      },
    }
  })
}

export interface Aborted {
  readonly producerId: bigint
  readonly firstOffset: bigint
}

/** The key of a control record is its version and its type: 0 ends a transaction that was aborted. */
const isAbortMarker = (batch: Batch) => batch.records()[0]?.key?.readInt16BE(2) === 0

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
