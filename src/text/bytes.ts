/**
 * Characters (code points) of UTF-8 text, on its bytes. A range of bytes is taken to hold whole characters; broken UTF-8 gives some
 * answer within the range.
 */

/** The code point that begins at `at`. */
export function pointAt(bytes: Uint8Array, at: number): number {
  const lead = bytes[at]
  if (lead < 0x80) return lead
  if (lead < 0xe0) return ((lead & 0x1f) << 6) | (bytes[at + 1] & 0x3f)
  const middle = ((bytes[at + 1] & 0x3f) << 6) | (bytes[at + 2] & 0x3f)
  if (lead < 0xf0) return ((lead & 0x0f) << 12) | middle
  return ((lead & 0x07) << 18) | (middle << 6) | (bytes[at + 3] & 0x3f)
}

/** Bytes of the character that begins with `lead`. */
export function lengthOf(lead: number): number {
  return lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4
}

/** Where the last character of `bytes[start, end)` begins; `start` when there is none. */
export function lastPointStart(bytes: Uint8Array, start: number, end: number): number {
  let at = end - 1
  while (at > start && (bytes[at] & 0xc0) === 0x80) at--
  return Math.max(at, start)
}

/** Characters (code points) of `bytes[start, end)`. */
export function countPoints(bytes: Uint8Array, start: number, end: number): number {
  let count = end - start
  for (let i = start; i < end; i++) if ((bytes[i] & 0xc0) === 0x80) count--
  return count
}

/** An ASCII digit, as a byte or as a code point. */
export function isDigit(point: number): boolean {
  return point >= 0x30 && point <= 0x39
}

/** Whether `bytes[start, end)` are the bytes of `other` from `at` on. */
export function equalsAt(other: Uint8Array, at: number, bytes: Uint8Array, start: number, end: number): boolean {
  for (; start < end; start++) if (other[at++] !== bytes[start]) return false
  return true
}
