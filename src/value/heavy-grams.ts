import { ShingleBuffer } from '../text/likeness/shingles.ts'
import { bucketOf, cutWords, hashPair } from '../text/likeness/word-grams.ts'
import { featureBuckets } from '../text/linear/features.ts'
import { outputsOf } from '../text/linear/model.ts'
import type { FittedHead } from './fit.ts'

const bucketsMax = 20

/** Buckets that part the labels most of what was learned from: those whose weight is above 0, and those below, the heaviest first. */
export function findHeavyBuckets({ weights, tilts, head }: FittedHead): { up: number[]; down: number[] } {
  const outputs = outputsOf(head)
  const parted = tilts.map((tilt, bucket) => tilt * weights[bucket * outputs])
  const all = Uint32Array.from({ length: featureBuckets }, (_, bucket) => bucket)
  const order = all.filter(bucket => parted[bucket] > 0).sort((a, b) => parted[b] - parted[a] || a - b)
  const [up, down] = [order.filter(bucket => tilts[bucket] > 0), order.filter(bucket => tilts[bucket] < 0)]
  return { up: [...up.subarray(0, bucketsMax)], down: [...down.subarray(0, bucketsMax)] }
}

/** Letters of a word that is shown. */
const wordLengthMax = 40

/**
 * Finds which words stand behind buckets, by reading texts again: a model knows their hashes alone. Of several in one bucket it names the one
 * that was met most.
 */
export class GramNames {
  readonly #wanted: ReadonlySet<number>
  readonly #counts = new Map<number, Map<string, number>>()
  readonly #words = new ShingleBuffer()

  constructor(wanted: Iterable<number>) {
    this.#wanted = new Set(wanted)
  }

  read(bytes: Uint8Array): void {
    let [before, beforeHash] = ['', 0]
    for (const [word, hash] of this.#wordsOf(bytes)) {
      this.#count(bucketOf(hash, featureBuckets), word)
      if (before !== '') this.#count(bucketOf(hashPair(beforeHash, hash), featureBuckets), `${before} ${word}`)
      before = word
      beforeHash = hash
    }
  }

  nameOf(bucket: number): string | null {
    const counts = this.#counts.get(bucket)
    if (!counts) return null
    return [...counts].reduce((best, one) => (one[1] > best[1] ? one : best))[0]
  }

  /** Words with their hashes. What is cut otherwise than here is passed over, which costs a name at most. */
  *#wordsOf(bytes: Uint8Array): Generator<[word: string, hash: number]> {
    for (const [run] of new TextDecoder().decode(bytes).matchAll(/[\p{L}\p{M}\p{N}_'’]+/gu)) {
      const word = run.toLowerCase()
      const own = new TextEncoder().encode(word)
      const count = cutWords(own, 0, own.length, this.#words)
      const letters = [...word]
      if (count === 1) yield [word.slice(0, wordLengthMax), this.#words.low[0]]
      else if (count === letters.length)
        for (const [i, hash] of [...this.#words.low.subarray(0, count)].entries()) yield [letters[i], hash]
    }
  }

  #count(bucket: number, gram: string): void {
    if (!this.#wanted.has(bucket)) return
    const counts = this.#counts.get(bucket) ?? new Map<string, number>()
    this.#counts.set(bucket, counts)
    if (counts.has(gram) || counts.size < 100) counts.set(gram, (counts.get(gram) ?? 0) + 1)
  }
}
