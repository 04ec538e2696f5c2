import { HeadraceError } from '../../errors.ts'
import { buildLabelTree, type LabelTree } from './tree.ts'

/**
 * A fastText classifier as it lies in memory. The input matrix has a row for each word of the vocabulary and then one for each
 * bucket of n-grams that pruning left, in the order of buckets. A row is `width` float32: the model's dimensions, then zeros up
 * to a multiple of 8.
 */
export interface FastTextModel {
  readonly dimensions: number
  readonly width: number
  /** An n-gram's hash modulo this is its bucket. */
  readonly buckets: number
  /** Two int32 for 32 buckets: a bit for each that has a row, and the row of the first that has one. */
  readonly kept: Int32Array
  /** Word i has row i. */
  readonly words: readonly Uint8Array[]
  /** Without the prefix `__label__`, most frequent first. */
  readonly labels: readonly string[]
  readonly input: Float32Array
  /** One row of `dimensions` values for each inner node of `tree`. */
  readonly output: Float32Array
  readonly tree: LabelTree
}

const bucketsMax = 1 << 24

/**
 * Reads a classifier that is like `lid.176.ftz` in kind: format 12 of fastText 0.9.2, pruned and quantized, hierarchical
 * softmax, n-grams of 2 to 4 characters, none of words. Throws `corrupt` for damage and for any other kind.
 */
export function parseFastTextModel(file: Uint8Array): FastTextModel {
  try {
    return readModel(new Reader(file))
  } catch (error) {
    if (error instanceof RangeError)
      throw new HeadraceError('corrupt', 'fastText model: the file ends too early', error)
    throw error
  }
}

function readModel(reader: Reader): FastTextModel {
  check(reader.int32() === 793712314 && reader.int32() === 12, 'this is no fastText file of format 12')
  const [dimensions, , , , , wordNgrams, loss, kind, buckets, ngramMin, ngramMax] = reader.int32s(12)
  reader.skip(8)
  check(kind === 3 && loss === 1 && wordNgrams === 1, 'only classifiers with hierarchical softmax and single words')
  check(ngramMin === 2 && ngramMax === 4, 'only n-grams of 2 to 4 characters')
  check(dimensions > 0 && buckets > 0 && buckets <= bucketsMax, 'dimensions or buckets out of range')
  const { words, labels, counts, bucketOfRow } = readDictionary(reader, buckets)
  const order = Int32Array.from(bucketOfRow.keys()).sort((a, b) => bucketOfRow[a] - bucketOfRow[b])
  const rows = [...words.keys(), ...order.map(row => words.length + row)]
  const input = readQuantizedMatrix(reader, rows, dimensions)
  check(reader.uint8() === 0, 'only models whose output is not quantized')
  check(reader.int64() === labels.length && reader.int64() === dimensions, 'output of another size')
  const output = reader.float32s(labels.length * dimensions)
  check(reader.left === 0, 'bytes after the end')
  const kept = indexBuckets(bucketOfRow.sort(), buckets, words.length)
  const width = input.length / rows.length
  return { dimensions, width, buckets, kept, words, labels, input, output, tree: buildLabelTree(counts) }
}

interface Dictionary {
  readonly words: Uint8Array[]
  readonly labels: string[]
  readonly counts: Float64Array
  /** The bucket of each row after the words' rows. */
  readonly bucketOfRow: Int32Array
}

function readDictionary(reader: Reader, buckets: number): Dictionary {
  const [entries, wordCount, labelCount] = reader.int32s(3)
  reader.skip(8)
  const kept = reader.int64()
  check(entries === wordCount + labelCount && labelCount > 0, 'no labels')
  check(kept >= 0 && kept <= buckets, 'only pruned models')
  const words: Uint8Array[] = []
  const labels: string[] = []
  const counts: number[] = []
  for (let i = 0; i < entries; i++) {
    const word = reader.zeroTerminated()
    const count = reader.int64()
    if (reader.uint8() === 0) words.push(word)
    else {
      labels.push(new TextDecoder().decode(word).replace('__label__', ''))
      counts.push(count)
    }
  }
  check(words.length === wordCount, 'words of another number')
  const bucketOfRow = new Int32Array(kept).fill(-1)
  for (let i = 0; i < kept; i++) {
    const bucket = reader.int32()
    const row = reader.int32()
    check(bucket >= 0 && bucket < buckets && bucketOfRow[row] === -1, 'a bucket out of range')
    bucketOfRow[row] = bucket
  }
  return { words, labels, counts: Float64Array.from(counts), bucketOfRow }
}

/** The index `kept` of a model for these buckets, which rise; the first has row `firstRow`. */
function indexBuckets(sorted: Int32Array, buckets: number, firstRow: number): Int32Array {
  const kept = new Int32Array(2 * Math.ceil(buckets / 32))
  for (let group = 0, i = 0; 2 * group < kept.length; group++) {
    kept[2 * group + 1] = firstRow + i
    for (; i < sorted.length && sorted[i] >>> 5 === group; i++) kept[2 * group] |= 1 << (sorted[i] & 31)
  }
  return kept
}

/**
 * The file's rows of these numbers, multiplied out to float32 and padded to a multiple of 8. Product quantization stores a code
 * for each part of a row and one for its norm.
 */
function readQuantizedMatrix(reader: Reader, rows: readonly number[], dimensions: number): Float32Array {
  check(reader.uint8() === 1, 'only models whose input is quantized')
  const hasNorms = reader.uint8() === 1
  check(reader.int64() === rows.length && reader.int64() === dimensions, 'input of another size')
  const codes = reader.bytes(reader.int32())
  const { parts, partWidth, centroids } = readQuantizer(reader, dimensions)
  check(codes.length === rows.length * parts, 'codes of another number')
  const normCodes = hasNorms ? reader.bytes(rows.length) : undefined
  const norms = hasNorms ? readQuantizer(reader, 1).centroids : Float32Array.of(1)
  const width = Math.ceil(dimensions / 8) * 8
  const input = new Float32Array(rows.length * width)
  for (const [at, row] of rows.entries()) {
    const norm = norms[normCodes?.[row] ?? 0]
    for (let i = 0; i < dimensions; i++) {
      const part = Math.floor(i / partWidth)
      // The last part's centroids may be shorter than `partWidth`.
      const size = Math.min(partWidth, dimensions - part * partWidth)
      const centroid = part * 256 * partWidth + codes[row * parts + part] * size
      input[at * width + i] = norm * centroids[centroid + (i % partWidth)]
    }
  }
  return input
}

function readQuantizer(
  reader: Reader,
  dimensions: number,
): { readonly parts: number; readonly partWidth: number; readonly centroids: Float32Array } {
  const [size, parts, partWidth] = reader.int32s(4)
  check(size === dimensions && partWidth > 0 && parts === Math.ceil(size / partWidth), 'a quantizer of another size')
  return { parts, partWidth, centroids: reader.float32s(size * 256) }
}

function check(condition: boolean, message: string): void {
  if (!condition) throw new HeadraceError('corrupt', `fastText model: ${message}`)
}

/** Little-endian values one after the other. Throws RangeError at the end of the file. */
class Reader {
  readonly #file: Uint8Array
  readonly #view: DataView
  #at = 0

  constructor(file: Uint8Array) {
    this.#file = file
    this.#view = new DataView(file.buffer, file.byteOffset, file.byteLength)
  }

  get left(): number {
    return this.#file.length - this.#at
  }

  /** Moves on and returns where it was. */
  skip(bytes: number): number {
    if (bytes < 0 || bytes > this.left) throw new RangeError(`${bytes} bytes at ${this.#at} of ${this.#file.length}`)
    this.#at += bytes
    return this.#at - bytes
  }

  uint8(): number {
    return this.#file[this.skip(1)]
  }

  int32(): number {
    return this.#view.getInt32(this.skip(4), true)
  }

  int32s(count: number): number[] {
    return Array.from({ length: count }, () => this.int32())
  }

  int64(): number {
    return Number(this.#view.getBigInt64(this.skip(8), true))
  }

  float32s(count: number): Float32Array {
    const at = this.skip(count * 4)
    return Float32Array.from({ length: count }, (_, i) => this.#view.getFloat32(at + i * 4, true))
  }

  bytes(count: number): Uint8Array {
    const at = this.skip(count)
    return this.#file.subarray(at, at + count)
  }

  zeroTerminated(): Uint8Array {
    const end = this.#file.indexOf(0, this.#at)
    if (end < 0) throw new RangeError('no end of a word')
    const word = this.bytes(end - this.#at)
    this.skip(1)
    return word
  }
}
