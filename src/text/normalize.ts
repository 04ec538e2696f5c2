import { lastPointStart, lengthOf, pointAt } from './bytes.ts'
import { pointsOf } from './code-points.ts'
import { invisiblePoints, isInvisible } from './invisible.ts'
import { spellsSomething } from './joiners.ts'

/**
 * Normal form of a text, on its UTF-8 bytes: NFC; `\n` alone ends a line; no control character, and none that shows nothing unless it
 * spells something there (`joiners.ts`: Persian and Indic words, emoji, variants of ideographs); no white space at line ends; at most
 * two blank lines in a row and none at either end. Normalising twice changes nothing.
 *
 * Line ends are those that must break a line by UAX #14 (CR LF, CR, VT, FF, NEL, LS, PS), so a page break does not join words.
 * The indent of the first line stays: it may be code.
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

/** Blocks of the BMP with a character that shows nothing. */
const invisibleBlocks = markInvisible()

function markInvisible(): Uint8Array {
  const blocks = new Uint8Array(1024)
  for (const point of invisiblePoints) if (point < 0x10000) blocks[point >> 6] = 1
  return blocks
}

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
      needs |= inspectPoint(bytes, i, start, end)
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

function inspectPoint(bytes: Uint8Array, at: number, start: number, end: number): number {
  const lead = bytes[at]
  const second = at + 1 < end ? bytes[at + 1] : 0
  if (lead < 0xcc) return lead === 0xc2 && (second < 0xa0 || second === 0xad) ? needsCleaning : 0
  if (lead < 0xe0) {
    const block = lead & 0x1f
    const needs = composable[block] && isComposable((block << 6) | (second & 0x3f)) ? needsComposing : 0
    return invisibleBlocks[block] && isIdle(bytes, at, start, end) ? needs | needsCleaning : needs
  }
  // Pictures and the ideographs of plane 2 before its compatibility block.
  if (lead >= 0xf0) {
    if (lead === 0xf0 && second >= 0x9f && second < 0xaf) return 0
    return isIdle(bytes, at, start, end) ? needsComposing | needsCleaning : needsComposing
  }
  const block = ((lead & 0x0f) << 6) | (second & 0x3f)
  const point = (block << 6) | ((at + 2 < end ? bytes[at + 2] : 0) & 0x3f)
  const needs = composable[block] && isComposable(point) ? needsComposing : 0
  return isLineEnd(point) || (invisibleBlocks[block] && isIdle(bytes, at, start, end)) ? needs | needsCleaning : needs
}

/** Whether the character at `at` shows nothing and spells nothing. What is before it is kept, or else the text needs cleaning anyway. */
function isIdle(bytes: Uint8Array, at: number, start: number, end: number): boolean {
  if (!isInvisible(pointAt(bytes, at))) return false
  return !spellsSomething(bytes, at, start, end, lastPoint(bytes, start, at))
}

/** The last code point of `bytes[start, end)`, or 0. */
function lastPoint(bytes: Uint8Array, start: number, end: number): number {
  return end > start ? pointAt(bytes, lastPointStart(bytes, start, end)) : 0
}

function isLineEnd(point: number): boolean {
  return point === 0x2028 || point === 0x2029
}

const lineEndFlag = 8
const removedFlag = 16
/** Shows nothing: removed, unless it spells something. */
const invisibleFlag = 32

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
    } else if (isKept(kind) || (kind & invisibleFlag && spellsSomething(bytes, i, start, end, lastPoint(out, at, to))))
      for (let j = i; j < next; j++) out[to++] = bytes[j]
    i = next
  }
  to = trimLine(out, line, to)
  while (to > at && out[to - 1] === newline) to--
  return to
}

function isKept(kind: number): boolean {
  return (kind & (removedFlag | invisibleFlag)) === 0
}

/** The size of what stands at `at`, with `lineEndFlag`, `removedFlag` or `invisibleFlag`. Bytes that begin no character are removed. */
function classifySpecial(bytes: Uint8Array, at: number, end: number): number {
  const lead = bytes[at]
  if (lead < 0x80) {
    if (lead === 0x0d) return at + 1 < end && bytes[at + 1] === newline ? 2 | lineEndFlag : 1 | lineEndFlag
    return lead >= newline && lead < 0x0d ? 1 | lineEndFlag : 1 | removedFlag
  }
  if (lead < 0xc2) return 1 | removedFlag
  const size = lengthOf(lead)
  if (at + size > end) return size
  const point = pointAt(bytes, at)
  if (point < 0xa0) return point === 0x85 ? 2 | lineEndFlag : 2 | removedFlag
  if (isInvisible(point)) return size | invisibleFlag
  return isLineEnd(point) ? size | lineEndFlag : size
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
