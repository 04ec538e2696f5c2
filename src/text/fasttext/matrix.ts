import { check } from './dictionary.ts'
import type { Reader } from './reader.ts'

/** Rows of float32, each padded with zeros to `width` values; row r of the matrix is these values times `norms[r]`, where there are norms. */
export interface Matrix {
  readonly width: number
  readonly values: Float32Array
  readonly norms: Float32Array | null
}

export interface MatrixShape {
  readonly rows: number
  readonly columns: number
  readonly width: number
  readonly isQuantized: boolean
}

/** Goes over a matrix, with what `readMatrix` would refuse. */
export function skipMatrix(reader: Reader, shape: MatrixShape): void {
  const { rows, columns, isQuantized } = shape
  const { parts, hasNorms } = readHead(reader, shape)
  reader.skip(isQuantized ? rows * parts : 4 * rows * columns)
  if (!isQuantized) return
  skipQuantizer(reader, columns)
  if (!hasNorms) return
  reader.skip(rows)
  skipQuantizer(reader, 1)
}

/** A matrix, its row r in place `order[r]` where an order is given. Product quantization is multiplied out but for the norms of rows. */
export function readMatrix(reader: Reader, shape: MatrixShape, order: Int32Array | null = null): Matrix {
  const { rows, columns, width, isQuantized } = shape
  const { parts, hasNorms } = readHead(reader, shape)
  const placeOf = (row: number) => width * (order === null ? row : order[row])
  if (!isQuantized) {
    reader.check(4 * rows * columns)
    const values = new Float32Array(rows * width)
    for (let row = 0; row < rows; row++) reader.float32s(columns, values, placeOf(row))
    return { width, values, norms: null }
  }
  const codes = reader.bytes(rows * parts)
  const quantizer = readQuantizer(reader, columns)
  check(quantizer.parts === parts, 'codes of another number')
  const values = new Float32Array(rows * width)
  for (let row = 0; row < rows; row++) decodeRow(quantizer, codes, row * parts, values, placeOf(row))
  return { width, values, norms: hasNorms ? readNorms(reader, rows, order) : null }
}

/** Multiplies each row by its norm, rounded to float32 as where fastText adds the row. */
export function applyNorms({ width, values, norms }: Matrix): Float32Array {
  if (norms !== null) for (let i = 0; i < values.length; i++) values[i] *= norms[Math.floor(i / width)]
  return values
}

function readHead(
  reader: Reader,
  { rows, columns, isQuantized }: MatrixShape,
): { readonly parts: number; readonly hasNorms: boolean } {
  const hasNorms = isQuantized && reader.uint8() === 1
  const [rowsFound, columnsFound] = [reader.int64(), reader.int64()]
  check(
    rowsFound === rows && columnsFound === columns,
    `${rowsFound} rows of ${columnsFound}, not ${rows} of ${columns}`,
  )
  const codes = isQuantized ? reader.int32() : 0
  check(codes >= 0 && codes % rows === 0, 'codes of another number')
  return { parts: codes / rows, hasNorms }
}

function readNorms(reader: Reader, rows: number, order: Int32Array | null): Float32Array {
  const codes = reader.bytes(rows)
  const { centroids } = readQuantizer(reader, 1)
  const norms = new Float32Array(rows)
  for (let row = 0; row < rows; row++) norms[order === null ? row : order[row]] = centroids[codes[row]]
  return norms
}

interface Quantizer {
  readonly columns: number
  readonly parts: number
  readonly partWidth: number
  readonly centroids: Float32Array
}

function readQuantizer(reader: Reader, columns: number): Quantizer {
  const [size, parts, partWidth] = reader.int32s(4)
  check(size === columns && partWidth > 0 && parts === Math.ceil(size / partWidth), 'a quantizer of another size')
  return { columns, parts, partWidth, centroids: reader.float32s(256 * columns) }
}

function skipQuantizer(reader: Reader, columns: number): void {
  check(reader.int32s(4)[0] === columns, 'a quantizer of another size')
  reader.skip(4 * 256 * columns)
}

/** A code for each part of a row says which of 256 centroids stands there; the last part may be narrower. */
function decodeRow(quantizer: Quantizer, codes: Uint8Array, from: number, out: Float32Array, at: number): void {
  const { columns, parts, partWidth, centroids } = quantizer
  for (let part = 0; part < parts; part++) {
    const size = Math.min(partWidth, columns - part * partWidth)
    const centroid = part * 256 * partWidth + codes[from + part] * size
    for (let i = 0; i < size; i++) out[at++] = centroids[centroid + i]
  }
}
