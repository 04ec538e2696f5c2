import { hashBasis, hashByte, hashWord } from '../packed-words.ts'
import { isSpace } from './arpa-file.ts'
import type { NgramTable } from './ngram-table.ts'

const encoder = new TextEncoder()
/** What KenLM takes for an unknown word where the model has no `<unk>`. */
const unknownLogarithm = -100

/** Scores texts as KenLM 0.3.0 does: words are what stands between spaces, and each line is a sentence. */
export class ArpaScorer {
  /** Of the last text: the sum of all logarithms of base 10; its words; those that the model does not know; its lines. */
  logarithm = 0
  words = 0
  unknown = 0
  lines = 0
  readonly #table: NgramTable
  readonly #start: number
  readonly #end: number
  readonly #unknown: number
  /** The n-grams that the words so far end with, by how many words they have, less one; -1 for none. */
  readonly #state: Int32Array

  constructor(table: NgramTable) {
    this.#table = table
    const numberOf = (word: string) => findWord(table, word)
    this.#start = numberOf('<s>')
    this.#end = numberOf('</s>')
    this.#unknown = numberOf('<unk>') >= 0 ? numberOf('<unk>') : numberOf('<UNK>')
    this.#state = new Int32Array(Math.max(1, table.order - 1))
  }

  score(bytes: Uint8Array, start: number, end: number): void {
    this.logarithm = this.words = this.unknown = this.lines = 0
    for (let at = start; at <= end; ) {
      let stop = bytes.indexOf(10, at)
      if (stop < 0 || stop > end) stop = end
      this.#scoreLine(bytes, at, stop)
      at = stop + 1
    }
  }

  #scoreLine(bytes: Uint8Array, start: number, end: number): void {
    this.lines++
    this.#state.fill(-1)
    this.#state[0] = this.#start
    for (let at = start; at < end; ) {
      if (isSpace(bytes[at])) {
        at++
        continue
      }
      const from = at
      let hash = hashBasis
      for (; at < end && !isSpace(bytes[at]); at++) hash = hashByte(hash, bytes[at])
      this.words++
      const word = this.#table.words.find(hash, bytes, from, at)
      // The unknown word's own name in a text is no other.
      if (word < 0 || word === this.#unknown) this.unknown++
      this.#add(word < 0 ? this.#unknown : word)
    }
    this.#add(this.#end)
  }

  /** Adds the logarithm of a word: that of the longest n-gram that it ends, and the backoffs of what is before it and longer than that. */
  #add(word: number): void {
    const { order, logarithms, backoffs } = this.#table
    const state = this.#state
    let [found, backoff, ending] = [word, 0, word]
    for (let before = 1; before < order; before++) {
      const context = state[before - 1]
      state[before - 1] = ending
      ending = context < 0 || word < 0 ? -1 : this.#table.find(context, word)
      if (ending >= 0) {
        found = ending
        backoff = 0
      } else if (context >= 0) backoff += backoffs[context]
    }
    this.logarithm += backoff + (found < 0 ? unknownLogarithm : logarithms[found])
  }
}

function findWord(table: NgramTable, word: string): number {
  const bytes = encoder.encode(word)
  return table.words.find(hashWord(bytes), bytes, 0, bytes.length)
}
