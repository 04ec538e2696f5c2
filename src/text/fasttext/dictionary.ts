import { HeadraceError } from '../../errors.ts'
import { PackedWords } from '../packed-words.ts'
import type { Reader } from './reader.ts'

/** The words and labels of a model, with what stands of them in its file. */
export class Dictionary {
  /** Words have the ids, and rows, from 0; labels the ids behind them. */
  readonly words: number
  /** Without the prefix `__label__`, most frequent first. */
  readonly labels: readonly string[]
  /** Of the labels: how often each stood in the training text. */
  readonly counts: Float64Array
  /** The bucket of each row after the words' rows; null where every bucket has a row, in order. */
  readonly bucketOfRow: Int32Array | null
  readonly #entries = new PackedWords()

  constructor(reader: Reader, buckets: number) {
    const [entries, words, labels] = reader.int32s(3)
    reader.skip(8)
    const pruned = reader.int64()
    check(words >= 0 && labels > 0 && entries === words + labels, 'no labels')
    check(pruned <= buckets, 'more n-grams than buckets')
    // An entry takes 10 bytes at least.
    reader.check(10 * entries)
    this.words = words
    this.counts = new Float64Array(labels)
    for (let id = 0; id < entries; id++) {
      check(this.#entries.add(reader.zeroTerminated()) === id, 'a word that stands twice')
      const count = reader.int64()
      check((reader.uint8() === 1) === id >= words, 'words and labels out of order')
      if (id >= words) this.counts[id - words] = count
    }
    const nameOf = (id: number) => new TextDecoder().decode(this.#entries.at(id))
    this.labels = Array.from({ length: labels }, (_, i) => nameOf(words + i).replace('__label__', ''))
    this.bucketOfRow = pruned < 0 ? null : readBuckets(reader, pruned, buckets)
  }

  /** The id of the word `bytes[start, end)`, whose hash is given; -1 for an unknown one. */
  find(hash: number, bytes: Uint8Array, start: number, end: number): number {
    return this.#entries.find(hash, bytes, start, end)
  }
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
