import type { Utf8Column } from '../../batch/batch.ts'
import { equalsAt } from '../bytes.ts'
import { spaceLength } from '../lines.ts'
import { createChunk } from './chunk.ts'
import { exceptionPoints } from './rules.ts'
import { splitChunk } from './split.ts'

/**
 * English words, as datatrove 0.10.1 counts them: the tokens of spaCy 3.8.18's blank `en` tokenizer that are not white space.
 * Text of any language is split by these same rules.
 *
 * Known differences, all rare: the string `IS_ALPHA`, which breaks spaCy, is a word as any other; addresses whose numbers are
 * not ASCII (`url.ts`); runs of smileys beside very long words (`neighbourBytesMax` in `split.ts`).
 */
export interface Words {
  /** rows + 1 values: row i has the words from `rows[i]` up to `rows[i + 1]`. */
  readonly rows: Int32Array
  /** Where each word starts, in the column's bytes. */
  readonly starts: Int32Array
  /** Where each word ends. */
  readonly ends: Int32Array
}

/** Words that grow. */
interface WordBuffer {
  starts: Int32Array
  ends: Int32Array
  count: number
}

const shared = new WeakMap<Utf8Column, Words>()

/** The words of every row. They are computed once for a column, whoever asks. */
export function splitWords(text: Utf8Column): Words {
  const known = shared.get(text)
  if (known !== undefined) return known
  const { offsets, bytes } = text
  const rows = new Int32Array(offsets.length)
  const buffer = createBuffer((offsets[offsets.length - 1] - offsets[0]) >> 2)
  for (let row = 0; row + 1 < offsets.length; row++) {
    appendWords(buffer, bytes, offsets[row], offsets[row + 1])
    rows[row + 1] = buffer.count
  }
  const words = { rows, starts: buffer.starts.slice(0, buffer.count), ends: buffer.ends.slice(0, buffer.count) }
  shared.set(text, words)
  return words
}

/** The words of one text, `bytes[start, end)`. `rows` is [0, number of words]. */
export function splitText(bytes: Uint8Array, start: number, end: number): Words {
  const buffer = createBuffer((end - start) >> 2)
  appendWords(buffer, bytes, start, end)
  const { starts, ends, count } = buffer
  return { rows: Int32Array.of(0, count), starts: starts.subarray(0, count), ends: ends.subarray(0, count) }
}

/** What a byte of a chunk is for the fast path. */
const LETTER = 1
const ASCII_SPACE = 2
/** A quote or bracket that a word may follow. */
const OPENING = 4
/** Ends a chunk, or stands before one more mark that does. */
const MARK = 8
/** Ends a chunk, alone: with a bracket it would be a smiley. */
const LAST = 16
/** May begin white space that is not ASCII. */
const WIDE = 32

const kinds = markKinds()

function markKinds(): Uint8Array {
  const table = new Uint8Array(256)
  const mark = (kind: number, points: Iterable<number>) => {
    for (const point of points) table[point] |= kind
  }
  const codes = (characters: string) => Buffer.from(characters, 'latin1')
  mark(LETTER, codes('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'))
  mark(OPENING, codes('"('))
  mark(MARK, codes(',.!?)]"'))
  mark(LAST, codes(';:'))
  for (let byte = 0; byte < 0x80; byte++) if (spaceLength(Uint8Array.of(byte), 0, 1) > 0) mark(ASCII_SPACE, [byte])
  mark(WIDE, [0xc2, 0xe1, 0xe2, 0xe3])
  return table
}

/** Words of letters alone that an exception may be, by first letter, last letter and length: the fast path leaves them alone. */
const suspects = markSuspects()
const suspectLengthMax = 15

function markSuspects(): Uint8Array {
  const table = new Uint8Array(32 * 32 * 16)
  for (const points of exceptionPoints()) {
    const word = String.fromCodePoint(...points).match(/^([a-z]+)\.?$/i)?.[1]
    if (word !== undefined && word.length > 1) {
      const codes = Buffer.from(word)
      table[suspectIndex(codes[0], codes[codes.length - 1], codes.length)] = 1
    }
  }
  return table
}

function suspectIndex(first: number, last: number, length: number): number {
  return ((first & 31) << 9) | ((last & 31) << 4) | length
}

/** Appends the words of `bytes[start, end)`. */
function appendWords(buffer: WordBuffer, bytes: Uint8Array, start: number, end: number): void {
  let at = start
  while (at < end) {
    const kind = kinds[bytes[at]]
    if (kind & ASCII_SPACE) at++
    else if (kind & WIDE && spaceLength(bytes, at, end) > 0) at += spaceLength(bytes, at, end)
    else at = appendPlain(buffer, bytes, at, end) || appendChunk(buffer, bytes, start, at, end)
  }
}

/** Appends the chunk at `start` when it is `["(]letters[marks]` and no exception, and returns its end; 0 otherwise. */
function appendPlain(buffer: WordBuffer, bytes: Uint8Array, start: number, end: number): number {
  const opening = kinds[bytes[start]] & OPENING ? 1 : 0
  const from = start + opening
  let at = from
  while (at < end && kinds[bytes[at]] & LETTER) at++
  const length = at - from
  if (length === 0 || (length === 1 && opening > 0)) return 0
  if (length <= suspectLengthMax && suspects[suspectIndex(bytes[from], bytes[at - 1], length)]) return 0
  const marks = countMarks(bytes, at, end, length)
  if (marks < 0) return 0
  if (buffer.count + 4 > buffer.starts.length) growBuffer(buffer, 4)
  const { starts, ends } = buffer
  let count = buffer.count
  if (opening > 0) {
    starts[count] = start
    ends[count++] = from
  }
  starts[count] = from
  ends[count++] = at
  for (let mark = 0; mark < marks; mark++) {
    starts[count] = at
    ends[count++] = ++at
  }
  buffer.count = count
  return at
}

/** The number of marks, 0 to 2, that end the chunk after its `letters` letters; -1 when something else follows. */
function countMarks(bytes: Uint8Array, at: number, end: number, letters: number): number {
  if (at === end) return 0
  const first = bytes[at]
  const kind = kinds[first]
  if (kind & ASCII_SPACE) return 0
  if ((kind & (MARK | LAST)) === 0) return -1
  // A full stop stays with an initial, and may after other capitals.
  if (first === 0x2e && (letters === 1 || bytes[at - 1] < 0x61)) return -1
  if (at + 1 === end || kinds[bytes[at + 1]] & ASCII_SPACE) return 1
  if ((kind & kinds[bytes[at + 1]] & MARK) === 0 || (first === 0x2e && bytes[at + 1] === 0x2e)) return -1
  return at + 2 === end || kinds[bytes[at + 2]] & ASCII_SPACE ? 2 : -1
}

/**
 * Splits of chunks seen before, one record a slot: the chunk's length, its number of words, its bytes, the ends of its words.
 * A newer chunk takes an older one's slot, so the cache has a fixed size, and only what does not depend on neighbours is kept,
 * so it never changes what comes out.
 */
const recordBytes = 64
const slotBits = 15
const records = new Uint8Array(recordBytes << slotBits)
/** Where chunks are split: the usual ones fit. */
const room = createChunk(4096)

/** Appends the chunk at `start` of `bytes[textStart, end)` by the full rules and returns its end. */
function appendChunk(buffer: WordBuffer, bytes: Uint8Array, textStart: number, start: number, end: number): number {
  let at = start
  let hash = 0
  for (; at < end; at++) {
    const byte = bytes[at]
    const kind = kinds[byte]
    if (kind & (ASCII_SPACE | WIDE) && (kind & ASCII_SPACE || spaceLength(bytes, at, end) > 0)) break
    hash = Math.imul(hash ^ byte, 0x9e3779b1)
    hash ^= hash >>> 15
  }
  const record = (hash >>> (32 - slotBits)) * recordBytes
  if (isRecord(record, bytes, start, at - start)) appendRecord(buffer, record, start)
  else {
    const { count, ends, alone } = splitChunk(bytes, start, at, textStart, end, room)
    appendSplit(buffer, start, ends, count)
    if (alone && at - start + count + 2 <= recordBytes) writeRecord(record, bytes, start, at, ends, count)
  }
  return at
}

function isRecord(record: number, bytes: Uint8Array, start: number, length: number): boolean {
  return records[record] === length && equalsAt(records, record + 2, bytes, start, start + length)
}

function writeRecord(
  record: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  ends: Int32Array,
  count: number,
): void {
  const length = end - start
  records[record] = length
  records[record + 1] = count
  for (let i = 0; i < length; i++) records[record + 2 + i] = bytes[start + i]
  for (let word = 0; word < count; word++) records[record + 2 + length + word] = ends[word]
}

function appendRecord(buffer: WordBuffer, record: number, start: number): void {
  const count = records[record + 1]
  if (buffer.count + count > buffer.starts.length) growBuffer(buffer, count)
  let from = start
  const endsAt = record + 2 + records[record]
  for (let word = 0; word < count; word++) {
    buffer.starts[buffer.count] = from
    from = start + records[endsAt + word]
    buffer.ends[buffer.count++] = from
  }
}

function appendSplit(buffer: WordBuffer, start: number, ends: Int32Array, count: number): void {
  if (buffer.count + count > buffer.starts.length) growBuffer(buffer, count)
  let from = start
  for (let word = 0; word < count; word++) {
    buffer.starts[buffer.count] = from
    from = start + ends[word]
    buffer.ends[buffer.count++] = from
  }
}

function createBuffer(words: number): WordBuffer {
  return { starts: new Int32Array(words + 16), ends: new Int32Array(words + 16), count: 0 }
}

function growBuffer(buffer: WordBuffer, extra: number): void {
  const size = Math.max(buffer.starts.length * 2, buffer.count + extra)
  for (const name of ['starts', 'ends'] as const) {
    const grown = new Int32Array(size)
    grown.set(buffer[name])
    buffer[name] = grown
  }
}
