import { hashWord } from './hash-word.ts'
import type { ProbingLayout } from './layout.ts'
import type { NgramSearch } from './search.ts'
import { Word64 } from './word64.ts'

const [keyHigh, keyLow] = [0x7c9ba273, 0x3b63f585]
const [wordHigh, wordLow] = [0xf8574e12, 0x21634907]

/** Hash tables: an n-gram's key is a hash of its words from the last to the first, and keys are taken for the n-grams themselves. */
export class ProbingSearch implements NgramSearch {
  logarithm = 0
  backoff = 0
  isLast = false
  readonly #view: DataView
  readonly #layout: ProbingLayout
  readonly #wordCount: number
  readonly #key = new Word64()
  readonly #part = new Word64()

  constructor(view: DataView, layout: ProbingLayout, counts: readonly number[]) {
    this.#wordCount = counts[0] + 1
    this.#view = view
    this.#layout = layout
  }

  find(bytes: Uint8Array, start: number, end: number): number {
    hashWord(bytes, start, end, this.#key, this.#part)
    const at = this.#probe(this.#layout.words, 12)
    const word = at < 0 ? 0 : this.#view.getUint32(at + 8, true)
    return word < this.#wordCount ? word : 0
  }

  enter(word: number): void {
    const { values, unigrams } = this.#layout
    this.#key.set(0, word)
    this.#read(unigrams + 4 * values * word)
  }

  extend(word: number, words: number): boolean {
    const { values, tables } = this.#layout
    const { high, low } = this.#part.set(0, word + 1).multiply(wordHigh, wordLow)
    this.#key.multiply(keyHigh, keyLow).xor(high, low)
    const isLongest = words === tables.length
    const at = this.#probe(tables[words - 1], isLongest ? 12 : 8 + 4 * values)
    if (at < 0) return false
    if (isLongest) this.logarithm = this.#view.getFloat32(at + 8, true)
    else this.#read(at + 8)
    return true
  }

  /** The sign of a stored logarithm, which is never positive, is a flag: it is off where something longer ends with these words. */
  #read(at: number): void {
    const stored = this.#view.getFloat32(at, true)
    this.isLast = stored < 0 || Object.is(stored, -0)
    this.logarithm = -Math.abs(stored)
    this.backoff = this.#view.getFloat32(at + 4, true)
  }

  /** Where the entry of the key is, or -1. The key 0 marks an empty place. */
  #probe({ start, buckets }: { start: number; buckets: number }, entryBytes: number): number {
    const { high, low } = this.#key
    let place = this.#key.remainder(buckets)
    // A table that is full to the last place would have no end.
    for (let left = buckets; left > 0; left--) {
      const at = start + place * entryBytes
      const [foundLow, foundHigh] = [this.#view.getUint32(at, true), this.#view.getUint32(at + 4, true)]
      if (foundLow === low && foundHigh === high) return at
      if (foundLow === 0 && foundHigh === 0) return -1
      place = place + 1 === buckets ? 0 : place + 1
    }
    return -1
  }
}
