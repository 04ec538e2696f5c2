import { limits } from '../../limits.ts'
import type { Value } from './convert.ts'
import { formatDecimal, formatUuid } from './convert.ts'
import { ByteReader } from './runs.ts'
import { formatDate, formatTime, formatTimestamp } from './times.ts'

/** Values within values; what JSON and whoever reads it can take. */
const depthMax = 64

/**
 * The value of a VARIANT: a value with its type in its bytes (Parquet format, VariantEncoding.md), or taken apart into columns of its own
 * (VariantShredding.md). `members` are the column's `metadata`, `value` and `typed_value`, those that are there.
 */
export function decodeVariant(members: ReadonlyMap<string, Value>): Value {
  const metadata = members.get('metadata')
  if (!(metadata instanceof Uint8Array)) throw new Error('a VARIANT without metadata')
  return join(members, new Decoder(metadata), 0) ?? null
}

/** Puts together what was taken apart; undefined where nothing is there. */
function join(members: ReadonlyMap<string, Value>, decoder: Decoder, depth: number): Value | undefined {
  if (depth > depthMax) throw new Error(`a VARIANT within ${depthMax} others`)
  const [value, typed] = [members.get('value'), members.get('typed_value')]
  const rest = value instanceof Uint8Array ? decoder.decode(value) : undefined
  if (typed === undefined) return rest
  if (Array.isArray(typed)) return typed.map(item => join(item as Map<string, Value>, decoder, depth + 1) ?? null)
  if (!(typed instanceof Map)) return typed
  const whole = new Map(rest instanceof Map ? rest : [])
  for (const [name, field] of typed) {
    const joined = join(field as Map<string, Value>, decoder, depth + 1)
    if (joined !== undefined) whole.set(name, joined)
  }
  return whole
}

/** Decodes the values of one row. What it gives is bounded, as a value may point at the same bytes again and again. */
class Decoder {
  readonly #names: readonly Uint8Array[]
  #left: number = limits.documentBytesMax

  constructor(metadata: Uint8Array) {
    const reader = new ByteReader(metadata)
    const header = reader.readByte()
    if ((header & 0x0f) !== 1) throw new Error(`a VARIANT of version ${header & 0x0f}`)
    const width = (header >> 6) + 1
    this.#names = readParts(reader, readUnsigned(reader, width), width)
  }

  decode(bytes: Uint8Array): Value {
    return this.#read(new ByteReader(bytes), 0)
  }

  #spend(bytes: number): void {
    this.#left -= bytes
    if (this.#left < 0) throw new Error(`a VARIANT of more than ${limits.documentBytesMax} bytes`)
  }

  #read(reader: ByteReader, depth: number): Value {
    if (depth > depthMax) throw new Error(`a VARIANT within ${depthMax} others`)
    const header = reader.readByte()
    const detail = header >> 2
    this.#spend(1)
    switch (header & 3) {
      case 0:
        return this.#readPrimitive(reader, detail)
      case 1:
        return this.#take(reader, detail)
      case 2:
        return this.#readObject(reader, detail, depth)
      default:
        return this.#readArray(reader, detail, depth)
    }
  }

  #take(reader: ByteReader, length: number): Uint8Array {
    this.#spend(length)
    return reader.take(length)
  }

  #readObject(reader: ByteReader, detail: number, depth: number): Value {
    const count = readUnsigned(reader, detail & 0x10 ? 4 : 1)
    const width = ((detail >> 2) & 3) + 1
    const ids = new ByteReader(reader.take(count * width))
    const members = this.#readItems(reader, count, (detail & 3) + 1, depth)
    return new Map(members.map(member => [this.#nameOf(readUnsigned(ids, width)), member]))
  }

  #readArray(reader: ByteReader, detail: number, depth: number): Value[] {
    return this.#readItems(reader, readUnsigned(reader, detail & 4 ? 4 : 1), (detail & 3) + 1, depth)
  }

  /** Values that begin at offsets, which may be in any order; the last offset is that of their end. */
  #readItems(reader: ByteReader, count: number, width: number, depth: number): Value[] {
    const offsets = new ByteReader(reader.take((count + 1) * width))
    const bytes = reader.bytes.subarray(reader.at)
    const items: Value[] = []
    while (items.length < count) {
      const item = new ByteReader(bytes)
      item.at = readUnsigned(offsets, width)
      items.push(this.#read(item, depth + 1))
    }
    return items
  }

  #nameOf(id: number): string {
    const name = this.#names[id]
    if (!name) throw new Error(`name ${id} of a VARIANT that has ${this.#names.length}`)
    this.#spend(name.length)
    return Buffer.from(name).toString()
  }

  #readPrimitive(reader: ByteReader, type: number): Value {
    if (type === 0) return null
    if (type === 1 || type === 2) return type === 1
    if (type === 15 || type === 16) return this.#take(reader, reader.readUint32())
    const read = primitives[type]
    if (!read) throw new Error(`a VARIANT of type ${type}`)
    const bytes = this.#take(reader, read.bytes)
    return read.value(new DataView(bytes.buffer, bytes.byteOffset, bytes.length))
  }
}

interface Primitive {
  readonly bytes: number
  readonly value: (view: DataView) => Value
}

/** The types of a fixed length, by their number. */
const primitives: Readonly<Record<number, Primitive>> = {
  3: { bytes: 1, value: view => view.getInt8(0) },
  4: { bytes: 2, value: view => view.getInt16(0, true) },
  5: { bytes: 4, value: view => view.getInt32(0, true) },
  6: { bytes: 8, value: view => view.getBigInt64(0, true) },
  7: { bytes: 8, value: view => view.getFloat64(0, true) },
  8: { bytes: 5, value: view => formatDecimal(BigInt(view.getInt32(1, true)), view.getUint8(0)) },
  9: { bytes: 9, value: view => formatDecimal(view.getBigInt64(1, true), view.getUint8(0)) },
  10: { bytes: 17, value: view => formatDecimal(readInt128(view, 1), view.getUint8(0)) },
  11: { bytes: 4, value: view => formatDate(view.getInt32(0, true)) },
  12: { bytes: 8, value: view => formatTimestamp(view.getBigInt64(0, true), 6, true) },
  13: { bytes: 8, value: view => formatTimestamp(view.getBigInt64(0, true), 6, false) },
  14: { bytes: 4, value: view => view.getFloat32(0, true) },
  17: { bytes: 8, value: view => formatTime(view.getBigInt64(0, true), 6) },
  18: { bytes: 8, value: view => formatTimestamp(view.getBigInt64(0, true), 9, true) },
  19: { bytes: 8, value: view => formatTimestamp(view.getBigInt64(0, true), 9, false) },
  20: { bytes: 16, value: view => formatUuid(new Uint8Array(view.buffer, view.byteOffset, 16)) },
}

const readInt128 = (view: DataView, at: number) => (view.getBigInt64(at + 8, true) << 64n) | view.getBigUint64(at, true)

/** A number of 1 to 4 bytes, the lowest first. */
function readUnsigned(reader: ByteReader, width: number): number {
  let value = 0
  for (const [i, byte] of reader.take(width).entries()) value += byte * 2 ** (8 * i)
  return value
}

/** `count` parts behind `count + 1` offsets, which are in order. */
function readParts(reader: ByteReader, count: number, width: number): Uint8Array[] {
  const offsets = new ByteReader(reader.take((count + 1) * width))
  const bytes = reader.bytes.subarray(reader.at)
  const parts: Uint8Array[] = []
  let start = readUnsigned(offsets, width)
  while (parts.length < count) {
    const end = readUnsigned(offsets, width)
    if (!(start <= end && end <= bytes.length)) throw new Error('names of a VARIANT that are not in its metadata')
    parts.push(bytes.subarray(start, end))
    start = end
  }
  return parts
}
