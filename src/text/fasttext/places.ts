import { hashBasis, hashByte } from '../packed-words.ts'
import type { FastTextModel } from './model.ts'

/** Where rows of n-grams lie in a model's input, or -1 for those that have none. */

type Buckets = Pick<FastTextModel, 'buckets' | 'width' | 'kept'> & { readonly dictionary: { readonly words: number } }

/** Where the row of a bucket lies, or -1 if it was pruned; without a branch over that, as half of them are. */
export function placeOfBucket(model: Buckets, bucket: number): number {
  const { kept, width } = model
  if (kept === null) return (model.dictionary.words + bucket) * width
  const group = (bucket >>> 5) << 1
  const bits = kept[group]
  const bit = bucket & 31
  const row = kept[group + 1] + countBits(bits & ((1 << bit) - 1))
  return (row * width) | (((bits >>> bit) & 1) - 1)
}

export function placeOfHash(model: Buckets, hash: number): number {
  return placeOfBucket(model, (hash >>> 0) % model.buckets)
}

function countBits(bits: number): number {
  bits -= (bits >>> 1) & 0x55555555
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333)
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}

/** Copies those of the slots from `from` on that are places to `out` from `at`, and returns where they end. */
export function packPlaces(slots: Int32Array, from: number, to: number, out: Int32Array, at: number): number {
  for (let i = from; i < to; i++) {
    const place = slots[i]
    out[at] = place
    at += (place >>> 31) ^ 1
  }
  return at
}

/** fastText's multiplier of the hashes of words, in 64 bits. */
const multiplier = 116049371

/**
 * Calls `take` with the place of each n-gram of 2 to `wordNgrams` words, in fastText's order: the n-grams that begin with the first word, the
 * shortest first, then those with the second. A hash is of 64 bits, each word's 32 bits with their sign extended.
 */
export function eachWordNgram(
  model: Buckets & Pick<FastTextModel, 'wordNgrams'>,
  hashes: Int32Array,
  count: number,
  take: (place: number) => void,
): void {
  const { buckets, wordNgrams } = model
  const [inverse, high32] = [1 / buckets, 2 ** 32 % buckets]
  const remainderOf = (value: number) => {
    const rest = value - Math.floor(value * inverse) * buckets
    return rest < 0 ? rest + buckets : rest >= buckets ? rest - buckets : rest
  }
  for (let i = 0; i < count; i++) {
    let [high, low] = [hashes[i] >> 31, hashes[i]]
    const end = Math.min(count, i + wordNgrams)
    for (let j = i + 1; j < end; j++) {
      const [lowHalf, highHalf] = [(low & 0xffff) * multiplier, (low >>> 16) * multiplier]
      const product = lowHalf + (highHalf & 0xffff) * 65536
      const sum = (product >>> 0) + (hashes[j] >>> 0)
      const carry = Math.floor(product / 2 ** 32) + Math.floor(highHalf / 65536) + (sum >= 2 ** 32 ? 1 : 0)
      high = (Math.imul(high, multiplier) + carry + (hashes[j] >> 31)) | 0
      low = sum | 0
      // Below 2^53, as there are at most 2^26 buckets.
      take(placeOfBucket(model, remainderOf(remainderOf(high >>> 0) * high32 + (low >>> 0))))
    }
  }
}

/**
 * The places of the n-grams of `model.ngramMin` to `ngramMax` characters of the word `bytes[start, end)` between `<` and `>`, to `slots` from
 * `at` on; returns where they end. `drain` empties the slots when they are full, and returns where to go on.
 */
export function hashNgrams(
  model: FastTextModel,
  bytes: Uint8Array,
  { start, end }: { readonly start: number; readonly end: number },
  slots: Int32Array,
  at: number,
  drain: (end: number) => number,
): number {
  const { ngramMin, ngramMax } = model
  for (let from = start - 1; from < end; from++) {
    const isInside = from >= start
    if (isInside && (bytes[from] & 0xc0) === 0x80) continue
    let hash = hashBasis
    let next = from
    for (let n = 1; next <= end && n <= ngramMax; n++) {
      do hash = hashByte(hash, next < start ? 0x3c : next < end ? bytes[next] : 0x3e)
      while (++next < end && next >= start && (bytes[next] & 0xc0) === 0x80)
      // `<` and `>` alone are no n-grams; the latter begins none, as the loop above ends before it.
      if (n < ngramMin || (n === 1 && !isInside)) continue
      if (at === slots.length) at = drain(at)
      slots[at++] = placeOfHash(model, hash)
    }
  }
  return at
}
