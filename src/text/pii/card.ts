import { classes, digit, separator, wordByte } from './bytes.ts'
import { isNumberEnd } from './number.ts'
import type { PiiText } from './spans.ts'

const digitsMin = 13
const digitsMax = 19
const space = 0x20
const dot = 0x2e
const hyphen = 0x2d
const zero = 0x30

/**
 * Where a payment card's number from `i` on ends, or -1: 13 to 19 digits, whole or in groups with one space or hyphen between, of a network
 * that issues cards (ISO/IEC 7812, the ranges of Visa, Mastercard, American Express, Discover, Diners, JCB, UnionPay and Maestro), whose
 * check digit is right (ISO/IEC 7812-1, annex B, Luhn's).
 */
export function findCardEnd(text: PiiText, i: number): number {
  const { bytes, start, end } = text
  const before = i > start ? bytes[i - 1] : space
  if (classes[before] & wordByte || before === dot || before === hyphen) return -1
  let found = -1
  let gap = 0
  for (let p = i, digits = 0, group = 0, groups = 0; ; p++) {
    if (p < end && classes[bytes[p]] & digit) {
      if (++digits > digitsMax) return found
      group++
      continue
    }
    const layout = groups * 32 + group
    const isWritten = digits >= digitsMin && (groups === 0 || (layouts.has(layout) && !isInColumns(text, i, p)))
    if (isWritten && isNumberEnd(text, p) && isIssued(bytes, i, digits) && isChecked(bytes, i, p)) found = p
    // Groups are parted alike.
    const isGap = p < end && classes[bytes[p]] & separator && bytes[p] !== dot && (gap === 0 || gap === bytes[p])
    if (!isGap || layout >= 32 ** 4) return found
    gap = bytes[p]
    groups = layout
    group = 0
  }
}

/** How numbers in groups are printed on cards: the digits of each group, as a number of base 32. */
const layouts = new Set(
  ['4444', '44443', '465', '464', '4333'].map(groups =>
    [...groups].reduce((all, group) => all * 32 + Number(group), 0),
  ),
)

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

function isIssued(bytes: Uint8Array, from: number, digits: number): boolean {
  const heads = [0, 0, 0, 0, 0]
  for (let p = from, length = 1; length < heads.length; p++)
    if (classes[bytes[p]] & digit) heads[length] = heads[length++ - 1] * 10 + bytes[p] - zero
  return networks.some(([first, last, lengths]) => {
    const head = heads[String(first).length]
    return head >= first && head <= last && lengths.includes(digits)
  })
}

function isChecked(bytes: Uint8Array, from: number, to: number): boolean {
  let sum = 0
  let isDoubled = false
  let isFiller = true
  for (let p = to - 1; p >= from; p--) {
    if ((classes[bytes[p]] & digit) === 0) continue
    const value = bytes[p] - zero
    const doubled = value > 4 ? value * 2 - 9 : value * 2
    sum += isDoubled ? doubled : value
    isDoubled = !isDoubled
    // A number of one digit alone is filler, as 0000 0000 0000 0000.
    if (bytes[p] !== bytes[from]) isFiller = false
  }
  return sum % 10 === 0 && !isFiller
}
