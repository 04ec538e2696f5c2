import { classes, letter, versionSign, wordByte } from './bytes.ts'
import type { PiiText } from './spans.ts'

/** Characters before a number that are looked at. */
const lookBackMax = 48

/** Words after which four numbers with dots are no address: of software, of documents, and of what standards number. */
const versionWords = new Set(
  (
    'version versions ver v release releases build builds revision rev update upgrade firmware driver patch hotfix runtime sdk jdk ' +
    'section sections sec clause clauses article articles chapter chapters paragraph paragraphs para subsection appendix annex ' +
    'figure fig table item items step rule rules oid requirement theorem lemma exercise \u0083 \u0083\u0081'
  ).split(' '),
)
/** What may stand between such a word and its first number. */
const openers = new Set(['.', ':', '=', '#', '(', '"', "'", 'to', 'from', 'no', 'number', 'numbers'])
/** What may stand between the numbers of a list. */
const joints = new Set([',', ';', '/', '-', '&', 'or', 'and', 'to', 'through', 'und', 'et', 'y', 'from'])

const tab = 0x09
const lineFeed = 0x0a
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

/** `version 1.2.3.4`, `builds 1.2.3.4, 1.2.3.5 and 1.2.3.6`. */
function isInVersionList({ bytes, start }: PiiText, i: number): boolean {
  const from = Math.max(start, i - lookBackMax)
  let word = i - 1
  while (word >= from && (classes[bytes[word]] & letter) === 0 && bytes[word] !== versionSign) word--
  if (word < from) return false
  const before = String.fromCharCode(...bytes.subarray(from, i)).toLowerCase()
  const tokens = before.match(/[a-z]+|\d+(?:\.\d+)+|\u0083\u0081?|\S/g) ?? []
  let hasNumber = false
  for (let at = tokens.length - 1; at >= 0; at--) {
    const token = tokens[at]
    if (versionWords.has(token)) return true
    const isNumber = token.includes('.') && token.length > 1
    if (isNumber) hasNumber = true
    else if (!openers.has(token) && !(hasNumber || isListEnd(tokens, at) ? joints.has(token) : false)) return false
  }
  return false
}

/** Whether a number stands before the joint at `at`, so that what follows it is of the same list. */
function isListEnd(tokens: readonly string[], at: number): boolean {
  for (let i = at - 1; i >= 0; i--) {
    if (tokens[i].includes('.') && tokens[i].length > 1) return true
    if (!joints.has(tokens[i])) return false
  }
  return false
}
