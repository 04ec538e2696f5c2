import { classes, digit, joinedLetter, letter, versionSign, wordByte } from './bytes.ts'
import type { PiiText } from './spans.ts'

/** Characters before a number that are looked at. */
const lookBackMax = 48
/** Letters of a word whose code is exact, in 53 bits. */
const lettersMax = 11

/** Words after which four numbers with dots are no address: of software, of documents, and of what standards number. */
const versionWords = setOf(
  'version versions ver v release releases build builds revision rev update upgrade firmware driver patch hotfix runtime sdk jdk ' +
    'section sections sec clause clauses article articles chapter chapters paragraph paragraphs para subsection appendix annex ' +
    'figure fig table item items step rule rules oid requirement theorem lemma exercise \u0083',
)
/** What may stand between such a word and its first number. */
const openers = setOf('. : = # ( " \' to from no number numbers')
/** What may stand between the numbers of a list. */
const joints = setOf(', ; / - & or and to through und et y from')

/** Words and signs as numbers, so that a text full of them makes no strings: see `codeOf`. */
function setOf(words: string): ReadonlySet<number> {
  return new Set(words.split(' ').map(word => codeOf(Buffer.from(word, 'latin1'), 0, word.length)))
}

/** What stands for each number of two parts or more. */
const numberCode = 0

/** A word of letters in base 27, whatever their case; a sign as its byte below zero; a longer word as none. */
function codeOf(bytes: Uint8Array, from: number, to: number): number {
  if ((classes[bytes[from]] & letter) === 0) return -bytes[from]
  if (to - from > lettersMax) return Number.NaN
  let code = 0
  for (let i = from; i < to; i++) code = code * 27 + (bytes[i] & 0x1f)
  return code
}

const tab = 0x09
const lineFeed = 0x0a
const carriageReturn = 0x0d
const space = 0x20
const dot = 0x2e
const slash = 0x2f

/** Whether the four numbers at `i` are a version's or a section's, by what stands before them. */
export function followsVersionWord(text: PiiText, i: number): boolean {
  return followsProduct(text, i) || isInVersionList(text, i)
}

/** `Chrome/1.2.3.4`, as user agents name products; not `http://1.2.3.4`, nor `site.org/1.2.3.4`, which may look one up. */
function followsProduct({ bytes, start }: PiiText, i: number): boolean {
  if (bytes[i - 1] !== slash) return false
  let from = i - 1
  while (from > start && from > i - lookBackMax && classes[bytes[from - 1]] & wordByte) from--
  const before = from > start ? String.fromCharCode(bytes[from - 1]) : ' '
  return from < i - 1 && (classes[bytes[from]] & letter) !== 0 && !'/.:@-'.includes(before)
}

/** Most that a section's number has in a part. */
const sectionMax = 32

/** `6.3.2.1. Partitioning` at the start of a line: a section's title. `to` is where the numbers end. */
export function isTitle({ bytes, start, end }: PiiText, i: number, to: number): boolean {
  let from = i - 1
  while (from >= start && (bytes[from] === space || bytes[from] === tab)) from--
  if (from >= start && bytes[from] !== lineFeed) return false
  let after = bytes[to] === dot ? to + 1 : to
  if (after >= end || bytes[after] !== space) return false
  while (after < end && bytes[after] === space) after++
  const isCapital = after < end && ((bytes[after] >= 0x41 && bytes[after] <= 0x5a) || bytes[after] >= 0x80)
  return isCapital && octetsOf(bytes.subarray(i, to)).every(octet => octet <= sectionMax)
}

function octetsOf(quad: Uint8Array): number[] {
  return String.fromCharCode(...quad)
    .split('.')
    .map(Number)
}

/**
 * `version 1.2.3.4`, `builds 1.2.3.4, 1.2.3.5 and 1.2.3.6`: read backward, token by token, up to a word of versions or what is no part of
 * such a list.
 */
function isInVersionList({ bytes, start }: PiiText, i: number): boolean {
  const least = Math.max(start, i - lookBackMax)
  let hasNumber = false
  for (let token = tokenBefore(bytes, least, i); token !== null; token = tokenBefore(bytes, least, token.from)) {
    const { code, from } = token
    if (versionWords.has(code)) return true
    if (code === numberCode) hasNumber = true
    else if (!openers.has(code) && !(joints.has(code) && (hasNumber || isListEnd(bytes, least, from)))) return false
  }
  return false
}

/** Whether a number stands before the joint at `i`, so that what follows it is of the same list. */
function isListEnd(bytes: Uint8Array, least: number, i: number): boolean {
  let token = tokenBefore(bytes, least, i)
  while (token !== null && joints.has(token.code)) token = tokenBefore(bytes, least, token.from)
  return token?.code === numberCode
}

interface Token {
  /** See `codeOf`. */
  readonly code: number
  readonly from: number
}

/** The last word, number or sign of `bytes[least, i)`; null for none. */
function tokenBefore(bytes: Uint8Array, least: number, i: number): Token | null {
  let to = i
  while (to > least && isSpace(bytes[to - 1])) to--
  if (to === least) return null
  const number = findNumberStart(bytes, least, to)
  if (number >= 0) return { code: numberCode, from: number }
  let from = to - 1
  if (classes[bytes[from]] & letter) while (from > least && classes[bytes[from - 1]] & letter) from--
  // A character may stand between the sign and its number.
  else if (bytes[from] === joinedLetter && from > least && bytes[from - 1] === versionSign) from--
  return { code: codeOf(bytes, from, to), from }
}

/** Where the number of two parts or more begins that ends at `to`, or -1. */
function findNumberStart(bytes: Uint8Array, least: number, to: number): number {
  let from = to
  for (let parts = 1; ; parts++) {
    while (from > least && classes[bytes[from - 1]] & digit) from--
    const isPart = from - 2 >= least && bytes[from - 1] === dot && classes[bytes[from - 2]] & digit
    if (!isPart || from === to) return parts > 1 ? from : -1
    from--
  }
}

function isSpace(byte: number): boolean {
  return byte === space || (byte >= tab && byte <= carriageReturn)
}
