import { HeadraceError } from '../../errors.ts'
import { equalsAt } from '../bytes.ts'
import type { Reader } from './reader.ts'

/** FNV-1a with each byte's sign extended, as fastText has always hashed words and n-grams. Callers feed it byte by byte. */
export const hashBasis = 0x811c9dc5 | 0
export function hashByte(hash: number, byte: number): number {
  return Math.imul(hash ^ ((byte << 24) >> 24), 0x01000193)
}

export function hashWord(word: Uint8Array): number {
  let hash = hashBasis
  for (const byte of word) hash = hashByte(hash, byte)
  return hash
}

/** A word's row where it is one of these, as models have millions: their bytes lie one after the other. */
export class Dictionary {
  /** Words have the ids, and rows, from 0; labels the ids behind them. */
  readonly words: number
  /** Without the prefix `__label__`, most frequent first. */
  readonly labels: readonly string[]
  /** Of the labels: how often each stood in the training text. */
  readonly counts: Float64Array
  /** The bucket of each row after the words' rows; null where every bucket has a row, in order. */
  readonly bucketOfRow: Int32Array | null
  readonly #bytes: Uint8Array
  readonly #ends: Float64Array
  /** Hash and id + 1 at the place of each; 0 marks an empty one. */
  readonly #slots: Int32Array
  readonly #mask: number

  constructor(reader: Reader, buckets: number) {
    const [entries, words, labels] = reader.int32s(3)
    reader.skip(8)
    const pruned = reader.int64()
    check(words >= 0 && labels > 0 && entries === words + labels, 'no labels')
    check(pruned <= buckets, 'more n-grams than buckets')
    // An entry takes 10 bytes at least.
    reader.check(10 * entries)
    this.words = words
    this.#mask = 2 ** Math.ceil(Math.log2(2 * entries)) - 1
    this.#slots = new Int32Array(2 * (this.#mask + 1))
    this.#ends = new Float64Array(entries + 1)
    const { bytes, counts } = readEntries(reader, { entries, words }, this.#ends)
    this.#bytes = bytes
    this.counts = counts
    const nameOf = (id: number) => new TextDecoder().decode(bytes.subarray(this.#ends[id], this.#ends[id + 1]))
    this.labels = Array.from({ length: labels }, (_, i) => nameOf(words + i).replace('__label__', ''))
    for (let id = 0; id < entries; id++) this.#enter(id)
    this.bucketOfRow = pruned < 0 ? null : readBuckets(reader, pruned, buckets)
  }

  /** The id of the word `bytes[start, end)`, whose hash is given; -1 for an unknown one. */
  find(hash: number, bytes: Uint8Array, start: number, end: number): number {
    const slots = this.#slots
    for (let slot = placeOf(hash) & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const id = slots[2 * slot + 1] - 1
      if (id < 0) return -1
      if (slots[2 * slot] !== hash) continue
      const from = this.#ends[id]
      if (this.#ends[id + 1] - from === end - start && equalsAt(this.#bytes, from, bytes, start, end)) return id
    }
  }

  #enter(id: number): void {
    const [from, to] = [this.#ends[id], this.#ends[id + 1]]
    const hash = hashWord(this.#bytes.subarray(from, to))
    check(this.find(hash, this.#bytes, from, to) < 0, 'a word that stands twice')
    let slot = placeOf(hash) & this.#mask
    while (this.#slots[2 * slot + 1] !== 0) slot = (slot + 1) & this.#mask
    this.#slots[2 * slot] = hash
    this.#slots[2 * slot + 1] = id + 1
  }
}

/** FNV's low bits repeat those of the last byte. */
const placeOf = (hash: number) => hash ^ (hash >>> 15)

/** Each entry's bytes, a count and whether it is a label; labels come last. */
function readEntries(
  reader: Reader,
  { entries, words }: { readonly entries: number; readonly words: number },
  ends: Float64Array,
): { readonly bytes: Uint8Array; readonly counts: Float64Array } {
  const counts = new Float64Array(entries - words)
  let bytes = new Uint8Array(16 * entries)
  for (let id = 0; id < entries; id++) {
    const word = reader.zeroTerminated()
    const end = ends[id] + word.length
    if (end > bytes.length) {
      const larger = new Uint8Array(Math.max(end, 2 * bytes.length))
      larger.set(bytes)
      bytes = larger
    }
    bytes.set(word, ends[id])
    ends[id + 1] = end
    const count = reader.int64()
    check((reader.uint8() === 1) === id >= words, 'words and labels out of order')
    if (id >= words) counts[id - words] = count
  }
  return { bytes, counts }
}

function readBuckets(reader: Reader, pruned: number, buckets: number): Int32Array {
  reader.check(8 * pruned)
  const bucketOfRow = new Int32Array(pruned).fill(-1)
  for (let i = 0; i < pruned; i++) {
    const bucket = reader.int32()
    const row = reader.int32()
    check(bucket >= 0 && bucket < buckets && bucketOfRow[row] === -1, 'a bucket out of range')
    bucketOfRow[row] = bucket
  }
  return bucketOfRow
}

export function check(condition: boolean, message: string): void {
  if (!condition) throw new HeadraceError('corrupt', `fastText model: ${message}`)
}
