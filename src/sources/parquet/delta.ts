import { BitReader, ByteReader } from './runs.ts'

/**
 * Whole numbers as differences (Parquet format, Encodings.md, "Delta Encoding"): blocks of `perBlock` values, each in parts with a width
 * of their own. `bits` is that of the column's type; sums wrap round there.
 */
export class DeltaReader {
  readonly #reader: ByteReader
  readonly #bits: number
  readonly #perPart: number
  readonly #parts: number
  readonly count: number
  #value: bigint
  #isFirst = true
  #smallest = 0n
  #widths: Uint8Array = new Uint8Array(0)
  #part = 0
  #left = 0
  #packed: BitReader

  constructor(reader: ByteReader, bits: 32 | 64) {
    this.#reader = reader
    this.#bits = bits
    const perBlock = reader.readCount()
    this.#parts = reader.readCount()
    this.#perPart = perBlock / this.#parts
    if (!Number.isInteger(this.#perPart) || this.#perPart === 0 || this.#perPart % 8 !== 0)
      throw new Error(`blocks of ${perBlock} differences in ${this.#parts} parts`)
    this.count = reader.readCount()
    this.#value = readZigzag(reader)
    this.#packed = new BitReader(reader)
  }

  next(): bigint {
    if (this.#isFirst) this.#isFirst = false
    else {
      if (this.#left === 0) this.#beginPart()
      this.#left--
      this.#value = BigInt.asIntN(this.#bits, this.#value + this.#smallest + this.#readDifference())
    }
    return this.#value
  }

  /** Goes past the rest of a part that is only partly used, to where something else follows. */
  finish(): void {
    const width = this.#widths[this.#part - 1] ?? 0
    for (; width > 0 && this.#left > 0; this.#left--) this.#readDifference()
  }

  #beginPart(): void {
    if (this.#part === this.#widths.length) {
      this.#smallest = readZigzag(this.#reader)
      this.#widths = this.#reader.take(this.#parts)
      this.#part = 0
    }
    const width = this.#widths[this.#part]
    if (width > 64) throw new Error(`differences of ${width} bits`)
    this.#part++
    this.#left = this.#perPart
    this.#packed = new BitReader(this.#reader)
  }

  #readDifference(): bigint {
    const width = this.#widths[this.#part - 1]
    if (width === 0) return 0n
    const low = BigInt(this.#packed.read(Math.min(width, 32)))
    return width <= 32 ? low : low | (BigInt(this.#packed.read(width - 32)) << 32n)
  }
}

function readZigzag(reader: ByteReader): bigint {
  const value = reader.readVarint()
  return (value >> 1n) ^ -(value & 1n)
}

/** Lengths of byte arrays; at most `countMax`, as they are kept. */
function readLengths(reader: ByteReader, countMax: number): Int32Array {
  const delta = new DeltaReader(reader, 32)
  if (delta.count > countMax) throw new Error(`${delta.count} lengths for ${countMax} values`)
  const lengths = new Int32Array(delta.count)
  for (let i = 0; i < lengths.length; i++) lengths[i] = Number(delta.next())
  if (lengths.length > 0) delta.finish()
  return lengths
}

/** Byte arrays behind all their lengths. */
export function deltaLengthArrays(bytes: Uint8Array, countMax: number): () => Uint8Array {
  const reader = new ByteReader(bytes)
  const lengths = readLengths(reader, countMax)
  let next = 0
  return () => reader.take(lengths[next++])
}

/** Byte arrays that each begin as the one before them. */
export function deltaArrays(bytes: Uint8Array, countMax: number): () => Uint8Array {
  const reader = new ByteReader(bytes)
  const prefixes = readLengths(reader, countMax)
  const suffixes = readLengths(reader, countMax)
  let last = new Uint8Array(0) as Uint8Array
  let next = 0
  return () => {
    const prefix = prefixes[next]
    const suffix = reader.take(suffixes[next++])
    if (!(prefix >= 0 && prefix <= last.length)) throw new Error(`a prefix of ${prefix} bytes of ${last.length}`)
    if (prefix === 0) last = suffix
    else {
      const whole = new Uint8Array(prefix + suffix.length)
      whole.set(last.subarray(0, prefix))
      whole.set(suffix, prefix)
      last = whole
    }
    return last
  }
}
