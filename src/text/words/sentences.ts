import type { Utf8Column } from '../../batch/batch.ts'
import { classesOf, PUNCTUATION, SENTENCE_END } from './character-classes.ts'
import { decodePoint, pointBytes } from './chunk.ts'
import { splitText, splitWords, type Words } from './words.ts'

/**
 * Sentences as datatrove 0.10.1 counts them in English: the sentencizer of spaCy 3.8.18 (MIT, Explosion;
 * `pipeline/sentencizer.pyx`) over all of the tokenizer's tokens, white space included. After a word that is one of `.!?` or
 * their like, a sentence begins at the first word that is neither such a word nor punctuation.
 */

/** The number of sentences of row `row`; 1 for a text without words. */
export function countSentences(text: Utf8Column, row: number): number {
  return findBreaks(text.bytes, text.offsets[row], text.offsets[row + 1], splitWords(text), row).length + 1
}

/** The number of sentences of the text `bytes[start, end)`, for text that is in no column: an edited line, for example. */
export function countSentencesIn(bytes: Uint8Array, start: number, end: number): number {
  return findBreaks(bytes, start, end, splitText(bytes, start, end), 0).length + 1
}

/**
 * Where the sentences of `bytes[start, end)` end: rising byte offsets, the last of them `end`. White space between two
 * sentences belongs to the second (datatrove's `split_into_sentences`).
 */
export function splitSentences(bytes: Uint8Array, start: number, end: number): Int32Array {
  const breaks = findBreaks(bytes, start, end, splitText(bytes, start, end), 0)
  breaks.push(end)
  return Int32Array.from(breaks)
}

/** Where all sentences but the last end. */
function findBreaks(bytes: Uint8Array, start: number, end: number, words: Words, row: number): number[] {
  const { rows, starts, ends } = words
  const breaks: number[] = []
  let ended = false
  let last = start
  for (let word = rows[row]; word < rows[row + 1]; word++) {
    const kind = kindOf(bytes, starts[word], ends[word])
    const breaksHere: boolean = ended && (kind === plain || isSpaceToken(bytes, last, starts[word]))
    if (breaksHere) breaks.push(last)
    ended = kind === ending || (ended && !breaksHere)
    last = ends[word]
  }
  if (ended && isSpaceToken(bytes, last, end)) breaks.push(last)
  return breaks
}

const plain = 0
const punctuation = 1
const ending = 2

function kindOf(bytes: Uint8Array, start: number, end: number): number {
  let i = start
  while (i < end) {
    const point = bytes[i] < 0x80 ? bytes[i] : decodePoint(bytes, i, end)
    const classes = classesOf[point]
    const next = i + pointBytes(point)
    if (i === start && next === end && classes & SENTENCE_END) return ending
    if ((classes & PUNCTUATION) === 0) return plain
    i = next
  }
  return punctuation
}

/** White space is a token of its own unless it is one space between words, or at the end of the text. */
function isSpaceToken(bytes: Uint8Array, start: number, end: number): boolean {
  return end - start > 1 || (end - start === 1 && bytes[start] !== 0x20)
}
