import { mix32 } from '../hash.ts'
import { cutShingles, type ShingleBuffer } from './shingles.ts'

// Words and pairs of words as features: case and punctuation do not count, and a character is a word where a script has no spaces (see
// `shingles.ts`). Files of counts and weights hold what these hashes mean, so a change of them makes another format of each.

/** A text's words. Returns their number; `words.low` has a hash for each. */
export function cutWords(bytes: Uint8Array, start: number, end: number, words: ShingleBuffer): number {
  return cutShingles(bytes, start, end, { width: 1, punctuation: 'ignore' }, words)
}

/** A hash of two words that follow each other. */
export function hashPair(first: number, second: number): number {
  return mix32((Math.imul(first, 0x9e3779b1) + second) | 0)
}

/** `buckets` is a power of two. */
export function bucketOf(hash: number, buckets: number): number {
  return hash & (buckets - 1)
}
