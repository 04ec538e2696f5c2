import { spaceLength } from '../lines.ts'
import { classesOf } from './character-classes.ts'
import { type Chunk, createChunk, cutChunk, decodeChunk, pointBytes } from './chunk.ts'
import { exceptionEnds, exceptionPoints, exceptionPointsMax, findException } from './rules.ts'

/**
 * Splits one chunk, a run of text without white space, into words as the tokenizer of spaCy 3.8.18 does (MIT, Explosion;
 * `tokenizer.pyx`): cut it (`cutChunk`), then put together again the words that are an exception cut apart, such as the `:`
 * and `)` of `great:)`. Time and memory are linear in the chunk.
 */
export interface SplitChunk {
  /** The number of words, which fill the chunk without gaps. */
  readonly count: number
  /** Where the first `count` words end, in bytes from the chunk's start. */
  readonly ends: Int32Array
  /** True when the chunk's neighbours had no say. */
  readonly alone: boolean
}

/**
 * The words of the chunk `bytes[start, end)` of `bytes[textStart, textEnd)`. One that fits `room` is split there, and `ends` is a part of
 * it: a caller makes one room for many chunks.
 */
export function splitChunk(
  bytes: Uint8Array,
  start: number,
  end: number,
  textStart: number,
  textEnd: number,
  room: Chunk,
): SplitChunk {
  const chunk = cutBytes(bytes, start, end, room)
  const alone = !hasApart(chunk)
  if (!alone)
    joinExceptions(chunk, chunksBefore(bytes, textStart, start, chunk), chunksAfter(bytes, end, textEnd, chunk))
  if (chunk.length !== end - start) toByteEnds(chunk)
  return { count: chunk.count, ends: chunk.ends, alone }
}

/**
 * By exception, where its words end when nothing is an exception; by the pair of points that such an exception begins with, how many points
 * the longest has; the pairs of points that meet where it is cut.
 */
const { apartEnds, apartLengths, apartPairs } = cutExceptions()

function cutExceptions(): { apartEnds: Int32Array[]; apartLengths: Map<number, number>; apartPairs: Set<number> } {
  const apartEnds: Int32Array[] = []
  const apartLengths = new Map<number, number>()
  const apartPairs = new Set<number>()
  const chunk = createChunk(exceptionPointsMax)
  for (const points of exceptionPoints()) {
    chunk.points.set(points)
    chunk.classes.set(points.map(point => classesOf[point]))
    chunk.length = points.length
    cutChunk(chunk, false)
    apartEnds.push(chunk.ends.slice(0, chunk.count))
    if (chunk.count > 1) {
      const pair = pairOf(points[0], points[1])
      apartLengths.set(pair, Math.max(points.length, apartLengths.get(pair) ?? 0))
    }
    for (const end of chunk.ends.subarray(0, chunk.count - 1)) apartPairs.add(pairOf(points[end - 1], points[end]))
  }
  return { apartEnds, apartLengths, apartPairs }
}

/** The lengths of pairs of ASCII as a table: most words begin so, and one of apostrophes alone asks at each. */
const asciiLengths = tabulateAscii()

function tabulateAscii(): Uint8Array {
  const lengths = new Uint8Array(128 * 128)
  for (const [left, right = 128] of exceptionPoints())
    if ((left | right) < 128) lengths[(left << 7) | right] = apartLengths.get(pairOf(left, right)) ?? 0
  return lengths
}

function apartLengthOf(left: number, right: number): number {
  return (left | right) < 128 ? asciiLengths[(left << 7) | right] : (apartLengths.get(pairOf(left, right)) ?? 0)
}

function pairOf(left: number, right: number): number {
  return left * 0x110000 + right
}

/**
 * Words that together are an exception cut apart become that exception's words. Where several such runs overlap, the one of
 * most words wins, then the first; one that lost still keeps others away. So does one that reaches over a single space into a
 * neighbour, although it is no exception with the space in it.
 */
function joinExceptions(chunk: Chunk, before: readonly Chunk[], after: readonly Chunk[]): void {
  const context = concatChunks([...before, chunk, ...after])
  const first = before.reduce((sum, neighbour) => sum + neighbour.count, 0)
  const last = first + chunk.count
  const offset = before.reduce((sum, neighbour) => sum + neighbour.length, 0)
  const chosen = chooseApart(context, first, last)
  const { points, ends } = context
  const joined = new Int32Array(chunk.length)
  let count = 0
  for (let i = first; i < last; i++) {
    if (chosen[i] === 0) joined[count++] = ends[i] - offset
    else {
      const start = i === 0 ? 0 : ends[i - 1]
      i += chosen[i] - 1
      const within = exceptionEnds(findException(points, start, ends[i]))
      for (let word = 0; word < within.length; word++) joined[count++] = start + within[word] - offset
    }
  }
  chunk.ends.set(joined.subarray(0, count))
  chunk.count = count
}

/** By word, how many words from there become an exception's; 0 for none. Only runs inside `[first, last)` are chosen. */
function chooseApart(context: Chunk, first: number, last: number): Uint8Array {
  const { count } = context
  const found = new Uint16Array(count)
  const taken = new Uint8Array(count)
  const chosen = new Uint8Array(count)
  let lengths = 0
  for (let i = 0; i + 1 < count; i++) lengths |= found[i] = apartFrom(context, i)
  for (let words = exceptionPointsMax; words > 1; words--)
    for (let i = 0; i < count && lengths & (1 << words); i++) {
      if ((found[i] & (1 << words)) === 0) continue
      if (i >= first && i + words <= last && taken[i] + taken[i + words - 1] === 0) chosen[i] = words
      for (let word = i; word < i + words; word++) taken[word] = 1
    }
  return chosen
}

function hasApart(chunk: Chunk): boolean {
  for (let i = 0; i + 1 < chunk.count; i++) if (apartFrom(chunk, i) !== 0) return true
  return false
}

/** Bit n is set when an exception cut apart begins with word `i` that has n words. */
function apartFrom({ points, ends, count }: Chunk, i: number): number {
  const start = i === 0 ? 0 : ends[i - 1]
  const lengthMax = apartLengthOf(points[start], points[start + 1])
  // Such an exception is two words of a point each. A text of apostrophes has one at each word, which is not looked up.
  if (lengthMax === 2) return i + 1 < count && ends[i] - start === 1 && ends[i + 1] - start === 2 ? 4 : 0
  let found = 0
  for (let last = i + 1; last < count && ends[last] - start <= lengthMax; last++) {
    const exception = findException(points, start, ends[last])
    if (exception >= 0 && isApart(ends, i, last, start, apartEnds[exception])) found |= 1 << (last - i + 1)
  }
  return found
}

function isApart(ends: Int32Array, first: number, last: number, start: number, apart: Int32Array): boolean {
  if (apart.length !== last - first + 1) return false
  for (let i = first; i < last; i++) if (ends[i] - start !== apart[i - first]) return false
  return true
}

/**
 * Longer chunks are no neighbours, unlike spaCy's: what they cost must not be paid again for each short chunk beside them.
 */
const neighbourBytesMax = 256

/** The chunks before `start`, each one space apart, as far as a run of words that is an exception may reach. */
function chunksBefore(bytes: Uint8Array, textStart: number, start: number, chunk: Chunk): Chunk[] {
  const found: Chunk[] = []
  let right = chunk
  for (let reach = 0; reach < exceptionPointsMax && start > textStart && bytes[start - 1] === 0x20; ) {
    const end = start - 1
    start = end
    while (start > textStart && end - start <= neighbourBytesMax && !endsInSpace(bytes, textStart, start)) start--
    if (start === end || end - start > neighbourBytesMax) break
    const left = cutBytes(bytes, start, end)
    if (!apartPairs.has(pairOf(left.points[left.length - 1], right.points[0]))) break
    found.push(left)
    right = left
    reach += left.length
  }
  return found.reverse()
}

function chunksAfter(bytes: Uint8Array, end: number, textEnd: number, chunk: Chunk): Chunk[] {
  const found: Chunk[] = []
  let left = chunk
  for (let reach = 0; reach < exceptionPointsMax && end < textEnd && bytes[end] === 0x20; ) {
    const start = end + 1
    end = start
    while (end < textEnd && end - start <= neighbourBytesMax && spaceLength(bytes, end, textEnd) === 0) end++
    if (start === end || end - start > neighbourBytesMax) break
    const right = cutBytes(bytes, start, end)
    if (!apartPairs.has(pairOf(left.points[left.length - 1], right.points[0]))) break
    found.push(right)
    left = right
    reach += right.length
  }
  return found
}

function endsInSpace(bytes: Uint8Array, start: number, end: number): boolean {
  for (let length = 1; length <= 3 && end - length >= start; length++)
    if (spaceLength(bytes, end - length, end) === length) return true
  return false
}

/** Cuts a chunk in `room`, where it fits that, or in memory of its own. */
function cutBytes(bytes: Uint8Array, start: number, end: number, room?: Chunk): Chunk {
  const chunk = room && end - start <= room.points.length ? room : createChunk(end - start)
  decodeChunk(chunk, bytes, start, end)
  cutChunk(chunk, true)
  return chunk
}

function concatChunks(chunks: readonly Chunk[]): Chunk {
  if (chunks.length === 1) return chunks[0]
  const all = createChunk(chunks.reduce((sum, chunk) => sum + chunk.length, 0))
  for (const { points, ends, length, count } of chunks) {
    all.points.set(points.subarray(0, length), all.length)
    for (let word = 0; word < count; word++) all.ends[all.count++] = all.length + ends[word]
    all.length += length
  }
  return all
}

function toByteEnds(chunk: Chunk): void {
  const { points, ends, count } = chunk
  let byte = 0
  let point = 0
  for (let word = 0; word < count; word++) {
    while (point < ends[word]) byte += pointBytes(points[point++])
    ends[word] = byte
  }
}
