import { HeadraceError } from '../../errors.ts'
import { equalsAt } from '../bytes.ts'
import { exponential } from '../exact-math.ts'
import type { FastTextModel } from './model.ts'
import { findBestLabel } from './tree.ts'
import { hashByte, WordTable, wordHashBasis } from './word-table.ts'

/** What a text most likely is. `score` is a float32 in (0, 1.0001]: fastText's smoothing may lift it a little over 1. */
export interface Prediction {
  readonly label: string
  readonly score: number
  /** Words of the text; where there are none, label and score are what the model thinks of nothing. */
  readonly words: number
}

/** Places of rows that wait to be summed, so that the sums stay in registers over many words. */
const pendingMax = 8192
/** Slots that n-grams with a start before the word's would have: they are written and never read. */
const slotsBefore = 9
const slotsMax = pendingMax - slotsBefore - 3
const labelPrefix = new TextEncoder().encode('__label__')
const endOfText = new TextEncoder().encode('</s>')

/**
 * Classifies texts as fastText 0.9.2 does: a text's vector is the mean of the rows of its words and of their character n-grams,
 * summed in float32 in the order of the text, and all that follows is rounded where fastText rounds. So scores are equal to the
 * last bit, but for the one in 1,300 where the C library's `expf` misses the nearest float32. What it remembers of earlier texts
 * (see `WordTable`) is which rows a word has and never a sum, so that a result depends on nothing but the text.
 */
export class FastTextClassifier {
  readonly #model: FastTextModel
  readonly #words = new WordTable()
  readonly #pending = new Int32Array(pendingMax)
  readonly #slots = new Int32Array(pendingMax)
  readonly #sums: Float32Array
  readonly #hidden: Float32Array
  #pendingCount = 0
  #rows = 0

  constructor(model: FastTextModel) {
    this.#model = model
    this.#sums = new Float32Array(model.width)
    this.#hidden = new Float32Array(model.dimensions)
    for (let id = 0; id < model.words.length; id++) this.#fixWord(model.words[id], id)
    this.#words.fix()
  }

  /**
   * The best label of the UTF-8 text `bytes[start, end)`, read as one line: line feeds separate words like the other separators
   * (space, \t, \v, \f, \r, NUL). Like fastText, it skips words that begin with `__label__` and stops at a word `</s>`.
   */
  predict(bytes: Uint8Array, start: number, end: number): Prediction {
    this.#sums.fill(0)
    this.#rows = 0
    let words = 0
    for (let at = start; at < end; ) {
      let byte = bytes[at]
      if (isSeparator(byte)) {
        at++
        continue
      }
      const from = at
      let hash = wordHashBasis
      do {
        hash = hashByte(hash, byte)
        byte = ++at < end ? bytes[at] : 0
      } while (!isSeparator(byte))
      words++
      if (isWord(endOfText, bytes, from, at)) break
      this.#addWord(hash, bytes, from, at)
    }
    // The line's end is a word of its own, with one row.
    this.#addWord(hashWord(endOfText), endOfText, 0, endOfText.length)
    this.#sumPending()
    const { label, logScore } = findBestLabel(this.#model.tree, this.#model.output, this.#average())
    return { label: this.#model.labels[label], score: Math.fround(exponential(logScore)), words }
  }

  #average(): Float32Array {
    const scale = Math.fround(1 / this.#rows)
    for (let i = 0; i < this.#hidden.length; i++) this.#hidden[i] = this.#sums[i] * scale
    return this.#hidden
  }

  #addWord(hash: number, bytes: Uint8Array, start: number, end: number): void {
    const slot = this.#words.find(hash, bytes, start, end)
    if (slot < 0) this.#addUnknown(hash, bytes, start, end)
    else this.#addPlaces(this.#words.placesStart(slot), this.#words.placesEnd(slot))
  }

  #addUnknown(hash: number, bytes: Uint8Array, start: number, end: number): void {
    if (end - start >= labelPrefix.length && equalsAt(bytes, start, labelPrefix, 0, labelPrefix.length)) return
    const count = this.#hashNgrams(bytes, start, end)
    const from = this.#words.reserve(end - start, count)
    if (from < 0) this.#drain(count)
    else {
      const to = packPlaces(this.#slots, count, this.#words.places, from)
      this.#addPlaces(from, to)
      this.#words.add(hash, bytes, start, end, to)
    }
  }

  #addPlaces(from: number, to: number): void {
    if (this.#pendingCount + to - from > pendingMax) this.#sumPending()
    const places = this.#words.places
    const pending = this.#pending
    let at = this.#pendingCount
    while (from < to) pending[at++] = places[from++]
    this.#pendingCount = at
  }

  #sumPending(): void {
    for (let lane = 0; lane < this.#sums.length; lane += 8)
      sumRows(this.#model.input, this.#pending, this.#pendingCount, this.#sums, lane)
    this.#rows += this.#pendingCount
    this.#pendingCount = 0
  }

  /** Moves the first slots to the pending places, and sums these. */
  #drain(count: number): void {
    this.#sumPending()
    this.#pendingCount = packPlaces(this.#slots, count, this.#pending, 0)
  }

  /** A word of the vocabulary has its own row, then its n-grams; the end of text has its own alone. */
  #fixWord(word: Uint8Array, id: number): void {
    const count = isWord(endOfText, word, 0, word.length) ? 0 : this.#hashNgrams(word, 0, word.length)
    const from = this.#words.reserve(word.length, count + 1)
    if (from < 0) throw new HeadraceError('corrupt', `fastText model: a word of ${word.length} bytes`)
    this.#words.places[from] = id * this.#model.width
    const to = packPlaces(this.#slots, count, this.#words.places, from + 1)
    if (!this.#words.add(hashWord(word), word, 0, word.length, to))
      throw new HeadraceError('corrupt', 'fastText model: too many words')
  }

  /**
   * Fills the slots with the places of the n-grams of the word `bytes[start, end)` between `<` and `>`, and returns how many: for
   * each character where one may begin those of 2, 3 and 4 characters, -1 for a pruned or missing one. A word with more than fit
   * has the first ones drained. Hashes of the last 1 to 4 characters go along with the bytes, so that each byte is read once.
   */
  #hashNgrams(bytes: Uint8Array, start: number, end: number): number {
    const slots = this.#slots
    const model = this.#model
    let one = hashNgramByte(wordHashBasis, 0x3c)
    let two = wordHashBasis
    let three = wordHashBasis
    let four = wordHashBasis
    let at = slotsBefore + 3
    let i = start
    // Stray continuation bytes belong to the `<`.
    for (; i < end && (bytes[i] & 0xc0) === 0x80; i++) one = hashNgramByte(one, bytes[i])
    for (; i <= end; at += 3) {
      let byte = i < end ? bytes[i] : 0x3e
      four = three
      three = two
      two = one
      one = wordHashBasis
      do {
        one = hashNgramByte(one, byte)
        two = hashNgramByte(two, byte)
        three = hashNgramByte(three, byte)
        four = hashNgramByte(four, byte)
      } while (++i < end && ((byte = bytes[i]) & 0xc0) === 0x80)
      if (at > slotsMax) {
        this.#drain(at - 2 * slotsBefore)
        slots.copyWithin(slotsBefore, at - slotsBefore, at)
        at = 2 * slotsBefore
      }
      slots[at - 3] = placeOf(model, two)
      slots[at - 5] = placeOf(model, three)
      slots[at - 7] = placeOf(model, four)
    }
    at -= 3
    slots[at - 1] = -1
    slots[at - 2] = -1
    slots[at - 4] = -1
    return at - slotsBefore
  }
}

/** FNV-1a after extending the byte's sign, which fastText keeps for the sake of models trained so. */
function hashNgramByte(hash: number, byte: number): number {
  return hashByte(hash, (byte << 24) >> 24)
}

/** Where the row of an n-gram lies, or -1 if it was pruned; without a branch, as half of them are. */
function placeOf(model: FastTextModel, hash: number): number {
  const { kept } = model
  const bucket = (hash >>> 0) % model.buckets
  const group = (bucket >>> 5) << 1
  const bits = kept[group]
  const bit = bucket & 31
  const row = kept[group + 1] + countBits(bits & ((1 << bit) - 1))
  return (row * model.width) | (((bits >>> bit) & 1) - 1)
}

function countBits(bits: number): number {
  bits -= (bits >>> 1) & 0x55555555
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333)
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}

/** Copies those of the first `count` slots that are places to `out` from `at`, and returns where they end. */
function packPlaces(slots: Int32Array, count: number, out: Int32Array, at: number): number {
  for (let i = slotsBefore; i < slotsBefore + count; i++) {
    const place = slots[i]
    out[at] = place
    at += (place >>> 31) ^ 1
  }
  return at
}

/** Adds to 8 of the sums the rows at the first `count` of `places`, one after the other, rounding to float32 each time. */
function sumRows(input: Float32Array, places: Int32Array, count: number, sums: Float32Array, lane: number): void {
  let a = sums[lane]
  let b = sums[lane + 1]
  let c = sums[lane + 2]
  let d = sums[lane + 3]
  let e = sums[lane + 4]
  let f = sums[lane + 5]
  let g = sums[lane + 6]
  let h = sums[lane + 7]
  for (let k = 0; k < count; k++) {
    const row = places[k] + lane
    a = Math.fround(a + input[row])
    b = Math.fround(b + input[row + 1])
    c = Math.fround(c + input[row + 2])
    d = Math.fround(d + input[row + 3])
    e = Math.fround(e + input[row + 4])
    f = Math.fround(f + input[row + 5])
    g = Math.fround(g + input[row + 6])
    h = Math.fround(h + input[row + 7])
  }
  sums.set([a, b, c, d, e, f, g, h], lane)
}

/** Space, \t, \n, \v, \f, \r and NUL: fastText knows no others, not even the no-break space. */
function isSeparator(byte: number): boolean {
  return byte <= 32 && (byte === 32 || byte === 0 || (byte >= 9 && byte <= 13))
}

function isWord(word: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  return end - start === word.length && equalsAt(word, 0, bytes, start, end)
}

function hashWord(word: Uint8Array): number {
  let hash = wordHashBasis
  for (const byte of word) hash = hashByte(hash, byte)
  return hash
}
