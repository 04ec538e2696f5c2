import { lastPointStart, pointAt } from './bytes.ts'

/**
 * Lines and white space of UTF-8 text as Python's `str` sees them: `splitlines`, `strip` and `isspace`. The English
 * filters are defined by them, and neither the JavaScript engine's white space nor its line ends are the same: Python's have
 * U+001C to U+001F and U+0085, and not U+FEFF.
 *
 * Every function takes a range of bytes that holds whole characters; broken UTF-8 gives some answer within the range.
 */

/** What a byte may begin: nothing of interest, white space, a line break too, or a sequence that has to be looked at. */
const SPACE = 1
const BREAK = 2
const LEAD = 4
const byteClass = buildByteClasses()

function buildByteClasses(): Uint8Array {
  const classes = new Uint8Array(256)
  for (const byte of [0x09, 0x1f, 0x20]) classes[byte] = SPACE
  for (const byte of [0x0a, 0x0b, 0x0c, 0x0d, 0x1c, 0x1d, 0x1e]) classes[byte] = SPACE | BREAK
  for (const byte of [0xc2, 0xe1, 0xe2, 0xe3]) classes[byte] = LEAD
  return classes
}

/** Bytes of the white space character that begins at `at`, or 0. */
export function spaceLength(bytes: Uint8Array, at: number, end: number): number {
  const kind = byteClass[bytes[at]]
  if (kind === 0) return 0
  return kind === LEAD ? wideSpaceLength(bytes, at, end) : 1
}

/** U+0085, U+00A0, U+1680, U+2000 to U+200A, U+2028, U+2029, U+202F, U+205F, U+3000. */
function wideSpaceLength(bytes: Uint8Array, at: number, end: number): number {
  const lead = bytes[at]
  if (lead === 0xc2) return at + 1 < end && (bytes[at + 1] === 0x85 || bytes[at + 1] === 0xa0) ? 2 : 0
  if (at + 2 >= end || (bytes[at + 1] & 0xc0) !== 0x80 || (bytes[at + 2] & 0xc0) !== 0x80) return 0
  const point = pointAt(bytes, at)
  if (lead !== 0xe2) return point === 0x1680 || point === 0x3000 ? 3 : 0
  const space = point <= 0x200a || point === 0x2028 || point === 0x2029 || point === 0x202f || point === 0x205f
  return space ? 3 : 0
}

/** Where `bytes[start, end)` begins without its leading white space. */
export function trimStart(bytes: Uint8Array, start: number, end: number): number {
  while (start < end) {
    const length = spaceLength(bytes, start, end)
    if (length === 0) break
    start += length
  }
  return start
}

/** Where `bytes[start, end)` ends without its trailing white space. */
export function trimEnd(bytes: Uint8Array, start: number, end: number): number {
  while (end > start) {
    const last = lastPointStart(bytes, start, end)
    if (spaceLength(bytes, last, end) === 0) break
    end = last
  }
  return end
}

/** The end of the line that begins at `start`: its line break (see `skipBreak`) or `end`. */
export function findBreak(bytes: Uint8Array, start: number, end: number): number {
  for (let at = start; at < end; at++) {
    const kind = byteClass[bytes[at]]
    if (kind > SPACE && breakLength(bytes, at, end) > 0) return at
  }
  return end
}

/** Where the line after the break at `at` begins. A text that ends with a break has no line after it. */
export function skipBreak(bytes: Uint8Array, at: number, end: number): number {
  return at < end ? at + breakLength(bytes, at, end) : end
}

/** LF, CR, CR LF, VT, FF, U+001C to U+001E, U+0085, U+2028, U+2029. */
function breakLength(bytes: Uint8Array, at: number, end: number): number {
  const byte = bytes[at]
  if (byte === 0x0d) return at + 1 < end && bytes[at + 1] === 0x0a ? 2 : 1
  if (byte < 0x80) return (byteClass[byte] & BREAK) === BREAK ? 1 : 0
  if (byte === 0xc2) return at + 1 < end && bytes[at + 1] === 0x85 ? 2 : 0
  const separator = byte === 0xe2 && at + 2 < end && bytes[at + 1] === 0x80 && (bytes[at + 2] & 0xfe) === 0xa8
  return separator ? 3 : 0
}

/** The next LF at or after `start`, or `end`. */
export function findNewline(bytes: Uint8Array, start: number, end: number): number {
  while (start < end && bytes[start] !== 0x0a) start++
  return start
}
