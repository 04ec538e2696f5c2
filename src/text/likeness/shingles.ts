import { lengthOf, pointAt } from '../bytes.ts'
import { mix32 } from '../hash.ts'
import { isInvisible } from '../invisible.ts'
import {
  BASE,
  EXTENDER,
  HALF_WIDTH,
  INVISIBLE,
  letterBeyondBmp,
  letterMin,
  lettersOf,
  type Punctuation,
  plainMark,
  SEPARATOR,
  SINGLE,
  VOICING,
  voiceKana,
  widenSingle,
} from './letters.ts'

/**
 * Shingles (overlapping runs of words) of a text for near-duplicate detection, cut in one pass over its UTF-8 bytes without
 * building the normalised text.
 *
 * White space and control characters separate words. Letters become lower-case (Latin, Greek, Cyrillic, Armenian), full-width and
 * half-width forms what they are forms of, and typographic quotes, dashes, and Chinese commas and full stops their ASCII kin. Digits and
 * accents stay, as pages of numbers and words of many languages differ in nothing else; composed and decomposed accents differ, so
 * NFC comes before. Characters that show nothing are passed over. Punctuation stays on its word, as source code and tables differ by
 * it, or is taken as white space.
 *
 * A text without spaces between words has shingles of characters: a Chinese, Japanese or Korean character is a word by itself, and so is a
 * cluster of letters, a base with the marks on it, in Thai, Lao, Khmer, Burmese, Tibetan and the other scripts of `letters.ts`.
 */

/** A 64-bit hash a word, and then a shingle, reused from text to text: at most one for two bytes of the longest text. */
export class ShingleBuffer {
  low = new Uint32Array(1024)
  high = new Uint32Array(1024)
  /** How many characters of the text show nothing, and were passed over. */
  invisible = 0

  reserve(count: number): void {
    if (this.low.length >= count) return
    const size = Math.max(count, this.low.length * 2)
    this.low = new Uint32Array(size)
    this.high = new Uint32Array(size)
  }
}

/**
 * Writes the hashes of all shingles of `width` words of `bytes[start, end)` to `buffer` and returns their number, repeats included; 0 when
 * the text has fewer words. The two halves of a hash are made by other factors, so that two different shingles are equal in both with odds
 * of about 2^-64: one shingle is all that a title has, and 300,000 of them have 10 pairs that are equal in 32 bits.
 */
export function cutShingles(
  bytes: Uint8Array,
  start: number,
  end: number,
  { width, punctuation }: { readonly width: number; readonly punctuation: Punctuation },
  buffer: ShingleBuffer,
): number {
  buffer.invisible = 0
  buffer.reserve(((end - start) >> 1) + 2)
  const words = hashWords(bytes, start, end, lettersOf[punctuation], buffer)
  return words < width ? 0 : joinWords(buffer, words, width)
}

const lowSeed = 0x2545f491
const highSeed = 0x6a09e667
const lowLetterFactor = 0x01000193
const highLetterFactor = 0x2c1b3c6d

/** One hash a word into `out`; returns the number of words. What begins no character separates words. */
function hashWords(bytes: Uint8Array, start: number, end: number, letters: Uint16Array, out: ShingleBuffer): number {
  const { low: outLow, high: outHigh } = out
  let count = 0
  let low = lowSeed
  let high = highSeed
  let length = 0
  let kana = 0
  for (let i = start; i < end; ) {
    const at = i
    let point = bytes[i++]
    let letter: number
    if (point < 0x80) letter = letters[point]
    else if (point >= 0xe0 && point < 0xf0 && at + 3 <= end) {
      point = ((point & 0x0f) << 12) | ((bytes[at + 1] & 0x3f) << 6) | (bytes[at + 2] & 0x3f)
      i = at + 3
      letter = letters[point]
    } else if (point >= 0xc2 && point < 0xe0 && at + 2 <= end) {
      point = ((point & 0x1f) << 6) | (bytes[at + 1] & 0x3f)
      i = at + 2
      letter = letters[point]
    } else {
      const size = lengthOf(point)
      point = size === 1 || at + size > end ? 0 : pointAt(bytes, at)
      i = at + size
      letter = point < 0x10000 ? letters[point] : letterBeyondBmp(point)
    }
    if (letter >= letterMin) {
      low = Math.imul(low ^ letter, lowLetterFactor) ^ (low >>> 15)
      high = (Math.imul(high, highLetterFactor) + letter) | 0
      length++
      continue
    }
    if (letter === SINGLE && length === 0) {
      kana = point
      outLow[count] = mix32(point)
      outHigh[count++] = mixHigh(point)
      continue
    }
    if (letter === INVISIBLE) {
      out.invisible++
      continue
    }
    if (length > 0) {
      outLow[count] = mix32(low)
      outHigh[count++] = mixHigh(high)
      low = lowSeed
      high = highSeed
      length = 0
      kana = 0
    }
    if (letter === SEPARATOR) kana = 0
    else if (letter === BASE || letter === EXTENDER) {
      i = clusterEnd(bytes, at, end, letters)
      hashCluster(bytes, at, i, out, count++)
      kana = 0
    } else {
      const voiced = letter === VOICING ? voiceKana(kana, point) : 0
      if (voiced > 0) count--
      kana = voiced || plainSingle(letter, point)
      outLow[count] = mix32(kana)
      outHigh[count++] = mixHigh(kana)
    }
  }
  if (length > 0) {
    outLow[count] = mix32(low)
    outHigh[count++] = mixHigh(high)
  }
  return count
}

function plainSingle(letter: number, point: number): number {
  if (letter === SINGLE) return point
  return letter === HALF_WIDTH ? widenSingle(point) : plainMark(point)
}

/** Where the cluster at `start` ends: behind the marks on it. */
function clusterEnd(bytes: Uint8Array, start: number, end: number, letters: Uint16Array): number {
  for (let at = start + lengthOf(bytes[start]); ; ) {
    const size = at < end ? lengthOf(bytes[at]) : 1
    if (size === 1 || at + size > end) return at
    const point = pointAt(bytes, at)
    const letter = point < 0x10000 ? letters[point] : letterBeyondBmp(point)
    if (letter !== EXTENDER && letter !== INVISIBLE) return at
    at += size
  }
}

/** Hashes the cluster `bytes[start, end)` as the word with this number. */
function hashCluster(bytes: Uint8Array, start: number, end: number, out: ShingleBuffer, word: number): void {
  let low = lowSeed
  let high = highSeed
  for (let at = start; at < end; at += lengthOf(bytes[at])) {
    const point = pointAt(bytes, at)
    if (isInvisible(point)) out.invisible++
    else {
      low = Math.imul(low ^ point, lowLetterFactor) ^ (low >>> 15)
      high = (Math.imul(high, highLetterFactor) + point) | 0
    }
  }
  out.low[word] = mix32(low)
  out.high[word] = mixHigh(high)
}

/** Cheaper than `mix32`, and good enough for the half that need not stand alone. */
function mixHigh(x: number): number {
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b)
  return x ^ (x >>> 15)
}

const lowFactor = 0x9e3779b1
/** Three more than a multiple of four: neighbours that change places are told apart by all bits but one. */
const highFactor = 0x85ebca6b

/** Turns words into shingles in place by rolling polynomials: the word that leaves is taken off by its power. */
function joinWords({ low, high }: ShingleBuffer, words: number, width: number): number {
  let lowPower = 1
  let highPower = 1
  let lowHash = 0
  let highHash = 0
  for (let i = 0; i < width; i++) {
    lowPower = Math.imul(lowPower, lowFactor)
    highPower = Math.imul(highPower, highFactor)
  }
  for (let i = 0; i < width - 1; i++) {
    lowHash = (Math.imul(lowHash, lowFactor) + low[i]) | 0
    highHash = (Math.imul(highHash, highFactor) + high[i]) | 0
  }
  let lowLeaving = 0
  let highLeaving = 0
  for (let i = 0; i + width <= words; i++) {
    const last = i + width - 1
    lowHash = (Math.imul(lowHash, lowFactor) + (low[last] | 0) - Math.imul(lowLeaving, lowPower)) | 0
    highHash = (Math.imul(highHash, highFactor) + (high[last] | 0) - Math.imul(highLeaving, highPower)) | 0
    lowLeaving = low[i] | 0
    highLeaving = high[i] | 0
    low[i] = lowHash
    high[i] = highHash
  }
  return words - width + 1
}
