import { type Encoding, loadEncoding } from '../tokens/bpe.ts'

/** The encoding whose ids are the model's words: any text has ids, so that nothing is unknown, and they fit 16 bits. */
export const modelEncoding = 'gpt2'
/** What ends a text, an id that no text has, and what stands before it. */
export const endId = 50_256
export const startId = 50_257
/** Ids, the start among them; all but that one have a probability. */
export const idCount = startId + 1

/**
 * A trigram model over ids, as a trie of sorted arrays. Logarithms are of base 10 and float32. The bigrams that begin with id a are those from
 * `bigramStarts[a]` to `bigramStarts[a + 1]`, by their second id, and the trigrams that begin with bigram i from `trigramStarts[i]` on, by their
 * third. Where a trigram is not there, its probability is that of the bigram of its last two ids times the backoff of the one of its first two;
 * a bigram's likewise.
 */
export interface LanguageModel {
  readonly unigrams: Float32Array
  readonly unigramBackoffs: Float32Array
  readonly bigramStarts: Uint32Array
  readonly bigramIds: Uint16Array
  readonly bigrams: Float32Array
  readonly bigramBackoffs: Float32Array
  readonly trigramStarts: Uint32Array
  readonly trigramIds: Uint16Array
  readonly trigrams: Float32Array
}

/** Where `id` stands among the rising `ids[from, to)`, or -1. */
export function findId(ids: Uint16Array, from: number, to: number, id: number): number {
  while (to - from > 1) {
    const middle = (from + to) >>> 1
    if (ids[middle] <= id) from = middle
    else to = middle
  }
  return from < to && ids[from] === id ? from : -1
}

/** A part of a text that is looked at by itself, in bytes; the last one of a text has up to half as many more. */
export const windowBytes = 1024
const bitsPerDigit = Math.LOG2E * Math.LN10

/** Measures texts by a model: how many bits they take. All are NaN for an empty text. */
export class LanguageModelScorer {
  /** Of the last text with its end, bits a byte: of all of it, and of the window that takes most. */
  bits = Number.NaN
  worst = Number.NaN
  /** Bits a token, its end one of them: the logarithm of the perplexity. */
  tokenBits = Number.NaN
  readonly #model: LanguageModel
  readonly #encoding: Encoding = loadEncoding(modelEncoding)
  readonly #lengths: Uint8Array
  readonly #bigrams: Searches
  readonly #trigrams: Searches
  #ids = new Int32Array(1024)

  constructor(model: LanguageModel) {
    this.#model = model
    this.#lengths = Uint8Array.from({ length: endId + 1 }, (_, id) =>
      id === endId ? 0 : this.#encoding.decode([id]).length,
    )
    this.#bigrams = new Searches(model.bigramStarts, model.bigramIds)
    this.#trigrams = new Searches(model.trigramStarts, model.trigramIds)
  }

  score(bytes: Uint8Array, start: number, end: number): void {
    if (this.#ids.length <= end - start) this.#ids = new Int32Array(2 * (end - start))
    const count = this.#encoding.encode(bytes, start, end, this.#ids, 0)
    this.#ids[count] = endId
    if (count === 0) this.bits = this.worst = this.tokenBits = Number.NaN
    else this.#scoreIds(count + 1, end - start)
  }

  #scoreIds(count: number, bytes: number): void {
    const ids = this.#ids
    let [sum, windowSum, windowStart, at, worst] = [0, 0, 0, 0, 0]
    let [previous, before] = [startId, -1]
    for (let i = 0; i < count; i++) {
      const id = ids[i]
      const found = this.#bigrams.find(previous, id)
      const digits = -this.#logarithmOf(previous, before, id, found)
      sum += digits
      windowSum += digits
      at += this.#lengths[id]
      const isFull = at - windowStart >= windowBytes && bytes - at > windowBytes / 2
      if (isFull || i === count - 1) {
        worst = Math.max(worst, windowSum / (at - windowStart))
        windowSum = 0
        windowStart = at
      }
      previous = id
      before = found
    }
    this.bits = (sum * bitsPerDigit) / bytes
    this.tokenBits = (sum * bitsPerDigit) / count
    this.worst = worst * bitsPerDigit
  }

  /** Of `id` behind `previous`, where `before` is the bigram that ends with `previous` and `found` the one of both; -1 for none. */
  #logarithmOf(previous: number, before: number, id: number, found: number): number {
    const model = this.#model
    let backoff = 0
    if (before >= 0) {
      const trigram = this.#trigrams.find(before, id)
      if (trigram >= 0) return model.trigrams[trigram]
      backoff = model.bigramBackoffs[before]
    }
    return backoff + (found >= 0 ? model.bigrams[found] : model.unigramBackoffs[previous] + model.unigrams[id])
  }
}

const searchesKept = 2 ** 16

/** Searches for ids below a parent; what was found lately is kept, as most of a text's pairs are the same few, and is never a guess. */
class Searches {
  readonly #starts: Uint32Array
  readonly #ids: Uint16Array
  /** Parent, id and what was found. */
  readonly #kept = new Int32Array(4 * searchesKept).fill(-1)

  constructor(starts: Uint32Array, ids: Uint16Array) {
    this.#starts = starts
    this.#ids = ids
  }

  find(parent: number, id: number): number {
    const kept = this.#kept
    const place = 4 * ((Math.imul(Math.imul(parent, 0x9e3779b1) ^ id, 0x85ebca6b) >>> 16) & (searchesKept - 1))
    if (kept[place] === parent && kept[place + 1] === id) return kept[place + 2]
    const found = findId(this.#ids, this.#starts[parent], this.#starts[parent + 1], id)
    kept[place] = parent
    kept[place + 1] = id
    kept[place + 2] = found
    return found
  }
}
