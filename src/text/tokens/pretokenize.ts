import { lengthOf, pointAt } from '../bytes.ts'
import {
  CASELESS,
  classPageOf,
  classPages,
  LOWER,
  MARK,
  NEWLINE,
  NUMBER,
  OTHER,
  SPACE,
  UPPER,
} from '../unicode-classes.ts'

/**
 * The pre-tokenizers of tiktoken's encodings (`pat_str` in tiktoken_ext/openai_public.py, 0.14.0), each a scanner that takes the
 * same pieces as its pattern. Time is linear in the text: a character is looked at a small, fixed number of times. Bytes that
 * are not UTF-8 count as characters of no class.
 */

/** The end of the piece that begins at `at`, where `at < end`. It is above `at` and at most `end`. */
export type PieceScanner = (bytes: Uint8Array, at: number, end: number) => number

const LETTER = UPPER | LOWER | CASELESS
/** The two character classes of o200k_base's words: `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]` and `[\p{Ll}\p{Lm}\p{Lo}\p{M}]`. */
const HEAD = UPPER | CASELESS | MARK
const TAIL = LOWER | CASELESS | MARK
/** `[^\s\p{L}\p{N}]`. */
const SYMBOL = MARK | OTHER

const APOSTROPHE = 0x27
const BLANK = 0x20
const CR = 0x0d
const LF = 0x0a
const SLASH = 0x2f

/**
 * `'s|'t|'re|'ve|'m|'ll|'d`: the end of the contraction at `at`, or `at` when there is none. `ignoreCase` folds as Unicode
 * does: the one character beyond ASCII that folds to one of these letters is U+017F, which is an s.
 */
function skipContraction(bytes: Uint8Array, at: number, end: number, ignoreCase: boolean): number {
  if (at + 1 >= end || bytes[at] !== APOSTROPHE) return at
  const fold = ignoreCase ? 0x20 : 0
  const first = bytes[at + 1] | fold
  if (first === 0x73 || first === 0x74 || first === 0x6d || first === 0x64) return at + 2
  if (at + 2 >= end) return at
  const second = bytes[at + 2]
  if (ignoreCase && bytes[at + 1] === 0xc5 && second === 0xbf) return at + 3
  const pair = (first << 8) | second | fold
  return pair === 0x7265 || pair === 0x7665 || pair === 0x6c6c ? at + 3 : at
}

/** The class of the character at `at` and, from bit 8 up, its length in bytes. */
function readCharacter(bytes: Uint8Array, at: number, end: number): number {
  const lead = bytes[at]
  if (lead < 0x80) return classPages[lead] | 0x100
  const length = lengthOf(lead)
  if (length === 1 || lead >= 0xf8 || at + length > end) return OTHER | 0x100
  const point = pointAt(bytes, at)
  return classPages[(classPageOf[point >> 8] << 8) | (point & 0xff)] | (length << 8)
}

/** The end of the run of characters whose class is in `mask`. */
function skipRun(bytes: Uint8Array, at: number, end: number, mask: number): number {
  while (at < end) {
    const character = readCharacter(bytes, at, end)
    if ((character & mask) === 0) return at
    at += character >> 8
  }
  return at
}

/** `\p{N}{1,3}` after its first character. */
function skipDigits(bytes: Uint8Array, at: number, end: number): number {
  for (let count = 1; count < 3 && at < end; count++) {
    const character = readCharacter(bytes, at, end)
    if ((character & NUMBER) === 0) break
    at += character >> 8
  }
  return at
}

/** A run of symbols with the line ends that follow it, and `/` among them where `slash` says so. */
function skipSymbols(bytes: Uint8Array, at: number, end: number, slash: boolean): number {
  at = skipRun(bytes, at, end, SYMBOL)
  while (at < end && (bytes[at] === CR || bytes[at] === LF || (slash && bytes[at] === SLASH))) at++
  return at
}

/**
 * White space: `newlines` is `\s*[\r\n]+` (with all of its backtracking, the run up to its last line end), then come
 * `\s+(?!\S)` and `\s`. `endFirst` is `\s++$` before them.
 */
function skipSpace(bytes: Uint8Array, at: number, end: number, newlines: boolean, endFirst: boolean): number {
  const start = at
  let newlineEnd = 0
  let last = at
  while (at < end) {
    const character = readCharacter(bytes, at, end)
    if ((character & SPACE) === 0) break
    last = at
    at += character >> 8
    if ((character & NEWLINE) !== 0) newlineEnd = at
  }
  if (endFirst && at === end) return at
  if (newlines && newlineEnd > 0) return newlineEnd
  return at === end || last === start ? at : last
}

/**
 * o200k_base's two word alternatives without their optional first character: the end of HEAD* TAIL+ at `at`, or, when only
 * HEAD+ TAIL* matches, its end negated. TAIL+ takes the lower-case letters after the run of HEAD; without any, backtracking
 * ends the word at the last character of the run that is of both classes.
 */
function scanWord(bytes: Uint8Array, at: number, end: number): number {
  let both = 0
  while (at < end) {
    const character = readCharacter(bytes, at, end)
    if ((character & LOWER) !== 0) return skipRun(bytes, at + (character >> 8), end, TAIL)
    if ((character & HEAD) === 0) break
    at += character >> 8
    if ((character & UPPER) === 0) both = at
  }
  return both > 0 ? both : -at
}

/** A word of o200k_base whose optional first character ends at `at`; `mark` says that it is a mark, so a word of its own. */
function skipWord(bytes: Uint8Array, at: number, end: number, mark: boolean): number {
  let stop = scanWord(bytes, at, end)
  if (stop < 0) stop = mark ? at : -stop
  return skipContraction(bytes, stop, end, true)
}

/** o200k_base. */
export function scanO200k(bytes: Uint8Array, at: number, end: number): number {
  const first = readCharacter(bytes, at, end)
  if ((first & LETTER) !== 0) return skipWord(bytes, at, end, false)
  const next = at + (first >> 8)
  if ((first & NUMBER) !== 0) return skipDigits(bytes, next, end)
  const second = next < end ? readCharacter(bytes, next, end) : 0
  if ((first & NEWLINE) === 0) {
    if ((second & (LETTER | MARK)) !== 0) return skipWord(bytes, next, end, (first & MARK) !== 0)
    if ((first & MARK) !== 0) return skipContraction(bytes, next, end, true)
    if ((first & OTHER) !== 0 || (bytes[at] === BLANK && (second & OTHER) !== 0))
      return skipSymbols(bytes, next, end, true)
  }
  return skipSpace(bytes, at, end, true, false)
}

/** cl100k_base. */
export function scanCl100k(bytes: Uint8Array, at: number, end: number): number {
  const contraction = skipContraction(bytes, at, end, true)
  if (contraction > at) return contraction
  const first = readCharacter(bytes, at, end)
  const next = at + (first >> 8)
  if ((first & LETTER) !== 0) return skipRun(bytes, next, end, LETTER)
  if ((first & NUMBER) !== 0) return skipDigits(bytes, next, end)
  const second = next < end ? readCharacter(bytes, next, end) : 0
  if ((first & NEWLINE) === 0 && (second & LETTER) !== 0) return skipRun(bytes, next, end, LETTER)
  if ((first & SYMBOL) !== 0 || (bytes[at] === BLANK && (second & SYMBOL) !== 0))
    return skipSymbols(bytes, next, end, false)
  return skipSpace(bytes, at, end, true, true)
}

/** gpt2, which shares its pattern with r50k_base. */
export function scanGpt2(bytes: Uint8Array, at: number, end: number): number {
  const contraction = skipContraction(bytes, at, end, false)
  if (contraction > at) return contraction
  const from = bytes[at] === BLANK && at + 1 < end ? at + 1 : at
  const first = readCharacter(bytes, from, end)
  for (const mask of [LETTER, NUMBER, SYMBOL])
    if ((first & mask) !== 0) return skipRun(bytes, from + (first >> 8), end, mask)
  return skipSpace(bytes, at, end, false, true)
}
