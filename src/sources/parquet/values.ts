import type { ParquetType } from 'hyparquet'
import { DeltaReader, deltaArrays, deltaLengthArrays } from './delta.ts'
import { ByteReader, RunReader } from './runs.ts'

/** A value as it is stored. INT96 is its 12 bytes. */
export type Raw = number | bigint | boolean | Uint8Array

/** Gives the next value of a page. Throws where the page has no more. */
export type Values = () => Raw

/** A column's type: how long a FIXED_LEN_BYTE_ARRAY is stands in `length`. */
export interface Physical {
  readonly type: ParquetType
  readonly length: number
}

/** A column's distinct values. */
export interface Dictionary {
  readonly count: number
  at(index: number): Raw
}

/** What a page's values are made of: its bytes, how many entries it has at most, and the dictionary before it. */
export interface Encoded {
  readonly bytes: Uint8Array
  readonly countMax: number
  readonly dictionary: Dictionary | null
}

const widths: Readonly<Partial<Record<ParquetType, number>>> = { INT32: 4, INT64: 8, INT96: 12, FLOAT: 4, DOUBLE: 8 }

/** The values of a page in `encoding`. */
export function openValues(encoding: string, physical: Physical, encoded: Encoded): Values {
  const { bytes, countMax, dictionary } = encoded
  // What only misses values may have no bytes, whatever the encoding.
  if (bytes.length === 0) return refuseMore
  switch (encoding) {
    case 'PLAIN':
      return openPlain(physical, bytes)
    case 'PLAIN_DICTIONARY':
    case 'RLE_DICTIONARY':
      return openIndexes(bytes, dictionary)
    case 'RLE':
      return openBooleans(physical, bytes)
    case 'DELTA_BINARY_PACKED':
      return openDeltas(physical, bytes)
    case 'DELTA_LENGTH_BYTE_ARRAY':
      checkArrays(physical)
      return deltaLengthArrays(bytes, countMax)
    case 'DELTA_BYTE_ARRAY':
      checkArrays(physical)
      return deltaArrays(bytes, countMax)
    case 'BYTE_STREAM_SPLIT':
      return openSplit(physical, bytes)
    default:
      throw new Error(`the encoding ${encoding} is not supported`)
  }
}

function refuseMore(): never {
  throw new Error('a page ends within its values')
}

function checkArrays({ type }: Physical): void {
  if (type !== 'BYTE_ARRAY' && type !== 'FIXED_LEN_BYTE_ARRAY') throw new Error(`lengths of ${type}`)
}

/** A dictionary of `count` values that stand one behind the other. */
export function openDictionary(physical: Physical, bytes: Uint8Array, count: number): Dictionary {
  if (physical.type === 'BYTE_ARRAY') return openArrays(bytes, count)
  const width = widthOf(physical)
  if (!(count >= 0 && count * width <= bytes.length))
    throw new Error(`a dictionary of ${count} values in ${bytes.length} bytes`)
  const read = fixedReader(physical, bytes)
  return { count, at: index => read(index * width) }
}

/** Byte arrays by their number: where they begin is kept, and no object for each. */
function openArrays(bytes: Uint8Array, count: number): Dictionary {
  if (!(count >= 0 && count * 4 <= bytes.length))
    throw new Error(`a dictionary of ${count} values in ${bytes.length} bytes`)
  const starts = new Uint32Array(count + 1)
  const reader = new ByteReader(bytes)
  for (let i = 0; i < count; i++) {
    reader.take(reader.readUint32())
    starts[i + 1] = reader.at
  }
  return { count, at: index => bytes.subarray(starts[index] + 4, starts[index + 1]) }
}

function openPlain(physical: Physical, bytes: Uint8Array): Values {
  if (physical.type === 'BYTE_ARRAY') {
    const reader = new ByteReader(bytes)
    return () => reader.take(reader.readUint32())
  }
  if (physical.type === 'BOOLEAN') {
    let next = 0
    return () => {
      if (next >= 8 * bytes.length) return refuseMore()
      return ((bytes[next >>> 3] >>> (next++ & 7)) & 1) === 1
    }
  }
  const width = widthOf(physical)
  const read = fixedReader(physical, bytes)
  let at = -width
  return () => {
    at += width
    return read(at)
  }
}

function widthOf({ type, length }: Physical): number {
  const width = type === 'FIXED_LEN_BYTE_ARRAY' ? length : widths[type]
  if (width === undefined || !(width > 0)) throw new Error(`values of ${type} have no fixed length`)
  return width
}

/** Reads the value of a fixed width that begins at a byte. */
function fixedReader({ type, length }: Physical, bytes: Uint8Array): (at: number) => Raw {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const take = (at: number, width: number) => {
    if (at + width > bytes.length) return refuseMore()
    return bytes.subarray(at, at + width)
  }
  switch (type) {
    case 'INT32':
      return at => view.getInt32(at, true)
    case 'INT64':
      return at => view.getBigInt64(at, true)
    case 'FLOAT':
      return at => view.getFloat32(at, true)
    case 'DOUBLE':
      return at => view.getFloat64(at, true)
    case 'INT96':
      return at => take(at, 12)
    default:
      return at => take(at, length)
  }
}

function openIndexes(bytes: Uint8Array, dictionary: Dictionary | null): Values {
  if (!dictionary) throw new Error('indexes without a dictionary')
  const runs = new RunReader(bytes.subarray(1), bytes[0])
  return () => {
    const index = runs.next()
    if (index >= dictionary.count) throw new Error(`value ${index} of a dictionary of ${dictionary.count}`)
    return dictionary.at(index)
  }
}

/** Booleans as runs, behind the runs' length in bytes. */
function openBooleans({ type }: Physical, bytes: Uint8Array): Values {
  if (type !== 'BOOLEAN') throw new Error(`runs of ${type}`)
  const reader = new ByteReader(bytes)
  const runs = new RunReader(reader.take(reader.readUint32()), 1)
  return () => runs.next() === 1
}

function openDeltas({ type }: Physical, bytes: Uint8Array): Values {
  if (type !== 'INT32' && type !== 'INT64') throw new Error(`differences of ${type}`)
  const delta = new DeltaReader(new ByteReader(bytes), type === 'INT32' ? 32 : 64)
  return type === 'INT32' ? () => Number(delta.next()) : () => delta.next()
}

/** The first bytes of all values, then their second bytes, and so on. */
function openSplit(physical: Physical, bytes: Uint8Array): Values {
  const width = widthOf(physical)
  const count = Math.floor(bytes.length / width)
  let next = 0
  return () => {
    if (next >= count) return refuseMore()
    const value = new Uint8Array(width)
    for (let i = 0; i < width; i++) value[i] = bytes[i * count + next]
    next++
    return fixedReader(physical, value)(0)
  }
}
