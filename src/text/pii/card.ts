import { classes, digit, separator, wordByte } from './bytes.ts'
import { isNumberEnd } from './number.ts'
import type { PiiText } from './spans.ts'

const digitsMax = 19
const space = 0x20
const dot = 0x2e
const hyphen = 0x2d

/**
 * Where a payment card's number from `i` on ends, or -1: 13 to 19 digits, whole or in groups with one space or hyphen between, of a network
 * that issues cards (ISO/IEC 7812, the ranges of Visa, Mastercard, American Express, Discover, Diners, JCB, UnionPay and Maestro), whose
 * check digit is right (ISO/IEC 7812-1, annex B, Luhn's).
 */
export function findCardEnd(text: PiiText, i: number): number {
  const { bytes, start, end } = text
  const before = i > start ? bytes[i - 1] : 0x20
  if (classes[before] & wordByte || before === dot || before === hyphen) return -1
  const digits: number[] = []
  const groups = [0]
  let found = -1
  let gap = 0
  for (let p = i; ; p++) {
    if (p < end && classes[bytes[p]] & digit) {
      if (digits.push(bytes[p] - 0x30) > digitsMax) return found
      groups[groups.length - 1]++
      continue
    }
    const isWritten = groups.length === 1 || (layouts.has(groups.join(' ')) && !isInColumns(text, i, p))
    if (isWritten && isNumberEnd(text, p) && isIssued(digits) && isChecked(digits)) found = p
    // Groups are parted alike.
    const isGap = p < end && classes[bytes[p]] & separator && bytes[p] !== dot && (gap === 0 || gap === bytes[p])
    if (!isGap || groups.length > 4) return found
    gap = bytes[p]
    groups.push(0)
  }
}

/** How numbers in groups are printed on cards. */
const layouts = new Set(['4 4 4 4', '4 4 4 4 3', '4 6 5', '4 6 4', '4 3 3 3'])

/** Whether words with digits stand a space before or behind, as in a table of numbers, where some have a right check digit by chance. */
function isInColumns({ bytes, start, end }: PiiText, from: number, to: number): boolean {
  const before = from - 2 >= start && bytes[from - 1] === space && classes[bytes[from - 2]] & wordByte
  if (before && hasDigit(bytes, Math.max(start, from - 6), from - 1)) return true
  const after = to + 1 < end && bytes[to] === space && classes[bytes[to + 1]] & digit
  return after !== false && after !== 0
}

function hasDigit(bytes: Uint8Array, from: number, to: number): boolean {
  for (let i = to - 1; i >= from && classes[bytes[i]] & wordByte; i--) if (classes[bytes[i]] & digit) return true
  return false
}

/** First digits, and how many digits a number that begins so has. */
const networks: readonly [first: number, last: number, lengths: readonly number[]][] = [
  [4, 4, [13, 16, 19]],
  [51, 55, [16]],
  [2221, 2720, [16]],
  [34, 34, [15]],
  [37, 37, [15]],
  [6011, 6011, [16, 19]],
  [644, 649, [16, 19]],
  [65, 65, [16, 19]],
  [300, 305, [14]],
  [36, 36, [14]],
  [38, 39, [14]],
  [3528, 3589, [16]],
  [62, 62, [16, 17, 18, 19]],
  [5018, 5018, [16]],
  [5020, 5020, [16]],
  [5038, 5038, [16]],
  [6304, 6304, [16]],
  [6759, 6763, [16]],
]

function isIssued(digits: readonly number[]): boolean {
  const head = digits.slice(0, 4).join('')
  return networks.some(([first, last, lengths]) => {
    const start = Number(head.slice(0, String(first).length))
    return start >= first && start <= last && lengths.includes(digits.length)
  })
}

function isChecked(digits: readonly number[]): boolean {
  let sum = 0
  for (let i = 0; i < digits.length; i++) {
    const value = digits[digits.length - 1 - i]
    const doubled = value > 4 ? value * 2 - 9 : value * 2
    sum += i % 2 ? doubled : value
  }
  // A number of one digit alone is filler, as 0000 0000 0000 0000.
  return sum % 10 === 0 && new Set(digits).size > 1
}
