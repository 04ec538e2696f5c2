import { classes, digit, separator } from './bytes.ts'
import { findQuadEnd } from './ip-address.ts'
import { isDigits, isNumberEnd, isPhoneStart } from './number.ts'
import type { PiiText } from './spans.ts'

const dot = 0x2e
const space = 0x20
const open = 0x28
const close = 0x29
const zero = 0x30

/** A number of North America (as dolma, but with separators) or a Chinese mobile number. */
export function findNationalEnd(text: PiiText, i: number): number {
  const { bytes } = text
  if (bytes[i] !== 0x31) return isPhoneStart(text, i) ? findAmericanEnd(text, i, i) : -1
  if (!isPhoneStart(text, i)) return -1
  if (isDigits(text, i, 3) && bytes[i + 1] >= 0x33) return findMobileEnd(text, i)
  if ((classes[bytes[i + 1]] & separator) === 0) return -1
  return findAmericanEnd(text, i, bytes[i + 2] === open ? i + 3 : i + 2)
}

/** Area code and exchange begin with 2 to 9. `(202) 555-0143`, `202-555-0143`, `1.202.555.0143`; never ten bare digits. */
function findAmericanEnd(text: PiiText, i: number, area: number): number {
  const { bytes, start } = text
  if (!isDigits(text, area, 3) || bytes[area] < 0x32) return -1
  let p = area + 3
  const opened = area > start && bytes[area - 1] === open
  if (opened ? bytes[p] !== close : (classes[bytes[p]] & separator) === 0) return -1
  p++
  if (opened && classes[bytes[p]] & separator) p++
  if (!isDigits(text, p, 3) || bytes[p] < 0x32 || (classes[bytes[p + 3]] & separator) === 0) return -1
  return isDigits(text, p + 4, 4) ? endPhone(text, i, p + 8) : -1
}

/** 1[3-9] and nine digits, whole or as 3-4-4. */
function findMobileEnd(text: PiiText, i: number): number {
  const { bytes } = text
  const gap = classes[bytes[i + 3]] & separator ? 1 : 0
  if (!isDigits(text, i + 3 + gap, 4) || (gap && (classes[bytes[i + 8]] & separator) === 0)) return -1
  return isDigits(text, i + 7 + 2 * gap, 4) ? endPhone(text, i, i + 11 + 2 * gap) : -1
}

/** E.164 has 15 digits at most. Fewer than ten in one piece, or a single dot, are a number that has a sign. */
export function findInternationalEnd(text: PiiText, i: number): number {
  const { bytes, end } = text
  if (!isPhoneStart(text, i) || !isDigits(text, i + 1, 1) || bytes[i + 1] === zero) return -1
  let found = -1
  let gaps = 0
  let dots = 0
  for (let p = i + 1, digits = 0; ; ) {
    for (; p < end && classes[bytes[p]] & digit && digits <= 15; p++) digits++
    if (digits > 15) break
    if (digits >= (gaps > 0 ? 8 : 10) && (gaps > 1 || dots === 0)) found = p
    const gap = measureGap(text, p)
    if (gap === 0) break
    gaps++
    if (bytes[p] === dot) dots++
    p += gap
  }
  return found > 0 && findQuadEnd(text, i + 1) < 0 ? endPhone(text, i, found) : -1
}

/** One or two separators or brackets with a digit behind; 0 for none. */
function measureGap({ bytes, end }: PiiText, from: number): number {
  let p = from
  while (p < end && p - from < 2 && (classes[bytes[p]] & separator || bytes[p] === open || bytes[p] === close)) p++
  return p < end && classes[bytes[p]] & digit ? p - from : 0
}

/** `to` when nothing after it goes on with the number, and nothing around it makes it a column of numbers; else -1. */
function endPhone(text: PiiText, from: number, to: number): number {
  const { bytes, start, end } = text
  if (!isNumberEnd(text, to)) return -1
  const matched = bytes.subarray(from, to)
  if (!matched.includes(space) || matched.includes(close)) return to
  const before = from - start >= 2 && bytes[from - 1] === space && classes[bytes[from - 2]] & digit
  const after = to + 1 < end && bytes[to] === space && classes[bytes[to + 1]] & digit
  return before || after ? -1 : to
}
