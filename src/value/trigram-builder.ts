import { assert } from '../errors.ts'
import { type BigramTable, copyTo, findBigram, idRoom } from './bigram-table.ts'
import { type Discounts, discountOf, logOf } from './kneser-ney.ts'

/** Makes trigrams of their counts, which come in the order of keys: those of one bigram after the other. */
export class TrigramBuilder {
  readonly #table: BigramTable
  readonly #discounts: Discounts
  readonly #countMin: number
  readonly #starts: Uint32Array
  readonly #backoffs: Float32Array
  #ids = new Uint16Array(2 ** 16)
  #trigrams = new Float32Array(2 ** 16)
  #length = 0
  /** The bigram whose trigrams are coming, their third ids and counts. */
  #bigram = -1
  #pair = -1
  #groupIds: number[] = []
  #groupCounts: number[] = []

  /** Trigrams that stood less than `countMin` times are left out; what they had goes to the bigram's backoff. */
  constructor(table: BigramTable, discounts: Discounts, countMin: number) {
    this.#table = table
    this.#discounts = discounts
    this.#countMin = countMin
    this.#starts = new Uint32Array(table.ids.length + 1)
    this.#backoffs = new Float32Array(table.ids.length)
  }

  add(key: number, count: number): void {
    const pair = Math.floor(key / idRoom)
    if (pair !== this.#pair) {
      this.#close()
      this.#pair = pair
    }
    this.#groupIds.push(key - pair * idRoom)
    this.#groupCounts.push(count)
  }

  finish() {
    this.#close()
    this.#starts.fill(this.#length, this.#bigram + 1)
    return {
      trigramStarts: this.#starts,
      trigramIds: this.#ids.slice(0, this.#length),
      trigrams: this.#trigrams.slice(0, this.#length),
      bigramBackoffs: this.#backoffs,
    }
  }

  #close(): void {
    if (this.#pair < 0) return
    const first = Math.floor(this.#pair / idRoom)
    const second = this.#pair - first * idRoom
    const bigram = findBigram(this.#table, first, second)
    assert(bigram > this.#bigram, 'trigrams out of order')
    this.#starts.fill(this.#length, this.#bigram + 1, bigram + 1)
    this.#bigram = bigram
    const [sum, left] = this.#sumGroup()
    this.#backoffs[bigram] = logOf(left / sum)
    for (const [i, id] of this.#groupIds.entries()) {
      const count = this.#groupCounts[i]
      if (count < this.#countMin) continue
      const lower = this.#table.probabilities[findBigram(this.#table, second, id)]
      this.#push(id, logOf((count - discountOf(this.#discounts, count) + left * lower) / sum))
    }
    this.#groupIds = []
    this.#groupCounts = []
  }

  /** How often the bigram stood before something, and how much of that is not for the trigrams that are kept. */
  #sumGroup(): [sum: number, left: number] {
    let [sum, left] = [0, 0]
    for (const count of this.#groupCounts) {
      sum += count
      left += count < this.#countMin ? count : discountOf(this.#discounts, count)
    }
    return [sum, left]
  }

  #push(id: number, logarithm: number): void {
    if (this.#length === this.#ids.length) {
      this.#ids = copyTo(new Uint16Array(2 * this.#length), this.#ids)
      this.#trigrams = copyTo(new Float32Array(2 * this.#length), this.#trigrams)
    }
    this.#ids[this.#length] = id
    this.#trigrams[this.#length++] = logarithm
  }
}
