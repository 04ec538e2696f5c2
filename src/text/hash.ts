import { hash } from 'node:crypto'

/**
 * Hashes. None of them depends on the machine, the process or the Node version.
 *
 * `hash64` is the first half of MurmurHash3_x86_128 (Austin Appleby, SMHasher), made for 32-bit multiplication, which is what
 * `Math.imul` gives; two murmur3-32 with other seeds would not do, as inputs that collide under every seed are known for it. It
 * is fast and not safe against an attacker, so it places and samples rows and never decides alone that two texts are equal.
 * `digest128` does decide that.
 */

const encoder = new TextEncoder()

/** Mixes all bits of a uint32 (`lowbias32` of Chris Wellons' hash-prospector): a bijection, so no two inputs collide. */
export function mix32(x: number): number {
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d)
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b)
  return (x ^ (x >>> 16)) >>> 0
}

/** The finalizer of MurmurHash3, the second and independent mixer. */
export function mix32b(x: number): number {
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b)
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35)
  return (x ^ (x >>> 16)) >>> 0
}

/** MurmurHash3_x86_128 of `bytes[start, end)`, as four uint32 into `out` from `at`. */
export function hash128(bytes: Uint8Array, start: number, end: number, seed: number, out: Uint32Array, at = 0): void {
  let a = seed | 0
  let b = a
  let c = a
  let d = a
  let i = start
  for (; i + 16 <= end; i += 16) {
    a = rotate(a ^ scrambleA(word(bytes, i)), 19) + b
    a = (Math.imul(a, 5) + 0x561ccd1b) | 0
    b = rotate(b ^ scrambleB(word(bytes, i + 4)), 17) + c
    b = (Math.imul(b, 5) + 0x0bcaa747) | 0
    c = rotate(c ^ scrambleC(word(bytes, i + 8)), 15) + d
    c = (Math.imul(c, 5) + 0x96cd1c35) | 0
    d = rotate(d ^ scrambleD(word(bytes, i + 12)), 13) + a
    d = (Math.imul(d, 5) + 0x32ac3b17) | 0
  }
  const length = end - start
  a ^= scrambleA(wordBefore(bytes, i, end)) ^ length
  b ^= scrambleB(wordBefore(bytes, i + 4, end)) ^ length
  c ^= scrambleC(wordBefore(bytes, i + 8, end)) ^ length
  d ^= scrambleD(wordBefore(bytes, i + 12, end)) ^ length
  a = (a + b + c + d) | 0
  const mixedB = mix32b(b + a)
  const mixedC = mix32b(c + a)
  const mixedD = mix32b(d + a)
  a = (mix32b(a) + mixedB + mixedC + mixedD) | 0
  out[at] = a
  out[at + 1] = mixedB + a
  out[at + 2] = mixedC + a
  out[at + 3] = mixedD + a
}

const scrambleA = (k: number): number => Math.imul(rotate(Math.imul(k, 0x239b961b), 15), 0xab0e9789)
const scrambleB = (k: number): number => Math.imul(rotate(Math.imul(k, 0xab0e9789), 16), 0x38b34ae5)
const scrambleC = (k: number): number => Math.imul(rotate(Math.imul(k, 0x38b34ae5), 17), 0xa1e38b93)
const scrambleD = (k: number): number => Math.imul(rotate(Math.imul(k, 0xa1e38b93), 18), 0x239b961b)

function rotate(x: number, bits: number): number {
  return (x << bits) | (x >>> (32 - bits))
}

function word(bytes: Uint8Array, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)
}

/** As `word`, with zeros for the bytes from `end` on. */
function wordBefore(bytes: Uint8Array, at: number, end: number): number {
  let value = 0
  for (let i = 0; i < 4 && at + i < end; i++) value |= bytes[at + i] << (8 * i)
  return value
}

const scratch = new Uint32Array(4)

/** A 64-bit hash of `bytes[start, end)`: the high half into `out[at]`, the low half into `out[at + 1]`. */
export function hash64(bytes: Uint8Array, start: number, end: number, seed: number, out: Uint32Array, at = 0): void {
  hash128(bytes, start, end, seed, scratch)
  out[at] = scratch[0]
  out[at + 1] = scratch[1]
}

/**
 * The identity of a byte string: the first 16 bytes of its SHA-256. Among 10^10 different documents some two collide with odds
 * of 10^20 / 2^129 = 1.5e-19, and nobody can make a document that takes another one's place. With SHA instructions it runs at
 * about 1 GB/s, so a weaker hash would save nothing that shows.
 */
export function digest128(bytes: Uint8Array): Uint8Array {
  return hash('sha256', bytes, 'buffer').subarray(0, 16)
}

/**
 * A number in [0, 1), uniform over ids, for sampling: `hashUnit(seed, id) < rate` keeps the same ids in every run, and a higher
 * rate keeps all that a lower one did. Each `seed` (a uint32) and each `copy` (0 for the first) draws anew.
 */
export function hashUnit(seed: number, id: string | Uint8Array, copy = 0): number {
  const bytes = typeof id === 'string' ? encoder.encode(id) : id
  hash128(bytes, 0, bytes.length, mix32(seed) ^ mix32b(copy), scratch)
  return (scratch[0] * 2 ** 21 + (scratch[1] >>> 11)) / 2 ** 53
}
