import { HeadraceError } from '../../errors.ts'
import { naturalLog } from '../exact-math.ts'
import { isModelName } from '../model-name.ts'
import { ShingleBuffer } from './shingles.ts'
import { bucketOf, cutWords, hashPair } from './word-grams.ts'

/**
 * Likeness to a seed, a set of texts worth having more of, by hashed n-gram importance weights as in DSIR (Xie et al. 2023,
 * arXiv 2302.03169). Words and pairs of words are hashed into buckets; a bucket's weight is the logarithm of how many times more
 * often the seed has it than the background, the text at large from which documents like the seed are to be told apart.
 *
 * Where DSIR has 10,000 buckets and adds 1e-8 to each share, this has 2^20 and smooths the seed's counts towards the background. On manuals
 * of mathematics held out by package, the average precision of 50, 200 and 1,000 pages of another manual as the seed is .65, .69 and .69; with
 * 10,000 buckets and half a count added it was .44, .47 and .45, and 2^20 buckets without the smoothing have .20 at 50.
 */
export const seedBuckets = 2 ** 20
const bucketsMax = 2 ** 22

/**
 * How heavy the background is in the seed's counts, beside what was counted: a word that a small seed happens to lack is so no more than
 * ln(1/3) below the background, however rare it is. 1 and 2 were measured to be worse at 1,000 pages, and better by .006 at 50.
 */
const priorWeight = 0.5

/**
 * n-grams of weight 0 that a text is taken to have besides its own: of a few words nobody knows what they are like. Without it lines of four
 * words are the best and the worst of a corpus: Chinese poems stood above manuals (85 of the first 100, with it 40).
 */
const neutralGrams = 100

/** Words that a seed, and its background, must have: of fewer, chance decides what is like it. */
const wordsMin = 100

export interface SeedOptions {
  /** Names the column `seed:<name>`: 1 to 64 letters, digits or `-`. */
  readonly name: string
  /** Hash buckets, a power of two from 16 to 2^22. Default 2^20. */
  readonly buckets?: number
}

/** The n-grams of one side. Counts, not weights, so that a file holds whole numbers and is the same whichever machine fitted it. */
export interface GramCounts {
  readonly documents: number
  /** n-grams a bucket. */
  readonly counts: Float64Array
}

export interface Seed {
  readonly name: string
  readonly seed: GramCounts
  /** As many buckets. */
  readonly background: GramCounts
}

/** Counts the n-grams of texts, one after another, so that no text need stay in memory. */
export class GramCounter {
  readonly #counts: Float64Array
  readonly #words = new ShingleBuffer()
  #documents = 0
  #wordsInAll = 0

  constructor(buckets = seedBuckets) {
    this.#counts = new Float64Array(buckets)
  }

  /** `bytes[start, end)` is UTF-8. */
  add(bytes: Uint8Array, start = 0, end = bytes.length): void {
    const counts = this.#counts
    const buckets = counts.length
    const words = cutWords(bytes, start, end, this.#words)
    const { low } = this.#words
    for (let i = 0; i < words; i++) {
      counts[bucketOf(low[i], buckets)]++
      if (i > 0) counts[bucketOf(hashPair(low[i - 1], low[i]), buckets)]++
    }
    this.#documents++
    this.#wordsInAll += words
  }

  get words(): number {
    return this.#wordsInAll
  }

  get counted(): GramCounts {
    return { documents: this.#documents, counts: this.#counts }
  }
}

/** Counts the n-grams of seed and background texts (UTF-8). Each is read once, so both may be generators. */
export async function fitSeed(
  seedTexts: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  backgroundTexts: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  { name, buckets = seedBuckets }: SeedOptions,
): Promise<Seed> {
  if (!isModelName(name))
    throw new HeadraceError('bad-option', `seed name '${name}': use 1 to 64 letters, digits or '-'`)
  if (!isBucketCount(buckets))
    throw new HeadraceError(
      'bad-option',
      `seed '${name}': ${buckets} buckets; give a power of two from 16 to ${bucketsMax}`,
    )
  const count = async (side: string, texts: Iterable<Uint8Array> | AsyncIterable<Uint8Array>) => {
    const counter = new GramCounter(buckets)
    for await (const text of texts) counter.add(text)
    if (counter.words >= wordsMin) return counter.counted
    const what = `${counter.words} words in ${counter.counted.documents} ${side} texts`
    throw new HeadraceError('bad-option', `seed '${name}': ${what}; check the path, and give ${wordsMin} words or more`)
  }
  return { name, seed: await count('seed', seedTexts), background: await count('background', backgroundTexts) }
}

export const isBucketCount = (count: number) =>
  Number.isInteger(count) && count >= 16 && count <= bucketsMax && Number.isInteger(Math.log2(count))

/** A weight a bucket: ln(share in the seed, smoothed) - ln(share in the background, half a count added to each bucket). */
export function weighBuckets({ seed, background }: Seed): Float32Array {
  const seedTotal = sumOf(seed.counts)
  const backgroundTotal = sumOf(background.counts) + 0.5 * background.counts.length
  const smoothed = (1 + priorWeight) * seedTotal
  return Float32Array.from(seed.counts, (count, i) => {
    const share = (background.counts[i] + 0.5) / backgroundTotal
    return naturalLog((count + priorWeight * seedTotal * share) / smoothed) - naturalLog(share)
  })
}

const sumOf = (counts: Float64Array) => counts.reduce((sum, count) => sum + count, 0)

/**
 * Mean weight of the n-grams of a text's first `count` words, and of `neutralGrams` without a weight: above 0 where it is more like the
 * seed. NaN without words.
 */
export function scoreWords(weights: Float32Array, words: Uint32Array, count: number): number {
  const buckets = weights.length
  let sum = 0
  for (let i = 0; i < count; i++) {
    sum += weights[bucketOf(words[i], buckets)]
    if (i > 0) sum += weights[bucketOf(hashPair(words[i - 1], words[i]), buckets)]
  }
  return count > 0 ? sum / (2 * count - 1 + neutralGrams) : Number.NaN
}
