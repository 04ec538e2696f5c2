/** A place in bytes that moves on as they are read. */
export class ByteReader {
  readonly bytes: Uint8Array
  at = 0

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  readByte(): number {
    if (this.at >= this.bytes.length) throw new Error('a page ends within a value')
    return this.bytes[this.at++]
  }

  /** The next `length` bytes, which stay where they are. */
  take(length: number): Uint8Array {
    if (!(length >= 0 && this.at + length <= this.bytes.length))
      throw new Error(`${length} bytes where a page has ${this.bytes.length - this.at} left`)
    this.at += length
    return this.bytes.subarray(this.at - length, this.at)
  }

  readUint32(): number {
    const [a, b, c, d] = this.take(4)
    return (a | (b << 8) | (c << 16) | (d << 24)) >>> 0
  }

  /** A whole number of at most 64 bits in groups of 7, the lowest first (ULEB128). */
  readVarint(): bigint {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.readByte()
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return BigInt.asUintN(64, value)
    }
    throw new Error('a number of more than 64 bits')
  }

  /** The same where it must be a count. */
  readCount(): number {
    const value = this.readVarint()
    if (value > 0xffff_ffffn) throw new Error(`a count of ${value}`)
    return Number(value)
  }
}

/** Numbers of a fixed width that are packed without gaps, the lowest bit first. */
export class BitReader {
  readonly #reader: ByteReader
  #byte = 0
  #left = 0

  constructor(reader: ByteReader) {
    this.#reader = reader
  }

  /** `width` is at most 32. */
  read(width: number): number {
    let value = 0
    for (let filled = 0; filled < width; ) {
      if (this.#left === 0) {
        this.#byte = this.#reader.readByte()
        this.#left = 8
      }
      const taken = Math.min(this.#left, width - filled)
      value |= (this.#byte & ((1 << taken) - 1)) << filled
      this.#byte >>>= taken
      this.#left -= taken
      filled += taken
    }
    return value >>> 0
  }
}

/**
 * Levels and dictionary indexes: runs of one value, and runs of packed ones (Parquet format, Encodings.md, "RLE / Bit-Packing Hybrid").
 * A run's values are made as they are asked for, so that a count in it costs nothing.
 */
export class RunReader {
  readonly #reader: ByteReader
  readonly #width: number
  #left = 0
  #value = 0
  #packed: BitReader | null = null

  constructor(bytes: Uint8Array, width: number) {
    if (width > 32) throw new Error(`runs of ${width} bits`)
    this.#reader = new ByteReader(bytes)
    this.#width = width
  }

  next(): number {
    if (this.#width === 0) return 0
    while (this.#left === 0) this.#begin()
    this.#left--
    return this.#packed === null ? this.#value : this.#packed.read(this.#width)
  }

  #begin(): void {
    const header = this.#reader.readCount()
    const isPacked = (header & 1) === 1
    this.#left = (header >>> 1) * (isPacked ? 8 : 1)
    this.#packed = isPacked ? new BitReader(this.#reader) : null
    if (isPacked) return
    this.#value = 0
    for (let shift = 0; shift < this.#width; shift += 8) this.#value |= this.#reader.readByte() << shift
    this.#value >>>= 0
  }
}
