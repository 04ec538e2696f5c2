import { listOf, name, optional } from '../../options.ts'
import { countPoints, lengthOf, pointAt } from '../../text/bytes.ts'
import { findBreak, skipBreak, trimEnd, trimStart } from '../../text/lines.ts'
import { markOf, PUNCTUATION } from '../../text/stop-characters.ts'
import { CASELESS, classPageOf, classPages, LOWER, UPPER } from '../../text/unicode-classes.ts'
import { WordList } from '../../text/words/word-list.ts'
import { filter, type Out } from '../filter.ts'
import { above, below, count, ratio } from '../measure.ts'
import type { Texts } from '../texts.ts'

const stopWords = ['the', 'be', 'to', 'of', 'and', 'that', 'have', 'with']
const measures = {
  gopherWords: count('words: tokens with a character that is no punctuation', {
    wordsMin: below(50, 'too-few-words'),
    wordsMax: above(100_000, 'too-many-words'),
  }),
  gopherMeanWordLength: ratio('characters a word', {
    meanWordLengthMin: below(3, 'words-too-short'),
    meanWordLengthMax: above(10, 'words-too-long'),
  }),
  gopherHashRatio: ratio('`#` a token', { symbolRatioMax: above(0.1, 'too-many-hashes') }),
  gopherEllipsisRatio: ratio('`...` or U+2026 a token', { symbolRatioMax: above(0.1, 'too-many-ellipses') }),
  gopherBulletLines: ratio('share of lines that begin with U+2022 or `-`, white space aside', {
    bulletLinesMax: above(0.9, 'too-many-bullet-lines'),
  }),
  gopherEllipsisLines: ratio('share of lines that end with an ellipsis, white space aside', {
    ellipsisLinesMax: above(0.3, 'too-many-ellipsis-lines'),
  }),
  gopherAlphaWords: ratio('share of tokens with a letter', { alphaWordsMin: below(0.8, 'too-few-alphabetic-words') }),
  gopherStopWords: count('different stop words', {
    stopWordsMin: below(2, 'too-few-stop-words'),
    stopWords: optional('stop words as they are written: `The` is none', listOf(name), stopWords),
  }),
}

/** Gopher's measures of a text's form (Rae et al. 2021, section A.1.1) as datatrove 0.10.1 takes them. */
export const gopherQuality = filter({
  name: 'gopher-quality',
  version: 1,
  about: `Gopher's measures of a text's form, for English. A token is what \`text/words/words.ts\` cuts, punctuation included. What has
    nothing to divide by is NaN.`,
  measures,
  prepare: ({ stopWords }) => new WordList(stopWords),
  measure(texts, out, stopWords) {
    stopWords.startBatch()
    for (let row = 0; row < texts.rows; row++) {
      measureWords(texts, row, out, stopWords)
      measureSymbols(texts, row, out)
      measureLines(texts, row, out)
    }
  },
})

function measureWords({ bytes, words }: Texts, row: number, out: Out<typeof measures>, stopWords: WordList): void {
  let [all, alpha, characters, stops] = [0, 0, 0, 0]
  for (let word = words.rows[row]; word < words.rows[row + 1]; word++) {
    const start = words.starts[word]
    const end = words.ends[word]
    const kinds = kindsIn(bytes, start, end)
    if (kinds & LETTER) alpha++
    if (kinds & WORD) {
      all++
      characters += countPoints(bytes, start, end)
    }
    if (stopWords.isFirst(bytes, start, end, row)) stops++
  }
  out.gopherWords[row] = all
  out.gopherMeanWordLength[row] = characters / all
  out.gopherAlphaWords[row] = alpha / (words.rows[row + 1] - words.rows[row])
  out.gopherStopWords[row] = stops
}

const LETTER = 1
const WORD = 2
const asciiKinds = Uint8Array.from({ length: 128 }, (_, byte) => kindOf(byte))

function kindOf(point: number): number {
  const letter = classPages[(classPageOf[point >> 8] << 8) | (point & 255)] & (UPPER | LOWER | CASELESS)
  return (letter ? LETTER : 0) | (markOf(point) & PUNCTUATION ? 0 : WORD)
}

/** LETTER and WORD when any character of the word is one; stops when it has seen both. */
function kindsIn(bytes: Uint8Array, start: number, end: number): number {
  let kinds = 0
  for (let at = start; at < end && kinds !== (LETTER | WORD); at += lengthOf(bytes[at]))
    kinds |= bytes[at] < 0x80 ? asciiKinds[bytes[at]] : kindOf(pointAt(bytes, at))
  return kinds
}

/** `#`, and ellipses: three dots in a row, without overlap, or U+2026. */
function measureSymbols({ bytes, offsets, words }: Texts, row: number, out: Out<typeof measures>): void {
  const end = offsets[row + 1]
  const tokens = words.rows[row + 1] - words.rows[row]
  let [hashes, ellipses, dots] = [0, 0, 0]
  for (let at = offsets[row]; at < end; at++) {
    const byte = bytes[at]
    if (byte === 0x2e) {
      if (++dots % 3 === 0) ellipses++
      continue
    }
    dots = 0
    if (byte === 0x23) hashes++
    else if (byte === 0xe2 && startsWith(bytes, at, end, ellipsis)) ellipses++
  }
  out.gopherHashRatio[row] = tokens === 0 ? Number.NaN : hashes / tokens
  out.gopherEllipsisRatio[row] = tokens === 0 ? Number.NaN : ellipses / tokens
}

const ellipsis = [0xe2, 0x80, 0xa6]
const bullet = [0xe2, 0x80, 0xa2]
const threeDots = [0x2e, 0x2e, 0x2e]

function startsWith(bytes: Uint8Array, at: number, end: number, [first, second, third]: number[]): boolean {
  return at + 2 < end && bytes[at] === first && bytes[at + 1] === second && bytes[at + 2] === third
}

function measureLines({ bytes, offsets }: Texts, row: number, out: Out<typeof measures>): void {
  const end = offsets[row + 1]
  let [lines, bullets, ellipses] = [0, 0, 0]
  for (let at = offsets[row]; at < end; ) {
    const stop = findBreak(bytes, at, end)
    const first = trimStart(bytes, at, stop)
    const last = trimEnd(bytes, first, stop)
    const tail = Math.max(first, last - 3)
    lines++
    if (first < last && (bytes[first] === 0x2d || startsWith(bytes, first, last, bullet))) bullets++
    if (startsWith(bytes, tail, last, threeDots) || startsWith(bytes, tail, last, ellipsis)) ellipses++
    at = skipBreak(bytes, stop, end)
  }
  out.gopherBulletLines[row] = bullets / lines
  out.gopherEllipsisLines[row] = ellipses / lines
}
