import type { Word64 } from './word64.ts'

const [factorHigh, factorLow] = [0xc6a4a793, 0x5bd1e995]

/** Hashes `bytes[start, end)` into `hash` by MurmurHash64A with the seed 0 (Austin Appleby, public domain), as KenLM does words. `part` is scratch. */
export function hashWord(bytes: Uint8Array, start: number, end: number, hash: Word64, part: Word64): void {
  hash.set(0, end - start).multiply(factorHigh, factorLow)
  let at = start
  for (; at + 8 <= end; at += 8) {
    part.set(fourAt(bytes, at + 4), fourAt(bytes, at)).multiply(factorHigh, factorLow)
    part.xor(0, part.high >>> 15).multiply(factorHigh, factorLow)
    hash.xor(part.high, part.low).multiply(factorHigh, factorLow)
  }
  if (at < end) {
    part.set(0, 0)
    for (let i = end - 1; i >= at; i--) part.set((part.high << 8) | (part.low >>> 24), (part.low << 8) | bytes[i])
    hash.xor(part.high, part.low).multiply(factorHigh, factorLow)
  }
  hash.xor(0, hash.high >>> 15).multiply(factorHigh, factorLow)
  hash.xor(0, hash.high >>> 15)
}

function fourAt(bytes: Uint8Array, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)
}
