import { isUtf8 } from 'node:buffer'
import { limits } from '../../limits.ts'
import { type RawDocument, tooLong } from '../document.ts'
import type { Columns } from '../fields.ts'
import { addRecord, fieldReaders } from '../json-record.ts'
import type { Chunk, DeadRecord, Parsed } from '../source.ts'
import { ArrowRecords, RowBuilder, withLabel } from './arrow-records.ts'

export interface TopicRecord {
  readonly offset: number
  /** When it was written, or null where that is not known. */
  readonly timeMs: number | null
  readonly key: Uint8Array | null
  /** In their order; a name may come again. */
  readonly headers: readonly (readonly [name: string, value: Uint8Array | null])[]
  /** Null for a tombstone: a record without a value, which deletes its key. */
  readonly value: Uint8Array | null
}

export const recordFormats = ['json', 'arrow'] as const
export type RecordFormat = (typeof recordFormats)[number]

/** Before each record in a chunk: offset (f64), bytes of what goes to `meta.kafka` (u32), bytes of the value (u32), little-endian. */
const headBytes = 16
/** What a dead record counts of a chunk, and a tombstone, so that those without end make chunks too. */
const deadBytes = 128
const tombstoneBytes = 16

/** Gathers records into chunks of about a slot. Which records share one depends on where the first begins alone, not on responses. */
export class RecordCutter {
  #first: number
  #bytes = 0
  #parts: Uint8Array[] = []
  #dead: DeadRecord[] = []
  #tombstones = 0
  readonly #isAgain: boolean

  /** `isAgain`: what is read again was dead, and a tombstone among it was too: it stays so. */
  constructor(first: number, isAgain = false) {
    this.#first = first
    this.#isAgain = isAgain
  }

  /** Takes a record; returns the chunk that was open when the record does not fit it. */
  add(record: TopicRecord): Omit<Chunk, 'split'> | null {
    const { offset, value } = record
    if (value === null) return this.#addTombstone(offset)
    const label = Buffer.from(labelOf(record))
    const isTooLong = value.length + label.length > limits.documentBytesMax
    const full = this.#makeRoom(offset, isTooLong ? deadBytes : headBytes + label.length + value.length)
    if (isTooLong) this.#dead.push(atOffset(tooLong(offset + 1, value.length)))
    else this.#parts.push(headOf(offset, label.length, value.length), label, value)
    return full
  }

  #addTombstone(offset: number): Omit<Chunk, 'split'> | null {
    const full = this.#makeRoom(offset, this.#isAgain ? deadBytes : tombstoneBytes)
    const detail = 'it has no value, as one that deletes its key'
    if (this.#isAgain) this.#dead.push(atOffset({ line: offset + 1, reason: 'empty-record', detail }))
    else this.#tombstones++
    return full
  }

  #makeRoom(offset: number, bytes: number): Omit<Chunk, 'split'> | null {
    const full = this.#bytes > 0 && this.#bytes + bytes > limits.slotBytes ? this.cut(offset) : null
    this.#bytes += bytes
    return full
  }

  /** The open chunk, or null when it is empty. The next one begins at the offset `next`. */
  cut(next: number): Omit<Chunk, 'split'> | null {
    if (this.#bytes === 0) return null
    const bytes = new Uint8Array(this.#parts.reduce((sum, part) => sum + part.length, 0))
    let at = 0
    for (const part of this.#parts) {
      bytes.set(part, at)
      at += part.length
    }
    const tombstones = this.#tombstones > 0 ? { tombstones: this.#tombstones } : {}
    const chunk = {
      line: this.#first + 1,
      bytes,
      dead: this.#dead,
      ...tombstones,
      next: { offset: next, line: next + 1 },
    }
    this.#first = next
    this.#bytes = 0
    this.#parts = []
    this.#dead = []
    this.#tombstones = 0
    return chunk
  }
}

function headOf(offset: number, labelBytes: number, valueBytes: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(headBytes))
  view.setFloat64(0, offset, true)
  view.setUint32(8, labelBytes, true)
  view.setUint32(12, valueBytes, true)
  return new Uint8Array(view.buffer)
}

/**
 * What is kept of a record besides its value, as JSON. What is no UTF-8 is in base64 under a name that says so; a header that comes
 * again has a list of its values, and is in base64 when one of them must be, so that their order and kind stay.
 */
function labelOf({ offset, timeMs, key, headers }: TopicRecord): string {
  const keyed = key && (isUtf8(key) ? { key: textOf(key) } : { keyBase64: base64Of(key) })
  const byName = [...Map.groupBy(headers, ([name]) => name)].map(([name, some]) => ({
    name,
    values: some.map(([, value]) => value),
    isText: some.every(([, value]) => !value || isUtf8(value)),
  }))
  const group = (wanted: boolean, show: (value: Uint8Array) => string) => {
    const shown = byName.filter(({ isText }) => isText === wanted)
    const listed = shown.map(({ name, values }) => ({ name, list: values.map(value => value && show(value)) }))
    if (listed.length === 0) return undefined
    return Object.fromEntries(listed.map(({ name, list }) => [name, list.length > 1 ? list : list[0]]))
  }
  const time = timeMs === null ? {} : { timeMs }
  const grouped = { headers: group(true, textOf), headersBase64: group(false, base64Of) }
  return JSON.stringify({ offset, ...time, ...keyed, ...grouped })
}

const textOf = (bytes: Uint8Array) => Buffer.from(bytes).toString()
const base64Of = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64')

/** A parser of chunks: a JSON record is one document, an Arrow one a row each, all with the record's line. */
export function recordParser(format: RecordFormat, options: Columns): (chunk: Chunk) => Parsed {
  const readers = fieldReaders(options)
  return chunk => {
    const builder = new RowBuilder(chunk.split, options, chunk.bytes.length)
    const arrow = new ArrowRecords(builder, chunk.split, options)
    for (const { line, label, value } of framesOf(chunk.bytes)) {
      const sink = {
        add: (_: number, document: RawDocument) =>
          builder.add(line, { ...document, meta: withLabel(`${document.meta}`, label) }),
        refuse: builder.refuse.bind(builder),
      }
      if (value.length === 0) builder.refuse(line, 'empty-record', 'its value is empty')
      else if (format === 'arrow') arrow.add({ line, label, value })
      else addRecord(sink, line, value, readers)
    }
    const { batch, dead } = builder.finish()
    return { batch, dead: dead.map(atOffset) }
  }
}

/** Says the offset, as lines count from 1 and offsets from 0. */
function atOffset({ line, reason, detail }: DeadRecord): DeadRecord {
  return { line, reason, detail: `at offset ${line - 1}: ${detail}` }
}

function* framesOf(chunk: Uint8Array): Generator<{ line: number; label: string; value: Buffer }> {
  const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
  for (let at = 0; at < bytes.length; ) {
    const line = bytes.readDoubleLE(at) + 1
    const labelEnd = at + headBytes + bytes.readUInt32LE(at + 8)
    const end = labelEnd + bytes.readUInt32LE(at + 12)
    yield { line, label: bytes.toString('utf8', at + headBytes, labelEnd), value: bytes.subarray(labelEnd, end) }
    at = end
  }
}
