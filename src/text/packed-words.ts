import { equalsAt } from './bytes.ts'

/** FNV-1a with each byte's sign extended, as fastText has always hashed words and n-grams. Callers feed it byte by byte. */
export const hashBasis = 0x811c9dc5 | 0
export function hashByte(hash: number, byte: number): number {
  return Math.imul(hash ^ ((byte << 24) >> 24), 0x01000193)
}

export function hashWord(word: Uint8Array): number {
  let hash = hashBasis
  for (const byte of word) hash = hashByte(hash, byte)
  return hash
}

/** Words with the numbers from 0 in the order in which they were added: of millions of them the bytes lie one after the other. */
export class PackedWords {
  #bytes = new Uint8Array(1024)
  #ends = new Float64Array(64)
  /** Hash and number + 1 of each; 0 marks an empty place. At least half are empty. */
  #places = new Int32Array(2 * 64)
  length = 0

  /** Returns the word's number, or -1 if it was there before. */
  add(word: Uint8Array): number {
    const hash = hashWord(word)
    if (this.find(hash, word, 0, word.length) >= 0) return -1
    if (2 * (this.length + 1) > this.#places.length / 2) this.#grow()
    const start = this.#ends[this.length]
    if (start + word.length > this.#bytes.length)
      this.#bytes = copyTo(new Uint8Array(2 * this.#bytes.length + word.length), this.#bytes)
    this.#bytes.set(word, start)
    this.#ends[++this.length] = start + word.length
    this.#enter(hash, this.length)
    return this.length - 1
  }

  at(number: number): Uint8Array {
    return this.#bytes.subarray(this.#ends[number], this.#ends[number + 1])
  }

  /** The number of the word `bytes[start, end)`, whose hash is given; -1 for an unknown one. */
  find(hash: number, bytes: Uint8Array, start: number, end: number): number {
    const places = this.#places
    const mask = places.length / 2 - 1
    for (let place = placeOf(hash) & mask; ; place = (place + 1) & mask) {
      const number = places[2 * place + 1] - 1
      if (number < 0) return -1
      if (places[2 * place] !== hash) continue
      const from = this.#ends[number]
      if (this.#ends[number + 1] - from === end - start && equalsAt(this.#bytes, from, bytes, start, end)) return number
    }
  }

  #enter(hash: number, value: number): void {
    const mask = this.#places.length / 2 - 1
    let place = placeOf(hash) & mask
    while (this.#places[2 * place + 1] !== 0) place = (place + 1) & mask
    this.#places[2 * place] = hash
    this.#places[2 * place + 1] = value
  }

  #grow(): void {
    const before = this.#places
    this.#places = new Int32Array(2 * before.length)
    this.#ends = copyTo(new Float64Array(2 * this.#ends.length), this.#ends)
    for (let i = 0; i < before.length; i += 2) if (before[i + 1] !== 0) this.#enter(before[i], before[i + 1])
  }
}

/** FNV's low bits repeat those of the last byte. */
const placeOf = (hash: number) => hash ^ (hash >>> 15)

function copyTo<T extends { set(values: T): void }>(target: T, values: T): T {
  target.set(values)
  return target
}
