import { createHash } from 'node:crypto'
import zlib from 'node:zlib'

/** A check over a block's text, as it grows. `finish` gives its bytes as they stand in the file. */
export interface Check {
  update(bytes: Uint8Array): void
  finish(): Buffer
}

/** Bytes of a check by its number, those of kinds that nobody has defined among them. */
export const checkBytes = [0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64]

/** The check of a kind. One that is not known is passed over, as the format asks for. */
export function makeCheck(kind: number): Check | null {
  if (kind === 1) return new Crc32()
  if (kind === 4) return new Crc64()
  if (kind !== 10) return null
  const hash = createHash('sha256')
  return { update: bytes => hash.update(bytes), finish: () => hash.digest() }
}

class Crc32 implements Check {
  #value = 0

  update(bytes: Uint8Array): void {
    this.#value = zlib.crc32(bytes, this.#value)
  }

  finish(): Buffer {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32LE(this.#value)
    return bytes
  }
}

const tableLow = new Int32Array(256)
const tableHigh = new Int32Array(256)
for (let byte = 0; byte < 256; byte++) {
  let [low, high] = [byte, 0]
  for (let bit = 0; bit < 8; bit++) {
    const isOdd = low & 1
    low = (low >>> 1) | (high << 31)
    high >>>= 1
    if (!isOdd) continue
    low ^= 0xd7870f42
    high ^= 0xc96c5795
  }
  tableLow[byte] = low
  tableHigh[byte] = high
}

/** ECMA-182, the lowest bit first. */
class Crc64 implements Check {
  #low = -1
  #high = -1

  update(bytes: Uint8Array): void {
    let [low, high] = [this.#low, this.#high]
    for (let i = 0; i < bytes.length; i++) {
      const index = (low ^ bytes[i]) & 0xff
      low = ((low >>> 8) | (high << 24)) ^ tableLow[index]
      high = (high >>> 8) ^ tableHigh[index]
    }
    this.#low = low
    this.#high = high
  }

  finish(): Buffer {
    const bytes = Buffer.alloc(8)
    bytes.writeInt32LE(~this.#low, 0)
    bytes.writeInt32LE(~this.#high, 4)
    return bytes
  }
}
