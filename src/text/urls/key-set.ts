import { hash64 } from '../hash.ts'

const encoder = new TextEncoder()
/** A path of 8,192 units is of three times as many bytes at most, before and after percent-encoding of what is not ASCII. */
const scratch = new Uint8Array(128 * 1024)
const hashed = new Uint32Array(4)
const [hostSeed, pathSeed] = [0x75726c68, 0x75726c70]

/** A key of 64 bits: the high half and the low one. */
export type Key = readonly [high: number, low: number]

/** The key of all that lies under a domain. */
export function keyOfDomain(domain: string): Key {
  const { written } = encoder.encodeInto(domain, scratch)
  return keyOfDomainBytes(scratch, 0, written)
}

export function keyOfDomainBytes(bytes: Uint8Array, start: number, end: number): Key {
  hash64(bytes, start, end, hostSeed, hashed)
  return [hashed[0], hashed[1]]
}

/** What a path makes of its domain's key by `joinKeys`. */
export function keyOfPath(path: string): Key {
  const { written } = encoder.encodeInto(path, scratch)
  hash64(scratch, 0, written, pathSeed, hashed)
  return [hashed[0], hashed[1]]
}

export function joinKeys(domain: Key, path: Key): Key {
  return [(domain[0] ^ path[0]) >>> 0, (domain[1] ^ path[1]) >>> 0]
}

/**
 * A set of keys, 8 bytes each: two million domains in 16 MB. Names themselves are not kept, so a name that is not in it is taken for one that
 * is with odds of n / 2^64: 1.1e-13 with two million, once in three thousand corpora of a billion URLs with three domains each.
 */
export class KeySet {
  readonly #highs: Uint32Array
  readonly #lows: Uint32Array

  /** `sorted` are different keys that rise. */
  constructor(sorted: BigUint64Array) {
    this.#highs = new Uint32Array(sorted.length)
    this.#lows = new Uint32Array(sorted.length)
    for (let i = 0; i < sorted.length; i++) {
      this.#highs[i] = Number(sorted[i] >> 32n)
      this.#lows[i] = Number(sorted[i] & 0xffffffffn)
    }
  }

  get size(): number {
    return this.#highs.length
  }

  has([high, low]: Key): boolean {
    const [highs, lows] = [this.#highs, this.#lows]
    let [from, to] = [0, highs.length]
    while (from < to) {
      const middle = (from + to) >>> 1
      if (highs[middle] < high || (highs[middle] === high && lows[middle] < low)) from = middle + 1
      else to = middle
    }
    return from < highs.length && highs[from] === high && lows[from] === low
  }
}

/** Collects keys in any order, each as often as it comes. */
export class KeySetBuilder {
  #keys = new BigUint64Array(1024)
  #length = 0

  get length(): number {
    return this.#length
  }

  add([high, low]: Key): void {
    if (this.#length === this.#keys.length) {
      const grown = new BigUint64Array(this.#keys.length * 2)
      grown.set(this.#keys)
      this.#keys = grown
    }
    this.#keys[this.#length++] = (BigInt(high) << 32n) | BigInt(low)
  }

  finish(): KeySet {
    const keys = this.#keys.subarray(0, this.#length).sort()
    let count = 0
    for (let i = 0; i < keys.length; i++) if (i === 0 || keys[i] !== keys[i - 1]) keys[count++] = keys[i]
    return new KeySet(keys.subarray(0, count))
  }
}
