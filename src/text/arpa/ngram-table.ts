import { PackedWords } from '../packed-words.ts'

/**
 * A back-off model over words: n-grams as a trie. An n-gram's number is one for all its words, and is found by the number of what stands before
 * its last word and that word's; single words have their own numbers. Logarithms are of base 10, float32.
 */
export class NgramTable {
  readonly words = new PackedWords()
  /** The longest n-gram's words. */
  readonly order: number
  logarithms = new Float32Array(1024)
  backoffs = new Float32Array(1024)
  length = 0
  /** Parent, word and number + 1 of each n-gram of more than a word; 0 marks an empty place. At least half are empty. */
  #places = new Int32Array(4 * 1024)
  #entered = 0

  constructor(order: number) {
    this.order = order
  }

  /** Returns whether it was new. */
  addWord(word: Uint8Array, logarithm: number, backoff: number): boolean {
    if (this.words.add(word) < 0) return false
    this.#push(logarithm, backoff)
    return true
  }

  add(parent: number, word: number, logarithm: number, backoff: number): boolean {
    if (this.find(parent, word) >= 0) return false
    if (4 * (this.#entered + 1) > this.#places.length / 2) this.#grow()
    this.#push(logarithm, backoff)
    this.#enter(parent, word, this.length)
    this.#entered++
    return true
  }

  /** The number of the n-gram `parent` with `word` behind it, or -1. */
  find(parent: number, word: number): number {
    const places = this.#places
    const mask = places.length / 4 - 1
    for (let place = placeOf(parent, word) & mask; ; place = (place + 1) & mask) {
      const number = places[4 * place + 2] - 1
      if (number < 0 || (places[4 * place] === parent && places[4 * place + 1] === word)) return number
    }
  }

  #push(logarithm: number, backoff: number): void {
    if (this.length === this.logarithms.length) {
      this.logarithms = double(this.logarithms)
      this.backoffs = double(this.backoffs)
    }
    this.logarithms[this.length] = logarithm
    this.backoffs[this.length++] = backoff
  }

  #enter(parent: number, word: number, value: number): void {
    const mask = this.#places.length / 4 - 1
    let place = placeOf(parent, word) & mask
    while (this.#places[4 * place + 2] !== 0) place = (place + 1) & mask
    this.#places.set([parent, word, value], 4 * place)
  }

  #grow(): void {
    const before = this.#places
    this.#places = new Int32Array(2 * before.length)
    for (let i = 0; i < before.length; i += 4)
      if (before[i + 2] !== 0) this.#enter(before[i], before[i + 1], before[i + 2])
  }
}

function placeOf(parent: number, word: number): number {
  const mixed = Math.imul(Math.imul(parent, 0x9e3779b1) ^ word, 0x85ebca6b)
  return mixed ^ (mixed >>> 15)
}

function double(values: Float32Array<ArrayBuffer>): Float32Array<ArrayBuffer> {
  const larger = new Float32Array(2 * values.length)
  larger.set(values)
  return larger
}
