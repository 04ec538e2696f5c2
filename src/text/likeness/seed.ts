import { hash } from 'node:crypto'
import { HeadraceError } from '../../errors.ts'
import { naturalLog } from '../exact-math.ts'
import { mix32 } from '../hash.ts'
import { cutShingles, ShingleBuffer } from './shingles.ts'

/**
 * Likeness to a seed, a set of texts worth having more of, by hashed n-gram importance weights as in DSIR (Xie et al. 2023,
 * arXiv 2302.03169). Words and pairs of words are hashed into buckets; a bucket's weight is the logarithm of how many times more
 * often the seed has it than the background, the text at large from which documents like the seed are to be told apart.
 */

export interface SeedOptions {
  /** Names the column `seed:<name>`: 1 to 64 letters, digits or `-`. */
  readonly name: string
  /** Hash buckets, 16 to 1,000,000. Default 10,000, as DSIR. */
  readonly buckets?: number
}

/** What was counted. Counts, not weights, so that a file holds whole numbers and is the same whichever machine fitted it. */
export interface Seed {
  readonly name: string
  readonly seedDocuments: number
  readonly backgroundDocuments: number
  /** n-grams a bucket; as many buckets in both. */
  readonly seedCounts: readonly number[]
  readonly backgroundCounts: readonly number[]
}

/**
 * Added to each count. DSIR adds 1e-8 to each share instead, which makes a word that a small seed happens to lack as telling as
 * a hundred that it has: with 39 pages of one manual as the seed, a page of other mathematics scored above one of another kind
 * with odds of 0.84, against 0.96 for this. With 200 pages both give 0.99.
 */
const pseudoCount = 0.5

/** Counts the n-grams of seed and background texts (UTF-8). Each is read once, so both may be generators. */
export function fitSeed(
  seedTexts: Iterable<Uint8Array>,
  backgroundTexts: Iterable<Uint8Array>,
  { name, buckets = 10_000 }: SeedOptions,
): Seed {
  if (!/^[A-Za-z0-9-]{1,64}$/.test(name))
    throw new HeadraceError('bad-option', `seed name '${name}': use 1 to 64 letters, digits or '-'`)
  if (!Number.isInteger(buckets) || buckets < 16 || buckets > 1_000_000)
    throw new HeadraceError(
      'bad-option',
      `seed '${name}': ${buckets} buckets; give a whole number from 16 to 1,000,000`,
    )
  const seed = countTexts(seedTexts, buckets)
  const background = countTexts(backgroundTexts, buckets)
  for (const [side, { counts }] of Object.entries({ seed, background }))
    if (counts.every(count => count === 0))
      throw new HeadraceError('bad-option', `seed '${name}': no word in the ${side} texts; check the path`)
  return {
    name,
    seedDocuments: seed.documents,
    backgroundDocuments: background.documents,
    seedCounts: seed.counts,
    backgroundCounts: background.counts,
  }
}

/** A text's words, for `scoreWords`. Returns their number; `words.low` has a hash for each. */
export function cutWords(bytes: Uint8Array, start: number, end: number, words: ShingleBuffer): number {
  return cutShingles(bytes, start, end, { width: 1, punctuation: 'ignore' }, words)
}

function bucketOfPair(first: number, second: number, buckets: number): number {
  return mix32((Math.imul(first, 0x9e3779b1) + second) | 0) % buckets
}

function countTexts(texts: Iterable<Uint8Array>, buckets: number): { documents: number; counts: number[] } {
  const counts = new Array<number>(buckets).fill(0)
  const words = new ShingleBuffer()
  let documents = 0
  for (const text of texts) {
    documents++
    const count = cutWords(text, 0, text.length, words)
    for (let i = 0; i < count; i++) {
      counts[words.low[i] % buckets]++
      if (i > 0) counts[bucketOfPair(words.low[i - 1], words.low[i], buckets)]++
    }
  }
  return { documents, counts }
}

/** A weight a bucket: ln(share in the seed) - ln(share in the background). */
export function weighBuckets({ seedCounts, backgroundCounts }: Seed): Float64Array {
  const seedShares = shareCounts(seedCounts)
  const backgroundShares = shareCounts(backgroundCounts)
  return seedShares.map((share, i) => naturalLog(share) - naturalLog(backgroundShares[i]))
}

function shareCounts(counts: readonly number[]): Float64Array {
  const total = counts.reduce((sum, count) => sum + count, 0) + pseudoCount * counts.length
  return Float64Array.from(counts, count => (count + pseudoCount) / total)
}

/** Mean weight of the n-grams of a text's first `count` words: above 0 where it is more like the seed. NaN without words. */
export function scoreWords(weights: Float64Array, words: Uint32Array, count: number): number {
  const buckets = weights.length
  let sum = 0
  for (let i = 0; i < count; i++) {
    sum += weights[words[i] % buckets]
    if (i > 0) sum += weights[bucketOfPair(words[i - 1], words[i], buckets)]
  }
  return count > 0 ? sum / (2 * count - 1) : Number.NaN
}

/** Part of every file; raised when words or pairs are hashed in another way, as old counts then mean nothing. */
const format = 'headrace-seed/2'

/** The seed as a JSON text of one object: `format`, the members of `Seed`, and `sha256` over the JSON without it. */
export function writeSeed(seed: Seed): string {
  const { name, seedDocuments, backgroundDocuments, seedCounts, backgroundCounts } = seed
  const content = { format, name, seedDocuments, backgroundDocuments, seedCounts, backgroundCounts }
  return `${JSON.stringify({ ...content, sha256: hash('sha256', JSON.stringify(content)) })}\n`
}

/** Reads what `writeSeed` wrote; throws `corrupt` for anything else. `file` is for the message. */
export function readSeed(text: string, file: string): Seed {
  const content = parseObject(text)
  if (content?.format !== format)
    throw new HeadraceError('corrupt', `${file} is no seed of format ${format}; fit it again with 'headrace seed fit'`)
  const seed = content as unknown as Seed
  // The hash covers every member, so what passes it has the shape that `writeSeed` gave it.
  if (
    !Array.isArray(seed.seedCounts) ||
    !Array.isArray(seed.backgroundCounts) ||
    writeSeed(seed).trim() !== text.trim()
  )
    throw new HeadraceError('corrupt', `${file} is damaged: its content does not match its sha256; fit it again`)
  return seed
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null
  } catch {
    return null
  }
}
