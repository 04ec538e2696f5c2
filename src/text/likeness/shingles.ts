import { lengthOf, pointAt } from '../bytes.ts'
import { pointsOf } from '../code-points.ts'
import { mix32 } from '../hash.ts'

/**
 * Shingles (overlapping runs of words) of a text for near-duplicate detection, cut in one pass over its UTF-8 bytes without
 * building the normalised text.
 *
 * White space and control characters separate words. Letters become lower-case (Latin, Greek, Cyrillic, Armenian), full-width
 * letters and digits ASCII, and typographic quotes and dashes their ASCII kin. Digits and accents stay, as pages of numbers and words of
 * many languages differ in nothing else; composed and decomposed accents differ, so NFC comes before. Punctuation stays on its
 * word, as source code and tables differ by it, or is taken as white space.
 * A Chinese, Japanese or Korean character (or mark) is a word by itself, so a text without spaces has shingles of characters.
 * Scripts without spaces but with long letter runs (Thai, Lao, Khmer, Burmese) count a run between two spaces as one word.
 */

export type Punctuation = 'keep' | 'ignore'

/** Hexadecimal ranges of code points. */
const spaceRanges = '0-20 7f-a0 ad 1680 2000-200b 2028-202f 205f-2064 3000 d800-dfff feff fff9-ffff'
/** Punctuation and symbols. What is missing here is a letter, which costs nothing but a longer word. */
const punctuationRanges =
  '21-2f 3a-40 5b-60 7b-7e a1-a9 ab-b4 b6-b9 bb-bf d7 f7 37e 387 55a-55f 589-58a 5be 5c0 5c3 5c6 5f3-5f4 600-60f 61b-61f ' +
  '66a-66d 6d4 700-70d 964-965 970 df4 e2f e4f e5a-e5b f04-f14 f3a-f3d 104a-104f 10fb 1360-1368 16eb-16ed 17d4-17da 1800-180a ' +
  '200c-2027 2030-205e 20a0-20cf 2190-2bff 2e00-2e7f 3001-3004 3008-3020 3030 303d-303f 30fb e000-f8ff fe00-fe6f ff01-ff0f ' +
  'ff1a-ff20 ff3b-ff40 ff5b-ff65 ffe0-fff8'
/** Han, kana, bopomofo, Hangul and the punctuation among them. */
const singleRanges = '3001-303f 3041-30ff 3105-312f 31f0-31ff 3400-4dbf 4e00-9fff ac00-d7a3 f900-faff ff01-ff9f'
const fullWidthRanges = 'ff10-ff19 ff21-ff3a ff41-ff5a'
/** All case pairs of these blocks were fixed by Unicode 7, so every supported Node lowers them alike. */
const casedRanges = '41-5a c0-24f 370-52f 531-556 1e00-1fff'
const typographic = { "'": '2018-201b', '"': '201c-201f', '-': '2010-2015 2212' }

const separator = 0
const single = 1
/** For each code point of the BMP: `separator`, `single`, or what the letter is taken as. */
const classes = { keep: buildClasses('keep'), ignore: buildClasses('ignore') }

function buildClasses(punctuation: Punctuation): Uint16Array {
  const table = Uint16Array.from({ length: 0x10000 }, (_, point) => point)
  const set = (ranges: string, value: (point: number) => number): void => {
    for (const point of pointsOf(ranges)) table[point] = value(point)
  }
  set(casedRanges, lowerCase)
  set(spaceRanges, () => separator)
  for (const [ascii, ranges] of Object.entries(typographic)) set(ranges, () => ascii.charCodeAt(0))
  set(singleRanges, () => single)
  set(fullWidthRanges, point => table[point - 0xfee0])
  if (punctuation === 'ignore') set(punctuationRanges, () => separator)
  return table
}

function lowerCase(point: number): number {
  const lower = String.fromCharCode(point).toLowerCase()
  return lower.length === 1 ? lower.charCodeAt(0) : point
}

/** Words' and then shingles' hashes, reused from text to text: at most one for two bytes of the longest text. */
export class ShingleBuffer {
  values = new Uint32Array(1024)

  reserve(count: number): Uint32Array {
    if (this.values.length < count) this.values = new Uint32Array(Math.max(count, this.values.length * 2))
    return this.values
  }
}

/**
 * Writes the 32-bit hashes of all shingles of `width` words of `bytes[start, end)` to `buffer.values` and returns their number,
 * repeats included; 0 when the text has fewer words. Of two texts with a million shingles each, 32 bits make about 230 look
 * shared that are not.
 */
export function cutShingles(
  bytes: Uint8Array,
  start: number,
  end: number,
  { width, punctuation }: { readonly width: number; readonly punctuation: Punctuation },
  buffer: ShingleBuffer,
): number {
  const values = buffer.reserve(((end - start) >> 1) + 2)
  const words = hashWords(bytes, start, end, classes[punctuation], values)
  return joinWords(values, words, width)
}

const wordSeed = 0x2545f491
const wordFactor = 0x01000193

/** One hash a word into `out`; returns the number of words. */
function hashWords(bytes: Uint8Array, start: number, end: number, letters: Uint16Array, out: Uint32Array): number {
  let count = 0
  let hash = wordSeed
  let length = 0
  for (let i = start; i < end; ) {
    let point = bytes[i]
    let size = 1
    if (point >= 0x80) {
      size = lengthOf(point)
      // What begins no character separates words.
      point = size === 1 || i + size > end ? 0 : pointAt(bytes, i)
    }
    i += size
    const letter = point < 0x10000 ? letters[point] : classifyAstral(point)
    if (letter > single) {
      hash = Math.imul(hash ^ letter, wordFactor) ^ (hash >>> 15)
      length++
      continue
    }
    if (length > 0) out[count++] = mix32(hash)
    if (letter === single) out[count++] = mix32(point)
    hash = wordSeed
    length = 0
  }
  if (length > 0) out[count++] = mix32(hash)
  return count
}

/** Beyond the BMP: planes 2 and 3 are Chinese characters, pictures are letters, and from E0000 on there are only tags. */
function classifyAstral(point: number): number {
  if (point < 0x20000) return point
  return point < 0x40000 ? single : separator
}

const shingleFactor = 0x9e3779b1

/** Turns words into shingles in place by a rolling polynomial: the word that leaves is taken off by its power. */
function joinWords(values: Uint32Array, words: number, width: number): number {
  if (words < width) return 0
  let power = 1
  for (let i = 0; i < width; i++) power = Math.imul(power, shingleFactor)
  let hash = 0
  for (let i = 0; i < width - 1; i++) hash = (Math.imul(hash, shingleFactor) + values[i]) | 0
  let leaving = 0
  for (let i = 0; i + width <= words; i++) {
    hash = (Math.imul(hash, shingleFactor) + values[i + width - 1] - Math.imul(leaving, power)) | 0
    leaving = values[i]
    values[i] = hash
  }
  return words - width + 1
}
