import { HeadraceError } from '../errors.ts'
import { endId, type LanguageModel, modelEncoding, startId } from '../text/language-model/model.ts'
import { loadEncoding } from '../text/tokens/bpe.ts'
import { type BigramTable, idRoom, makeBigrams } from './bigram-table.ts'
import { KeyCounts } from './key-counts.ts'
import { CountCounts, type Discounts, logOf } from './kneser-ney.ts'
import { TrigramBuilder } from './trigram-builder.ts'

/** What a model was fitted on and what became of it. */
export interface LanguageModelReport {
  readonly texts: number
  /** Texts without a byte. */
  readonly empty: number
  readonly bytes: number
  readonly tokens: number
  readonly bigrams: number
  /** All that were met; the model has those that stood `trigramCountMin` times, as more would not fit. */
  readonly trigramsMet: number
  readonly trigrams: number
  readonly trigramCountMin: number
  /** For each length of n-grams; of one that texts were too few for, the usual ones. */
  readonly discounts: readonly Discounts[]
}

/**
 * Fits a trigram model by interpolated modified Kneser-Ney smoothing (Chen & Goodman 1998) over the ids of `modelEncoding`, in one pass over the
 * texts and in bounded memory. The same texts give the same model in any order and on any machine.
 */
export class LanguageModelFitter implements Disposable {
  readonly #encoding = loadEncoding(modelEncoding)
  readonly #trigrams: KeyCounts
  readonly #bigrams: KeyCounts
  #ids = new Int32Array(1024)
  #texts = 0
  #empty = 0
  #bytes = 0
  #tokens = 0

  /** `held`: n-grams that are sorted at a time, by default 64 MB of them. */
  constructor(held?: number) {
    this.#trigrams = new KeyCounts(held)
    this.#bigrams = new KeyCounts(held)
  }

  add(text: Uint8Array): void {
    if (text.length === 0) {
      this.#empty++
      return
    }
    if (this.#ids.length <= text.length) this.#ids = new Int32Array(2 * text.length)
    const count = this.#encoding.encode(text, 0, text.length, this.#ids, 0)
    this.#ids[count] = endId
    this.#texts++
    this.#bytes += text.length
    this.#tokens += count
    this.#bigrams.add(startId * idRoom + this.#ids[0])
    let pair = startId * idRoom + this.#ids[0]
    for (let i = 1; i <= count; i++) {
      this.#trigrams.add(pair * idRoom + this.#ids[i])
      pair = this.#ids[i - 1] * idRoom + this.#ids[i]
    }
  }

  /** The model, with `trigramsMax` trigrams at most: those that stood most often. Throws `bad-option` without any text. */
  finish(trigramsMax: number): { readonly model: LanguageModel; readonly report: LanguageModelReport } {
    if (this.#texts === 0) throw new HeadraceError('bad-option', 'there is no text to learn from')
    const { discounts, met, countMin } = this.#countTrigrams(trigramsMax)
    const table = makeBigrams(() => this.#bigrams.read())
    const builder = new TrigramBuilder(table, discounts, countMin)
    for (const { keys, counts, length } of this.#trigrams.read())
      for (let i = 0; i < length; i++) builder.add(keys[i], counts[i])
    const { trigramStarts, trigramIds, trigrams, bigramBackoffs } = builder.finish()
    const model = { ...logarithms(table), bigramBackoffs, trigramStarts, trigramIds, trigrams }
    const report = {
      texts: this.#texts,
      empty: this.#empty,
      bytes: this.#bytes,
      tokens: this.#tokens,
      bigrams: table.ids.length,
      trigramsMet: met,
      trigrams: trigrams.length,
      trigramCountMin: countMin,
      discounts: [table.discounts.unigrams, table.discounts.bigrams, discounts],
    }
    return { model, report }
  }

  /** Counts trigrams by their counts, and for each bigram the ids before it: one for each trigram that ends with it. */
  #countTrigrams(trigramsMax: number): {
    readonly discounts: Discounts
    readonly met: number
    readonly countMin: number
  } {
    const countCounts = new CountCounts()
    const byCount = new Float64Array(2 ** 16)
    let met = 0
    for (const { keys, counts, length } of this.#trigrams.read()) {
      met += length
      for (let i = 0; i < length; i++) {
        countCounts.add(counts[i])
        byCount[Math.min(counts[i], byCount.length - 1)]++
        this.#bigrams.add(keys[i] - Math.floor(keys[i] / 2 ** 32) * 2 ** 32)
      }
    }
    let countMin = 1
    for (let left = met; left > trigramsMax && countMin < byCount.length; countMin++) left -= byCount[countMin]
    return { discounts: countCounts.discounts(), met, countMin }
  }

  [Symbol.dispose](): void {
    this.#trigrams[Symbol.dispose]()
    this.#bigrams[Symbol.dispose]()
  }
}

function logarithms({ starts, ids, probabilities, unigrams, unigramBackoffs }: BigramTable) {
  return {
    unigrams: Float32Array.from(unigrams, logOf),
    unigramBackoffs: Float32Array.from(unigramBackoffs, logOf),
    bigramStarts: starts,
    bigramIds: ids,
    bigrams: Float32Array.from(probabilities, logOf),
  }
}
