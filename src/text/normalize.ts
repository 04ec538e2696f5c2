import { pointsOf } from './code-points.ts'

/**
 * Normal form of a text, on its UTF-8 bytes: NFC; `\n` alone ends a line; no control, zero-width or byte order mark; no white
 * space at line ends; at most two blank lines in a row and none at either end. Normalising twice changes nothing.
 *
 * Line ends are those that must break a line by UAX #14 (CR LF, CR, VT, FF, NEL, LS, PS), so a page break does not join words.
 * ZWJ and ZWNJ stay: they spell Persian and Indic words and emoji. The indent of the first line stays: it may be code.
 */

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
const encoder = new TextEncoder()

const newline = 0x0a
const blankLinesMax = 2

/** What a text needs, as bits. */
export const needsCleaning = 1
export const needsComposing = 2

/**
 * Blocks of 64 code points of the BMP (code point >> 6, hexadecimal) where NFC may change a text that has one of their
 * characters: `NFC_Quick_Check` is No or Maybe, or it is a combining mark. A test holds it against the running Unicode version.
 */
const composableRanges = 'c-e 12 16-43 45-47 4d 5c-70 73 77 7c-80 83-84 8c ab b3 b5 b7 c0 c2 298-2af 3e4-3ed 3f8'
const composable = new Uint8Array(1024)
for (const block of pointsOf(composableRanges)) composable[block] = 1

/** Whether a composable block's character is one that NFC looks at, where the block's others are common. */
function isComposable(point: number): boolean {
  switch (point >> 6) {
    case 0x0e: // Greek capitals
      return point === 0x387
    case 0x80: // typographic quotes and dashes
      return point === 0x2000 || point === 0x2001
    case 0xc0: // ideographic punctuation
      return point >= 0x302a && point <= 0x302f
    case 0xc2: // kana
      return point === 0x3099 || point === 0x309a
    default:
      return true
  }
}

/** What `bytes[start, end)` needs to become normal: 0, `needsCleaning`, `needsComposing` or both. Reads each byte once. */
export function inspectText(bytes: Uint8Array, start: number, end: number): number {
  if (start === end) return 0
  const blankEnds = bytes[start] === newline || bytes[end - 1] === newline || spaceBefore(bytes, start, end) > 0
  let needs = blankEnds ? needsCleaning : 0
  for (let i = start; i < end; i++) {
    const byte = bytes[i]
    if (byte >= 0x20 && byte < 0x7f) continue
    if (byte >= 0xc2) {
      needs |= inspectPoint(bytes, i, end)
      i += byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3
    } else if (byte === newline) {
      if (spaceBefore(bytes, start, i) > 0 || isFourthNewline(bytes, start, i)) needs |= needsCleaning
    } else if (byte !== 0x09) needs |= needsCleaning
  }
  return needs
}

function isFourthNewline(bytes: Uint8Array, start: number, at: number): boolean {
  return at - start >= 3 && bytes[at - 1] === newline && bytes[at - 2] === newline && bytes[at - 3] === newline
}

/** The size of the white space (space, tab, no-break space, ideographic space) that ends just before `at`, or 0. */
function spaceBefore(bytes: Uint8Array, start: number, at: number): number {
  const last = at > start ? bytes[at - 1] : 0
  if (last === 0x20 || last === 0x09) return 1
  if (last === 0xa0 && at - start >= 2 && bytes[at - 2] === 0xc2) return 2
  return last === 0x80 && at - start >= 3 && bytes[at - 2] === 0x80 && bytes[at - 3] === 0xe3 ? 3 : 0
}

function inspectPoint(bytes: Uint8Array, at: number, end: number): number {
  const lead = bytes[at]
  const second = at + 1 < end ? bytes[at + 1] : 0
  if (lead < 0xcc) return lead === 0xc2 && second < 0xa0 ? needsCleaning : 0
  if (lead < 0xe0) {
    const block = lead & 0x1f
    return composable[block] && isComposable((block << 6) | (second & 0x3f)) ? needsComposing : 0
  }
  // Pictures and the ideographs of plane 2 before its compatibility block.
  if (lead >= 0xf0) return lead === 0xf0 && second >= 0x9f && second < 0xaf ? 0 : needsComposing
  const block = ((lead & 0x0f) << 6) | (second & 0x3f)
  const point = (block << 6) | ((at + 2 < end ? bytes[at + 2] : 0) & 0x3f)
  if (isRemoved(point) || isLineEnd(point)) return needsCleaning
  return composable[block] && isComposable(point) ? needsComposing : 0
}

/** Zero-width space, word joiner, byte order mark. */
function isRemoved(point: number): boolean {
  return point === 0x200b || point === 0x2060 || point === 0xfeff
}

function isLineEnd(point: number): boolean {
  return point === 0x2028 || point === 0x2029
}

const lineEndFlag = 8
const removedFlag = 16

/**
 * Writes the cleaned `bytes[start, end)` to `out` from `at` on, and returns where it ends: at most `end - start` bytes further.
 * A byte is written once and taken back at most once.
 */
export function cleanText(bytes: Uint8Array, start: number, end: number, out: Uint8Array, at: number): number {
  let to = at
  let line = at
  let blanks = blankLinesMax
  for (let i = start; i < end; ) {
    const byte = bytes[i]
    if ((byte >= 0x20 && byte < 0x7f) || byte === 0x09) {
      out[to++] = byte
      i++
      continue
    }
    const kind = classifySpecial(bytes, i, end)
    const next = Math.min(i + (kind & 7), end)
    if (kind & lineEndFlag) {
      to = trimLine(out, line, to)
      blanks = to > line ? 0 : blanks + 1
      if (blanks <= blankLinesMax) out[to++] = newline
      line = to
    } else if ((kind & removedFlag) === 0) for (let j = i; j < next; j++) out[to++] = bytes[j]
    i = next
  }
  to = trimLine(out, line, to)
  while (to > at && out[to - 1] === newline) to--
  return to
}

/** The size of what stands at `at`, with `lineEndFlag` or `removedFlag`. Bytes that begin no character are removed. */
function classifySpecial(bytes: Uint8Array, at: number, end: number): number {
  const lead = bytes[at]
  if (lead < 0x80) {
    if (lead === 0x0d) return at + 1 < end && bytes[at + 1] === newline ? 2 | lineEndFlag : 1 | lineEndFlag
    return lead >= newline && lead < 0x0d ? 1 | lineEndFlag : 1 | removedFlag
  }
  if (lead < 0xc2) return 1 | removedFlag
  if (lead < 0xe0) return lead === 0xc2 ? classifyControl(at + 1 < end ? bytes[at + 1] : 0) : 2
  if (lead >= 0xf0) return 4
  if ((lead !== 0xe2 && lead !== 0xef) || at + 2 >= end) return 3
  const point = ((lead & 0x0f) << 12) | ((bytes[at + 1] & 0x3f) << 6) | (bytes[at + 2] & 0x3f)
  if (isRemoved(point)) return 3 | removedFlag
  return isLineEnd(point) ? 3 | lineEndFlag : 3
}

/** A character of U+0080 to U+00BF by its second byte: NEL ends a line, the other C1 controls go. */
function classifyControl(second: number): number {
  if (second >= 0xa0) return 2
  return second === 0x85 ? 2 | lineEndFlag : 2 | removedFlag
}

function trimLine(out: Uint8Array, line: number, to: number): number {
  for (let space = spaceBefore(out, line, to); space > 0; space = spaceBefore(out, line, to)) to -= space
  return to
}

/** The bytes in NFC, by the running Node's Unicode version; the same array when nothing changed. */
export function composeText(bytes: Uint8Array): Uint8Array {
  const text = decoder.decode(bytes)
  const composed = text.normalize('NFC')
  return composed === text ? bytes : encoder.encode(composed)
}
