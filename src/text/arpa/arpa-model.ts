import type { BackoffModel } from '../backoff-model.ts'
import { hashBasis, hashByte, hashWord } from '../packed-words.ts'
import type { NgramTable } from './ngram-table.ts'

const encoder = new TextEncoder()
/** What KenLM takes for an unknown word where the model has no `<unk>`. */
const unknownLogarithm = -100

/** A model that was read from an ARPA file. Unknown words have its `<unk>`'s number, or -1. */
export class ArpaModel implements BackoffModel {
  readonly end: number
  readonly unknown: number
  readonly #table: NgramTable
  readonly #start: number
  /** The n-grams that the words so far end with, by how many words they have, less one; -1 for none. */
  readonly #state: Int32Array

  constructor(table: NgramTable) {
    this.#table = table
    const numberOf = (word: string) => findWord(table, word)
    this.#start = numberOf('<s>')
    this.end = numberOf('</s>')
    this.unknown = numberOf('<unk>') >= 0 ? numberOf('<unk>') : numberOf('<UNK>')
    this.#state = new Int32Array(Math.max(1, table.order - 1))
  }

  find(bytes: Uint8Array, start: number, end: number): number {
    let hash = hashBasis
    for (let at = start; at < end; at++) hash = hashByte(hash, bytes[at])
    const word = this.#table.words.find(hash, bytes, start, end)
    return word < 0 ? this.unknown : word
  }

  begin(): void {
    this.#state.fill(-1)
    this.#state[0] = this.#start
  }

  /** That of the longest n-gram that the word ends, and the backoffs of what is before it and longer than that. */
  add(word: number): number {
    const { order, logarithms, backoffs } = this.#table
    const state = this.#state
    let logarithm = word < 0 ? unknownLogarithm : logarithms[word]
    let ending = word
    for (let before = 1; before < order; before++) {
      const context = state[before - 1]
      state[before - 1] = ending
      ending = context < 0 || word < 0 ? -1 : this.#table.find(context, word)
      if (ending >= 0) logarithm = logarithms[ending]
      else if (context >= 0) logarithm = Math.fround(logarithm + backoffs[context])
    }
    return logarithm
  }
}

function findWord(table: NgramTable, word: string): number {
  const bytes = encoder.encode(word)
  return table.words.find(hashWord(bytes), bytes, 0, bytes.length)
}
