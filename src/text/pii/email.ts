import { classes, digit, isJoined, letter, local, partedLetter, wordByte } from './bytes.ts'
import type { PiiText } from './spans.ts'

/** RFC 5321, 4.5.3.1: octets of a local part and of a domain; here of characters, as RFC 6531's addresses have more octets each. */
const localMax = 64
const domainMax = 255

const dot = 0x2e
const hyphen = 0x2d

/** Where the address around the `@` at `i` begins and ends, or null. */
export function findEmail(text: PiiText, i: number): readonly [from: number, to: number] | null {
  const from = findLocalPart(text, i)
  if (from < 0) return null
  const to = findDomainEnd(text, i + 1)
  return to < 0 ? null : [from, to]
}

/**
 * Where the local part before the `@` at `i` begins: the first byte of a word, with dots wherever they are, as some providers gave them; or
 * -1. Letters of scripts without spaces are a part of it where it has no others: `邮箱foo@` is a word and an address.
 */
function findLocalPart({ bytes, start }: PiiText, i: number): number {
  const least = Math.max(start, i - localMax - 1)
  const isLocal =
    i > start && isJoined(bytes[i - 1])
      ? (byte: number) => isJoined(byte) || byte === dot || (classes[byte] & digit) !== 0
      : (byte: number) => (classes[byte] & local) !== 0 || byte === dot || byte === partedLetter
  let from = i
  while (from > least && isLocal(bytes[from - 1])) from--
  if (i - from > localMax) return -1
  while (from < i && (classes[bytes[from]] & wordByte) === 0 && bytes[from] < partedLetter) from++
  return from < i ? from : -1
}

/** Where the longest domain from `i` ends that has two labels or more and a name, not a number, as its last; or -1. */
function findDomainEnd({ bytes, end }: PiiText, i: number): number {
  const most = Math.min(end, i + domainMax)
  let found = -1
  for (let from = i, labels = 1; ; labels++) {
    const mayBeJoined = labels === 1 || isJoined(bytes[from])
    let to = from
    while (to < most && isLabelByte(bytes[to]) && (mayBeJoined || !isJoined(bytes[to]))) to++
    if (to === from || bytes[from] === hyphen) return found
    let last = to
    while (bytes[last - 1] === hyphen) last--
    if (labels > 1 && isTopLevel(bytes, from, last)) found = last
    if (last < to || to >= most || bytes[to] !== dot) return found
    from = to + 1
  }
}

function isLabelByte(byte: number): boolean {
  return (classes[byte] & (digit | letter)) !== 0 || byte === hyphen || byte === partedLetter || isJoined(byte)
}

/** Letters alone, two or more, or punycode. */
function isTopLevel(bytes: Uint8Array, from: number, to: number): boolean {
  if (to - from < 2) return false
  if (bytes[from + 2] === hyphen && bytes[from + 3] === hyphen) return (classes[bytes[from]] & letter) !== 0
  for (let i = from; i < to; i++)
    if ((classes[bytes[i]] & letter) === 0 && bytes[i] !== partedLetter && !isJoined(bytes[i])) return false
  return true
}
