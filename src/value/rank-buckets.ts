/** Buckets of a float's first 20 bits: its sign, its power of two and 11 more, so that scores that differ by 0.05 % are told apart. */
const bucketsMax = 2 ** 20

const float = new Float32Array(1)
const bits = new Uint32Array(float.buffer)

/** Rises with the score. */
function bucketOf(score: number): number {
  // 0 and -0 are one number.
  float[0] = score + 0
  const [word] = bits
  return (word >>> 31 === 1 ? ~word >>> 0 : (word | 0x80000000) >>> 0) >>> 12
}

/**
 * Ranks of scores (float32, none NaN) in 8 MB, however many they are: scores of one bucket have one rank. The order in which they are added makes no
 * difference.
 */
export class RankBuckets {
  readonly #counts = new Float64Array(bucketsMax)
  /** Scores below each bucket; null where some were added since. */
  #below: Float64Array | null = null
  #count = 0

  add(score: number): void {
    this.#counts[bucketOf(score)]++
    this.#count++
    this.#below = null
  }

  get count(): number {
    return this.#count
  }

  /** From 0 to 1: the share of scores below, those of the same bucket counted half. */
  rankOf(score: number): number {
    this.#below ??= this.#sumBelow()
    const bucket = bucketOf(score)
    return (this.#below[bucket] + this.#counts[bucket] / 2) / this.#count
  }

  #sumBelow(): Float64Array {
    const below = new Float64Array(bucketsMax)
    let sum = 0
    for (let bucket = 0; bucket < bucketsMax; bucket++) {
      below[bucket] = sum
      sum += this.#counts[bucket]
    }
    return below
  }
}
