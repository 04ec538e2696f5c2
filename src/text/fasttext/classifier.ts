import { equalsAt } from '../bytes.ts'
import { hashBasis, hashByte, hashWord } from '../packed-words.ts'
import { dot, logOf, lookUpSigmoid, probabilityOf, softmax } from './arithmetic.ts'
import type { FastTextModel } from './model.ts'
import { eachWordNgram, hashNgrams, packPlaces } from './places.ts'
import { RowSum } from './row-sum.ts'
import { buildLabelTree, findBestLabel, type LabelTree, scoreLabels } from './tree.ts'
import { WordTable } from './word-table.ts'

/** What a text most likely is. `score` is a float32 in (0, 1.0001]: fastText's smoothing may lift it a little over 1. */
export interface Prediction {
  readonly label: string
  readonly score: number
  /** Words of the text; where there are none, label and score are what the model thinks of nothing. */
  readonly words: number
}

const slotsMax = 8192
const labelPrefix = new TextEncoder().encode('__label__')
const endOfText = new TextEncoder().encode('</s>')

/**
 * Classifies texts as fastText 0.9.2 does: a text's vector is the mean of the rows of its words, of their character n-grams and of n-grams of
 * words, summed in float32 in fastText's order, and all that follows is rounded where fastText rounds. So scores are equal to the last bit, but
 * for the one in 1,300 where the C library's `expf` misses the nearest float32. What it remembers of earlier texts (see `WordTable`) is
 * which rows a word has and never a sum, so that a result depends on nothing but the text.
 */
export class FastTextClassifier {
  readonly #model: FastTextModel
  readonly #tree: LabelTree | null
  readonly #sum: RowSum
  /** Where words have n-grams of characters. */
  readonly #known: WordTable | null
  readonly #slots = new Int32Array(slotsMax)
  readonly #hidden: Float32Array
  readonly #scores: Float32Array
  /** Of the text's words, where n-grams of words have rows. */
  #hashes = new Int32Array(1024)
  #hashCount = 0

  constructor(model: FastTextModel) {
    this.#model = model
    this.#tree = model.outputKind === 'hierarchical' ? buildLabelTree(model.dictionary.counts) : null
    this.#sum = new RowSum(model.input, model.width)
    this.#known = model.ngramMax > 0 ? new WordTable() : null
    this.#hidden = new Float32Array(model.dimensions)
    this.#scores = new Float32Array(model.dictionary.labels.length)
  }

  /**
   * The best label of the UTF-8 text `bytes[start, end)`, read as one line: line feeds separate words like the other separators
   * (space, \t, \v, \f, \r, NUL). Like fastText, it skips words that begin with `__label__` and stops at a word `</s>`.
   */
  predict(bytes: Uint8Array, start: number, end: number): Prediction {
    const words = this.#read(bytes, start, end)
    const { labels } = this.#model.dictionary
    if (this.#tree) {
      const { label, logScore } = findBestLabel(this.#tree, this.#model.output, this.#hidden)
      return { label: labels[label], score: probabilityOf(logScore), words }
    }
    this.#score()
    const best = this.#scores.reduce((best, score, i) => (score > this.#scores[best] ? i : best), 0)
    return { label: labels[best], score: probabilityOf(this.#scores[best]), words }
  }

  /**
   * Writes to `out` the probability of each label, float32 in (0, 1.0001], in the order of the dictionary's labels. All are NaN for a text of
   * which the model knows no word, n-gram or end of line.
   */
  weigh(bytes: Uint8Array, start: number, end: number, out: Float32Array): void {
    this.#read(bytes, start, end)
    if (this.#sum.rows === 0) out.fill(Number.NaN)
    else {
      this.#score()
      for (let i = 0; i < out.length; i++) out[i] = probabilityOf(this.#scores[i])
    }
  }

  /** Fills `#scores` with the logarithms of the probabilities of all labels. */
  #score(): void {
    const scores = this.#scores
    const { output, outputKind } = this.#model
    if (this.#tree) {
      scoreLabels(this.#tree, output, this.#hidden, scores)
      return
    }
    for (let label = 0; label < scores.length; label++) scores[label] = dot(output, label, this.#hidden)
    if (outputKind === 'softmax') softmax(scores)
    else for (let label = 0; label < scores.length; label++) scores[label] = lookUpSigmoid(scores[label])
    for (let label = 0; label < scores.length; label++) scores[label] = logOf(scores[label])
  }

  /** Fills `#hidden` with the text's vector, and returns how many words it has. */
  #read(bytes: Uint8Array, start: number, end: number): number {
    this.#sum.clear()
    this.#hashCount = 0
    let words = 0
    for (let at = start; at < end; ) {
      let byte = bytes[at]
      if (isSeparator(byte)) {
        at++
        continue
      }
      const from = at
      let hash = hashBasis
      do {
        hash = hashByte(hash, byte)
        byte = ++at < end ? bytes[at] : 0
      } while (!isSeparator(byte))
      words++
      if (isWord(endOfText, bytes, from, at)) break
      this.#addWord(hash, bytes, from, at)
    }
    this.#addEnd()
    if (this.#model.wordNgrams > 1) this.#addWordNgrams()
    this.#sum.average(this.#hidden)
    return words
  }

  #addWord(hash: number, bytes: Uint8Array, start: number, end: number): void {
    const slot = this.#known?.find(hash, bytes, start, end) ?? -1
    if (slot >= 0 && this.#known) {
      this.#sum.addAll(this.#known.places, this.#known.placesStart(slot), this.#known.placesEnd(slot))
      this.#noteHash(hash)
      return
    }
    const { dictionary, width } = this.#model
    const id = dictionary.find(hash, bytes, start, end)
    if (id >= dictionary.words || (id < 0 && isLabel(bytes, start, end))) return
    this.#noteHash(hash)
    if (this.#known) this.#addNgrams(this.#known, hash, bytes, start, end, id)
    else if (id >= 0) this.#sum.add(id * width)
  }

  /** A word's own row where the dictionary has it, then those of its n-grams. */
  #addNgrams(known: WordTable, hash: number, bytes: Uint8Array, start: number, end: number, id: number): void {
    const slots = this.#slots
    let isWhole = true
    const drain = (to: number) => {
      isWhole = false
      this.#sum.addAll(slots, 0, packPlaces(slots, 0, to, slots, 0))
      return 0
    }
    let first = 0
    if (id >= 0) slots[first++] = id * this.#model.width
    const count = hashNgrams(this.#model, bytes, { start, end }, slots, first, drain)
    const from = isWhole ? known.reserve(end - start, count) : -1
    if (from < 0) drain(count)
    else {
      const to = packPlaces(slots, 0, count, known.places, from)
      this.#sum.addAll(known.places, from, to)
      known.add(hash, bytes, start, end, to)
    }
  }

  /** The line's end is a word of its own, with one row. */
  #addEnd(): void {
    const hash = hashWord(endOfText)
    const id = this.#model.dictionary.find(hash, endOfText, 0, endOfText.length)
    if (id >= this.#model.dictionary.words) return
    this.#noteHash(hash)
    if (id >= 0) this.#sum.add(id * this.#model.width)
  }

  #noteHash(hash: number): void {
    if (this.#model.wordNgrams <= 1) return
    if (this.#hashCount === this.#hashes.length) {
      const larger = new Int32Array(2 * this.#hashCount)
      larger.set(this.#hashes)
      this.#hashes = larger
    }
    this.#hashes[this.#hashCount++] = hash
  }

  #addWordNgrams(): void {
    eachWordNgram(this.#model, this.#hashes, this.#hashCount, place => {
      if (place >= 0) this.#sum.add(place)
    })
  }
}

/** Space, \t, \n, \v, \f, \r and NUL: fastText knows no others, not even the no-break space. */
function isSeparator(byte: number): boolean {
  return byte <= 32 && (byte === 32 || byte === 0 || (byte >= 9 && byte <= 13))
}

function isLabel(bytes: Uint8Array, start: number, end: number): boolean {
  return end - start >= labelPrefix.length && equalsAt(bytes, start, labelPrefix, 0, labelPrefix.length)
}

function isWord(word: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  return end - start === word.length && equalsAt(word, 0, bytes, start, end)
}
