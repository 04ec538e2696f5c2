import type { BackoffModel } from '../backoff-model.ts'
import type { KenlmLayout } from './layout.ts'
import { ProbingSearch } from './probing.ts'
import type { NgramSearch } from './search.ts'
import { TrieSearch } from './trie.ts'

/** A binary file of KenLM, all of it in memory, as it is. Gives the float32s that KenLM gives. */
export class BinaryModel implements BackoffModel {
  readonly unknown = 0
  readonly end: number
  readonly #start: number
  readonly #order: number
  readonly #search: NgramSearch
  /** The last words that some n-gram goes on from, the last one first, and the backoffs of the last 1, 2, 3 ... of them. */
  readonly #words: Uint32Array
  readonly #backoffs: Float32Array
  #length = 0
  readonly #found: Float32Array

  constructor(file: Uint8Array, { order, counts, search }: KenlmLayout) {
    const view = new DataView(file.buffer, file.byteOffset, file.length)
    this.#order = order
    this.#search =
      search.kind === 'trie' ? new TrieSearch(view, search, counts) : new ProbingSearch(view, search, counts)
    const numberOf = (word: string) => this.find(Buffer.from(word), 0, word.length)
    this.#start = numberOf('<s>')
    this.end = numberOf('</s>')
    this.#words = new Uint32Array(order)
    this.#backoffs = new Float32Array(order)
    this.#found = new Float32Array(order)
  }

  find(bytes: Uint8Array, start: number, end: number): number {
    return this.#search.find(bytes, start, end)
  }

  begin(): void {
    this.#search.enter(this.#start)
    this.#length = 1
    this.#words[0] = this.#start
    this.#backoffs[0] = this.#search.backoff
  }

  add(word: number): number {
    const [search, words, backoffs, found] = [this.#search, this.#words, this.#backoffs, this.#found]
    search.enter(word)
    found[0] = search.backoff
    let matched = 1
    while (matched <= this.#length && !search.isLast && search.extend(words[matched - 1], matched)) {
      if (matched + 1 < this.#order) found[matched] = search.backoff
      matched++
      if (matched === this.#order) break
    }
    let { logarithm } = search
    for (let i = matched - 1; i < this.#length; i++) logarithm = Math.fround(logarithm + backoffs[i])
    this.#remember(word, Math.min(matched, this.#order - 1))
    return logarithm
  }

  /** Keeps as many words as some n-gram goes on from: of more, neither a backoff nor an n-gram would come. */
  #remember(word: number, matched: number): void {
    let length = matched
    while (length > 0 && Object.is(this.#found[length - 1], -0)) length--
    this.#words.copyWithin(1, 0, length)
    this.#words[0] = word
    this.#backoffs.set(this.#found)
    this.#length = length
  }
}
