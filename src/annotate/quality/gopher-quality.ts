import type { Batch, Columns, Utf8Column } from '../../batch/batch.ts'
import { utf8 } from '../../batch/batch.ts'
import { countPoints, lengthOf, pointAt } from '../../text/bytes.ts'
import { findBreak, skipBreak, trimEnd, trimStart } from '../../text/lines.ts'
import { markOf, PUNCTUATION } from '../../text/stop-characters.ts'
import { CASELESS, classPageOf, classPages, LOWER, UPPER } from '../../text/unicode-classes.ts'
import type { Words } from '../../text/words/words.ts'
import { splitWords } from '../../text/words/words.ts'
import type { Annotator, Rule } from '../annotator.ts'

/** null switches a rule off, and its measurement stays. */
export interface GopherQualityOptions {
  /** Words; 50. */
  readonly wordsMin?: number | null
  /** Words; 100,000. */
  readonly wordsMax?: number | null
  /** Characters, the mean over words; 3. */
  readonly meanWordLengthMin?: number | null
  /** Characters, the mean over words; 10. */
  readonly meanWordLengthMax?: number | null
  /** `#` a token, and ellipses a token; 0.1. */
  readonly symbolRatioMax?: number | null
  /** Share of lines that begin with a bullet; 0.9. */
  readonly bulletLinesMax?: number | null
  /** Share of lines that end with an ellipsis; 0.3. */
  readonly ellipsisLinesMax?: number | null
  /** Share of tokens with a letter; 0.8. */
  readonly alphaWordsMin?: number | null
  /** Different stop words; 2. */
  readonly stopWordsMin?: number | null
  /** As they are written: `The` is none. the, be, to, of, and, that, have, with. */
  readonly stopWords?: readonly string[]
}

const defaults: Required<GopherQualityOptions> = {
  wordsMin: 50,
  wordsMax: 100_000,
  meanWordLengthMin: 3,
  meanWordLengthMax: 10,
  symbolRatioMax: 0.1,
  bulletLinesMax: 0.9,
  ellipsisLinesMax: 0.3,
  alphaWordsMin: 0.8,
  stopWordsMin: 2,
  stopWords: ['the', 'be', 'to', 'of', 'and', 'that', 'have', 'with'],
}

/**
 * Gopher's measures of a text's form (Rae et al. 2021, section A.1.1) as datatrove 0.10.1 takes them, for English. A token is
 * what `text/words.ts` cuts, punctuation included; a word is a token with a character that is no punctuation.
 *
 * - `gopherWords`: words.
 * - `gopherMeanWordLength`: characters a word.
 * - `gopherHashRatio`, `gopherEllipsisRatio`: `#`, and `...` or U+2026, a token.
 * - `gopherBulletLines`, `gopherEllipsisLines`: the share of lines that begin with U+2022 or `-`, that end with an ellipsis,
 *   white space aside.
 * - `gopherAlphaWords`: the share of tokens with a letter.
 * - `gopherStopWords`: different stop words.
 *
 * What has nothing to divide by is NaN.
 */
export function gopherQuality(options: GopherQualityOptions = {}): Annotator {
  const chosen = { ...defaults, ...options }
  const stopWords = indexStopWords(chosen.stopWords)
  return {
    name: 'gopher-quality',
    version: 1,
    exact: true,
    options: chosen,
    reads: ['text'],
    writes: [
      { name: 'gopherWords', kind: 'u32' },
      { name: 'gopherMeanWordLength', kind: 'f64' },
      { name: 'gopherHashRatio', kind: 'f64' },
      { name: 'gopherEllipsisRatio', kind: 'f64' },
      { name: 'gopherBulletLines', kind: 'f64' },
      { name: 'gopherEllipsisLines', kind: 'f64' },
      { name: 'gopherAlphaWords', kind: 'f64' },
      { name: 'gopherStopWords', kind: 'u32' },
    ],
    resources: [],
    rules: buildRules(chosen),
    annotate: batch => measure(batch, stopWords),
  }
}

function buildRules(chosen: Required<GopherQualityOptions>): readonly Rule[] {
  const rules: [string, string, 'below' | 'above', number | null][] = [
    ['too-few-words', 'gopherWords', 'below', chosen.wordsMin],
    ['too-many-words', 'gopherWords', 'above', chosen.wordsMax],
    ['words-too-short', 'gopherMeanWordLength', 'below', chosen.meanWordLengthMin],
    ['words-too-long', 'gopherMeanWordLength', 'above', chosen.meanWordLengthMax],
    ['too-many-hashes', 'gopherHashRatio', 'above', chosen.symbolRatioMax],
    ['too-many-ellipses', 'gopherEllipsisRatio', 'above', chosen.symbolRatioMax],
    ['too-many-bullet-lines', 'gopherBulletLines', 'above', chosen.bulletLinesMax],
    ['too-many-ellipsis-lines', 'gopherEllipsisLines', 'above', chosen.ellipsisLinesMax],
    ['too-few-alphabetic-words', 'gopherAlphaWords', 'below', chosen.alphaWordsMin],
    ['too-few-stop-words', 'gopherStopWords', 'below', chosen.stopWordsMin],
  ]
  return rules.flatMap(([reason, column, side, bound]) => (bound === null ? [] : [{ reason, column, [side]: bound }]))
}

interface StopWord {
  readonly bytes: Uint8Array
  /** The last row that had it, so that nothing is reset from row to row. */
  row: number
}
/** By first byte. */
type StopWords = readonly (StopWord[] | undefined)[]

function indexStopWords(words: readonly string[]): StopWords {
  const index: StopWord[][] = Array.from({ length: 256 })
  for (const word of new Set(words)) {
    const bytes = new TextEncoder().encode(word)
    if (bytes.length > 0) (index[bytes[0]] ??= []).push({ bytes, row: -1 })
  }
  return index
}

const found = {
  words: 0,
  wordCharacters: 0,
  alpha: 0,
  stopWords: 0,
  hashes: 0,
  ellipses: 0,
  lines: 0,
  bullets: 0,
  ends: 0,
}

function measure(batch: Batch, stopWords: StopWords): Columns {
  const text = utf8(batch, 'text')
  const words = splitWords(text)
  const f64 = (): Float64Array => new Float64Array(batch.rows)
  const [meanLength, hashes, ellipses, bullets, ends, alpha] = [f64(), f64(), f64(), f64(), f64(), f64()]
  const wordCounts = new Uint32Array(batch.rows)
  const stopWordCounts = new Uint32Array(batch.rows)
  for (const bucket of stopWords) for (const stopWord of bucket ?? []) stopWord.row = -1
  for (let row = 0; row < batch.rows; row++) {
    countWords(text, words, row, stopWords)
    countSymbols(text.bytes, text.offsets[row], text.offsets[row + 1])
    countLines(text.bytes, text.offsets[row], text.offsets[row + 1])
    const tokens = words.rows[row + 1] - words.rows[row]
    wordCounts[row] = found.words
    meanLength[row] = found.wordCharacters / found.words
    hashes[row] = tokens === 0 ? Number.NaN : found.hashes / tokens
    ellipses[row] = tokens === 0 ? Number.NaN : found.ellipses / tokens
    bullets[row] = found.bullets / found.lines
    ends[row] = found.ends / found.lines
    alpha[row] = found.alpha / tokens
    stopWordCounts[row] = found.stopWords
  }
  return {
    gopherWords: { kind: 'u32', values: wordCounts },
    gopherMeanWordLength: { kind: 'f64', values: meanLength },
    gopherHashRatio: { kind: 'f64', values: hashes },
    gopherEllipsisRatio: { kind: 'f64', values: ellipses },
    gopherBulletLines: { kind: 'f64', values: bullets },
    gopherEllipsisLines: { kind: 'f64', values: ends },
    gopherAlphaWords: { kind: 'f64', values: alpha },
    gopherStopWords: { kind: 'u32', values: stopWordCounts },
  }
}

const LETTER = 1
const WORD = 2
const asciiKinds = Uint8Array.from({ length: 128 }, (_, byte) => kindOf(byte))

function kindOf(point: number): number {
  const letter = classPages[(classPageOf[point >> 8] << 8) | (point & 255)] & (UPPER | LOWER | CASELESS)
  return (letter ? LETTER : 0) | (markOf(point) & PUNCTUATION ? 0 : WORD)
}

function countWords({ bytes }: Utf8Column, words: Words, row: number, stopWords: StopWords): void {
  found.words = found.wordCharacters = found.alpha = found.stopWords = 0
  for (let word = words.rows[row]; word < words.rows[row + 1]; word++) {
    const start = words.starts[word]
    const end = words.ends[word]
    const kinds = kindsIn(bytes, start, end)
    if (kinds & LETTER) found.alpha++
    if (kinds & WORD) {
      found.words++
      found.wordCharacters += countPoints(bytes, start, end)
    }
    const bucket = stopWords[bytes[start]]
    if (bucket !== undefined && isNewStopWord(bytes, start, end, row, bucket)) found.stopWords++
  }
}

/** LETTER and WORD when any character of the word is one; stops when it has seen both. */
function kindsIn(bytes: Uint8Array, start: number, end: number): number {
  let kinds = 0
  for (let at = start; at < end && kinds !== (LETTER | WORD); at += lengthOf(bytes[at]))
    kinds |= bytes[at] < 0x80 ? asciiKinds[bytes[at]] : kindOf(pointAt(bytes, at))
  return kinds
}

function isNewStopWord(bytes: Uint8Array, start: number, end: number, row: number, bucket: StopWord[]): boolean {
  for (const stopWord of bucket) {
    if (stopWord.bytes.length !== end - start) continue
    let at = 0
    while (start + at < end && bytes[start + at] === stopWord.bytes[at]) at++
    if (start + at < end) continue
    const isNew = stopWord.row !== row
    stopWord.row = row
    return isNew
  }
  return false
}

/** `#`, and ellipses: three dots in a row, without overlap, or U+2026. */
function countSymbols(bytes: Uint8Array, start: number, end: number): void {
  found.hashes = found.ellipses = 0
  let dots = 0
  for (let at = start; at < end; at++) {
    const byte = bytes[at]
    if (byte === 0x2e) {
      if (++dots % 3 === 0) found.ellipses++
      continue
    }
    dots = 0
    if (byte === 0x23) found.hashes++
    else if (byte === 0xe2 && startsWith(bytes, at, end, ellipsis)) found.ellipses++
  }
}

const ellipsis = [0xe2, 0x80, 0xa6]
const bullet = [0xe2, 0x80, 0xa2]
const dots = [0x2e, 0x2e, 0x2e]

function startsWith(bytes: Uint8Array, at: number, end: number, [first, second, third]: number[]): boolean {
  return at + 2 < end && bytes[at] === first && bytes[at + 1] === second && bytes[at + 2] === third
}

function countLines(bytes: Uint8Array, start: number, end: number): void {
  found.lines = found.bullets = found.ends = 0
  for (let at = start; at < end; ) {
    const stop = findBreak(bytes, at, end)
    const first = trimStart(bytes, at, stop)
    const last = trimEnd(bytes, first, stop)
    found.lines++
    if (first < last && (bytes[first] === 0x2d || startsWith(bytes, first, last, bullet))) found.bullets++
    if (last - 3 >= first && (startsWith(bytes, last - 3, last, dots) || startsWith(bytes, last - 3, last, ellipsis)))
      found.ends++
    at = skipBreak(bytes, stop, end)
  }
}
