import { isUtf8 } from 'node:buffer'
import { HeadraceError } from '../errors.ts'

export interface StoredRecord {
  readonly offset: bigint
  /** Milliseconds since 1970: when it was made or, where the topic says so, when the broker took it. Null where nobody said. */
  readonly timeMs: number | null
  readonly key: Buffer | null
  /** Empty where it has none. */
  readonly value: Buffer
  /** Whether it has no value, as one that deletes its key in a compacted topic. */
  readonly isTombstone: boolean
  /** In their order; a name may come again. */
  readonly headerList: readonly StoredHeader[]
  /** The same for who knows that they are text under names of their own, as the log's are. */
  readonly headers: Readonly<Record<string, string>>
}
export type StoredHeader = readonly [name: string, value: Buffer | null]

/** What a batch's head says of its records. */
export interface RecordsHead {
  readonly where: string
  readonly firstOffset: bigint
  /** The last offset, counted from the first. */
  readonly lastDelta: number
  readonly count: number
  timeOf(delta: number): number | null
}

/** A batch whose checksum is right and whose records are not: whoever wrote it did so wrongly. */
export function wrongBatch(where: string, firstOffset: bigint, what: string): HeadraceError {
  const advice = 'whoever wrote it did so wrongly: delete it, or begin behind it'
  return new HeadraceError('corrupt', `${where}: the record batch at offset ${firstOffset} ${what}; ${advice}`)
}

/** Bytes of a number at most: of lengths, counts and offsets, which have 32 bits, and of times, which have 64. */
const intBytesMax = 5
const longBytesMax = 10

/**
 * The records of a batch, decompressed (`records.ts` draws them). No number of theirs is trusted: what does not lie in the batch, comes out
 * of order or leaves bytes over is `corrupt`, with topic, partition and the batch's offset.
 */
export function decodeRecords(body: Buffer, head: RecordsHead): StoredRecord[] {
  if (head.count < 0 || head.count > head.lastDelta + 1)
    throw wrongBatch(head.where, head.firstOffset, `has ${head.count} records for ${head.lastDelta + 1} offsets`)
  const reader = new RecordReader(body, head)
  const records: StoredRecord[] = []
  while (records.length < head.count) records.push(reader.read())
  reader.checkEnd()
  return records
}

class RecordReader {
  readonly #body: Buffer
  readonly #head: RecordsHead
  #at = 0
  #lastDelta = -1

  constructor(body: Buffer, head: RecordsHead) {
    this.#body = body
    this.#head = head
  }

  read(): StoredRecord {
    const length = this.#readNumber(intBytesMax)
    const end = this.#at + length
    this.#check(length > 0 && end <= this.#body.length, 'ends within a record')
    this.#at++
    const timeMs = this.#head.timeOf(this.#readNumber(longBytesMax))
    const offset = this.#head.firstOffset + BigInt(this.#readOffset())
    const [key, value] = [this.#readBytes(), this.#readBytes()]
    const headerList = this.#readHeaders()
    this.#check(this.#at === end, 'ends within a record')
    return {
      offset,
      timeMs,
      key,
      value: value ?? Buffer.alloc(0),
      isTombstone: value === null,
      headerList,
      get headers() {
        return Object.fromEntries(headerList.map(([name, text]) => [name, `${text ?? ''}`]))
      },
    }
  }

  checkEnd(): void {
    this.#check(this.#at === this.#body.length, `ends ${this.#body.length - this.#at} bytes behind its last record`)
  }

  /** Offsets rise; where some were compacted away there are gaps. */
  #readOffset(): number {
    const delta = this.#readNumber(intBytesMax)
    this.#check(
      delta > this.#lastDelta && delta <= this.#head.lastDelta,
      'ends within a record, or its offsets do not rise',
    )
    this.#lastDelta = delta
    return delta
  }

  #readHeaders(): StoredHeader[] {
    const count = this.#readNumber(intBytesMax)
    this.#check(count >= 0, 'ends within a record, which has fewer than no headers')
    const headers: StoredHeader[] = []
    while (headers.length < count) headers.push([nameOf(this.#readBytes()), this.#readBytes()])
    return headers
  }

  #readBytes(): Buffer | null {
    const length = this.#readNumber(intBytesMax)
    this.#check(length >= -1, 'ends within a record, whose key, value or header has fewer than no bytes')
    if (length < 0) return null
    this.#check(this.#at + length <= this.#body.length, 'ends within a record')
    return this.#body.subarray(this.#at, (this.#at += length))
  }

  /** A zigzag varint. */
  #readNumber(bytesMax: number): number {
    let value = 0
    for (let i = 0, unit = 1; i < bytesMax; i++, unit *= 128) {
      this.#check(this.#at < this.#body.length, 'ends within a record')
      const byte = this.#body[this.#at++]
      value += (byte & 127) * unit
      if (byte < 128) return value % 2 === 0 ? value / 2 : -(value + 1) / 2
    }
    throw wrongBatch(this.#head.where, this.#head.firstOffset, 'ends within a record, which has a number without end')
  }

  #check(holds: boolean, what: string): void {
    if (!holds) throw wrongBatch(this.#head.where, this.#head.firstOffset, what)
  }
}

/** A name that is no text is kept as what it is. */
function nameOf(name: Buffer | null): string {
  if (name === null) return ''
  return isUtf8(name) ? name.toString() : `base64:${name.toString('base64')}`
}
