import { HeadraceError } from '../../errors.ts'
import { check, Dictionary } from './dictionary.ts'
import { applyNorms, type Matrix, type MatrixShape, readMatrix, skipMatrix } from './matrix.ts'
import { type ByteSource, Reader } from './reader.ts'

/** How probabilities follow from a text's vector: `sigmoid` is one against all others, or negative sampling. */
export type OutputKind = 'hierarchical' | 'sigmoid' | 'softmax'

/**
 * A fastText classifier as it lies in memory. The input matrix has a row for each word of the dictionary and then one for each
 * bucket of n-grams that pruning left, in the order of buckets. A row is `width` float32: the model's dimensions, then zeros up
 * to a multiple of 8.
 */
export interface FastTextModel {
  readonly dimensions: number
  readonly width: number
  /** An n-gram's hash modulo this is its bucket. */
  readonly buckets: number
  /** Characters of the n-grams in a word; `ngramMax` 0 for none. */
  readonly ngramMin: number
  readonly ngramMax: number
  /** Words of the longest n-gram of words; 1 for none. */
  readonly wordNgrams: number
  /** Two int32 for 32 buckets: a bit for each that has a row, and the row of the first that has one. Null where each has one. */
  readonly kept: Int32Array | null
  readonly dictionary: Dictionary
  readonly input: Float32Array
  /** One row for each label; of a hierarchical softmax for each inner node of its tree. */
  readonly output: Matrix
  readonly outputKind: OutputKind
}

const bucketsMax = 1 << 26
const dimensionsMax = 4096
/** Characters or words of an n-gram: each text is read as many times. */
const ngramMost = 32
/** Values of the input: places of rows are int32. */
const inputMax = 2 ** 31 - 1
const outputKinds: ReadonlyMap<number, OutputKind> = new Map([
  [1, 'hierarchical'],
  [2, 'sigmoid'],
  [3, 'softmax'],
  [4, 'sigmoid'],
])

/**
 * Reads a classifier of fastText 0.9 (format 12): softmax, hierarchical softmax, one against all or negative sampling, with n-grams of
 * words and of characters, quantized and pruned or not. Throws `corrupt` for damage, for another format and for vectors of words.
 */
export function readFastTextModel(source: ByteSource): FastTextModel {
  return reading(source, reader => {
    const { dictionary, shape, readOutput, ...head } = readHead(reader)
    const sorted = dictionary.bucketOfRow?.slice().sort() ?? null
    const matrix = readMatrix(reader, shape, sorted && orderRows(dictionary, sorted))
    return {
      ...head,
      width: shape.width,
      kept: sorted && indexBuckets(sorted, head.buckets, dictionary.words),
      dictionary,
      input: applyNorms(matrix),
      output: readOutput(readMatrix),
    }
  })
}

/** The labels of a file that `readFastTextModel` would read; throws what it would, without holding the matrices. */
export function readLabels(source: ByteSource): readonly string[] {
  return reading(source, reader => {
    const { dictionary, shape, readOutput } = readHead(reader)
    skipMatrix(reader, shape)
    readOutput(skipMatrix)
    return dictionary.labels
  })
}

function reading<T>(source: ByteSource, read: (reader: Reader) => T): T {
  try {
    return read(new Reader(source))
  } catch (error) {
    if (error instanceof RangeError)
      throw new HeadraceError('corrupt', 'fastText model: the file ends too early', error)
    throw error
  }
}

function readHead(reader: Reader) {
  check(reader.left >= 8 && reader.int32() === 793712314, 'this is no file of fastText (.bin or .ftz)')
  const version = reader.int32()
  check(version === 12, `a file of format ${version}: train it again with fastText 0.9, which writes 12`)
  const [dimensions, , , , , wordNgrams, loss, kind, buckets, ngramMin, ngramMax] = reader.int32s(12)
  reader.skip(8)
  check(
    kind === 3,
    'it holds vectors of words (skipgram or cbow) and no classifier: train one with `fasttext supervised`',
  )
  const outputKind = outputKinds.get(loss)
  if (outputKind === undefined) throw new HeadraceError('corrupt', `fastText model: there is no loss ${loss}`)
  check(dimensions > 0 && dimensions <= dimensionsMax, `${dimensions} dimensions`)
  const hasNgrams = wordNgrams > 1 || ngramMax > 0
  check(buckets >= (hasNgrams ? 1 : 0) && buckets <= bucketsMax, `${buckets} buckets`)
  check(wordNgrams <= ngramMost && ngramMax <= ngramMost, `n-grams of more than ${ngramMost}`)
  const dictionary = new Dictionary(reader, buckets)
  const isQuantized = reader.uint8() === 1
  check(isQuantized || dictionary.bucketOfRow === null, 'pruned and not quantized')
  const rows = dictionary.words + (dictionary.bucketOfRow?.length ?? buckets)
  const width = Math.ceil(dimensions / 8) * 8
  check(rows > 0 && rows * width <= inputMax, `${rows} rows of ${dimensions}`)
  const shape: MatrixShape = { rows, columns: dimensions, width, isQuantized }
  const readOutput = <T>(read: (reader: Reader, shape: MatrixShape) => T): T => {
    const isOwn = reader.uint8() === 1
    const own = { rows: dictionary.labels.length, columns: dimensions, width: dimensions }
    const output = read(reader, { ...own, isQuantized: isQuantized && isOwn })
    check(reader.left === 0, 'bytes after the end')
    return output
  }
  return { dimensions, buckets, ngramMin, ngramMax, wordNgrams, outputKind, dictionary, shape, readOutput }
}

/** Where each row of the file goes: words stay, n-grams are put in the order of their buckets. */
function orderRows({ words, bucketOfRow }: Dictionary, sorted: Int32Array): Int32Array {
  const rankOf = new Map(Array.from(sorted, (bucket, rank) => [bucket, rank]))
  const ranks = Array.from(bucketOfRow ?? [], bucket => words + (rankOf.get(bucket) ?? 0))
  return Int32Array.from([...Array(words).keys(), ...ranks])
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
