import { classes, digit, phonePrefix, wordByte } from './bytes.ts'
import type { PiiText } from './spans.ts'

const at = 0x40
const dot = 0x2e
const hyphen = 0x2d

/** Whether there are `count` digits from `from` on. */
export function isDigits({ bytes, end }: PiiText, from: number, count: number): boolean {
  if (from + count > end) return false
  for (let i = from; i < from + count; i++) if ((classes[bytes[i]] & digit) === 0) return false
  return true
}

/** Not within a word, an address, a version or a longer number. */
export function isNumberEnd({ bytes, end }: PiiText, to: number): boolean {
  if (to === end) return true
  if (classes[bytes[to]] & wordByte || bytes[to] === at) return false
  const next = to + 1 < end ? bytes[to + 1] : 0
  return bytes[to] === hyphen ? (classes[next] & wordByte) === 0 : bytes[to] !== dot || (classes[next] & digit) === 0
}

export function isPhoneStart({ bytes, start }: PiiText, i: number): boolean {
  return i === start || (classes[bytes[i - 1]] & phonePrefix) !== 0
}
