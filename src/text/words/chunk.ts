import { lengthOf, pointAt } from '../bytes.ts'
import { infixLength, prefixLength, suffixLength } from './affixes.ts'
import { classesOf } from './character-classes.ts'
import { exceptionEnds, findException } from './rules.ts'
import { isUrl } from './url.ts'

/** One chunk, a run of text without white space, and where its words end. */
export interface Chunk {
  readonly points: Int32Array
  /** `classesOf` each point. */
  readonly classes: Uint16Array
  /** Points in use. */
  length: number
  /** Where words end, in points. Words fill the chunk without gaps. */
  readonly ends: Int32Array
  /** Words in use. */
  count: number
}

/** Bytes that are not UTF-8 become lone surrogates, one each, so that lengths add up. */
const strayByte = 0xdc00

/** Room for a chunk of this many bytes. */
export function createChunk(bytes: number): Chunk {
  return {
    points: new Int32Array(bytes),
    classes: new Uint16Array(bytes),
    ends: new Int32Array(bytes),
    length: 0,
    count: 0,
  }
}

export function decodeChunk(chunk: Chunk, bytes: Uint8Array, start: number, end: number): void {
  let length = 0
  for (let i = start; i < end; length++) {
    const point = bytes[i] < 0x80 ? bytes[i] : decodePoint(bytes, i, end)
    chunk.points[length] = point
    chunk.classes[length] = classesOf[point]
    i += pointBytes(point)
  }
  chunk.length = length
}

/** The code point at `at`, whose byte is not ASCII. */
export function decodePoint(bytes: Uint8Array, at: number, end: number): number {
  const lead = bytes[at]
  const length = lengthOf(lead)
  if (lead < 0xc2 || lead > 0xf4 || at + length > end) return strayByte | lead
  for (let i = at + 1; i < at + length; i++) if ((bytes[i] & 0xc0) !== 0x80) return strayByte | lead
  const point = pointAt(bytes, at)
  const isValid =
    length === 2 || (length === 3 ? point >= 0x800 && point >> 11 !== 0x1b : point >= 0x10000 && point < 0x110000)
  return isValid ? point : strayByte | lead
}

/** The length in bytes of a point that `decodePoint` returned. */
export function pointBytes(point: number): number {
  if (point < 0x80) return 1
  if (point < 0x800) return 2
  return point >= 0x10000 ? 4 : point >> 10 === strayByte >> 10 ? 1 : 3
}

/**
 * Cuts a decoded chunk into words: prefixes and suffixes, until an exception is left or nothing more comes off; then an
 * exception or an address stays as it is and anything else is cut at infixes. `exceptions` false cuts exceptions too.
 *
 * Suffixes wait at the back of `ends`: every word has a point of its own, so both sides never meet.
 */
export function cutChunk(chunk: Chunk, exceptions: boolean): void {
  const { points, classes, ends, length } = chunk
  let start = 0
  let end = length
  let waiting = length
  let exception = -1
  chunk.count = 0
  while (start < end) {
    exception = exceptions ? findException(points, start, end) : -1
    if (exception >= 0) break
    const prefix = prefixLength(points, classes, start, end)
    if (prefix > 0 && exceptions) exception = findException(points, start + prefix, end)
    const suffix = exception >= 0 ? 0 : suffixLength(points, classes, start + prefix, end)
    const found = suffix > 0 && exceptions ? findException(points, start, end - suffix) : -1
    if (found >= 0) exception = found
    else if (prefix > 0) ends[chunk.count++] = start += prefix
    if (suffix > 0) {
      ends[--waiting] = end
      end -= suffix
    }
    if (exception >= 0 || prefix + suffix === 0) break
  }
  if (exception >= 0) pushException(chunk, start, exception)
  else if (start < end) cutMiddle(chunk, start, end)
  ends.copyWithin(chunk.count, waiting, length)
  chunk.count += length - waiting
}

function pushException(chunk: Chunk, start: number, exception: number): void {
  for (const end of exceptionEnds(exception)) chunk.ends[chunk.count++] = start + end
}

function cutMiddle(chunk: Chunk, start: number, end: number): void {
  const { points, classes, ends } = chunk
  if (!isUrl(points, start, end)) {
    let from = start
    for (let i = start; i < end; ) {
      const infix = infixLength(points, classes, start, i, end)
      if (infix > 0 && i > start) {
        if (i > from) ends[chunk.count++] = i
        ends[chunk.count++] = from = i + infix
      }
      i += infix || 1
    }
    if (from === end) return
  }
  ends[chunk.count++] = end
}
