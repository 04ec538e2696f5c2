import type { Batch, Column, ColumnKind, Field, ListColumn, NumberArray, NumberKind, Utf8Column } from './batch.ts'

/** Row operations over whole batches: take, scatter, concatenate. Every result owns its memory. */

const arrays = { u8: Uint8Array, i32: Int32Array, u32: Uint32Array, f32: Float32Array, f64: Float64Array }

/** A zeroed array for `rows` numbers of this kind. */
export function allocateNumbers(kind: NumberKind, rows: number): NumberArray {
  return new arrays[kind](rows)
}

/** The rows at `indexes`, in that order. */
export function takeRows(batch: Batch, indexes: ArrayLike<number>): Batch {
  const columns: Record<string, Column> = {}
  for (const [name, column] of Object.entries(batch.columns)) columns[name] = takeColumn(column, indexes)
  return { rows: indexes.length, columns }
}

export function takeColumn(column: Column, indexes: ArrayLike<number>): Column {
  switch (column.kind) {
    case 'utf8':
      return takeVariable(column, column.bytes, indexes)
    case 'list<i32>':
      return takeVariable(column, column.values, indexes)
    case 'fixed': {
      const bytes = new Uint8Array(indexes.length * column.width)
      for (let i = 0; i < indexes.length; i++)
        bytes.set(column.bytes.subarray(indexes[i] * column.width, (indexes[i] + 1) * column.width), i * column.width)
      return { kind: 'fixed', width: column.width, bytes }
    }
    default: {
      const values = allocateNumbers(column.kind, indexes.length)
      for (let i = 0; i < indexes.length; i++) values[i] = column.values[indexes[i]]
      return { kind: column.kind, values }
    }
  }
}

function takeVariable(
  column: Utf8Column | ListColumn,
  source: Uint8Array | Int32Array,
  indexes: ArrayLike<number>,
): Utf8Column | ListColumn {
  const offsets = new Int32Array(indexes.length + 1)
  for (let i = 0; i < indexes.length; i++)
    offsets[i + 1] = offsets[i] + column.offsets[indexes[i] + 1] - column.offsets[indexes[i]]
  const target = allocateLike<Uint8Array | Int32Array>(source, offsets[indexes.length])
  for (let i = 0; i < indexes.length; i++)
    target.set(source.subarray(column.offsets[indexes[i]], column.offsets[indexes[i] + 1]), offsets[i])
  return column.kind === 'utf8'
    ? { kind: 'utf8', offsets, bytes: target as Uint8Array }
    : { kind: 'list<i32>', offsets, values: target as Int32Array }
}

/** The inverse of `takeColumn`: row i goes to row `indexes[i]` of `rows`; the others are missing (NaN, 0, empty). */
export function scatterColumn(column: Column, indexes: ArrayLike<number>, rows: number): Column {
  const source = new Int32Array(rows).fill(-1)
  for (let i = 0; i < indexes.length; i++) source[indexes[i]] = i
  if (column.kind === 'utf8' || column.kind === 'list<i32>') return scatterVariable(column, source)
  if (column.kind === 'fixed') {
    const bytes = new Uint8Array(rows * column.width)
    for (let i = 0; i < indexes.length; i++)
      bytes.set(column.bytes.subarray(i * column.width, (i + 1) * column.width), indexes[i] * column.width)
    return { kind: 'fixed', width: column.width, bytes }
  }
  const values = allocateNumbers(column.kind, rows)
  if (column.kind === 'f32' || column.kind === 'f64') values.fill(Number.NaN)
  for (let i = 0; i < indexes.length; i++) values[indexes[i]] = column.values[i]
  return { kind: column.kind, values }
}

function scatterVariable(column: Utf8Column | ListColumn, source: Int32Array): Column {
  const offsets = new Int32Array(source.length + 1)
  for (let row = 0; row < source.length; row++) {
    const from = source[row]
    offsets[row + 1] = offsets[row] + (from < 0 ? 0 : column.offsets[from + 1] - column.offsets[from])
  }
  // Scattering keeps the order of rows when the indexes rise, so the values are the same array.
  return column.kind === 'utf8'
    ? { kind: 'utf8', offsets, bytes: column.bytes }
    : { kind: 'list<i32>', offsets, values: column.values }
}

/** All rows of `batches`, which have the same columns, one after the other. */
export function concatBatches(batches: readonly Batch[]): Batch {
  if (batches.length === 1) return batches[0]
  const rows = batches.reduce((sum, batch) => sum + batch.rows, 0)
  const columns: Record<string, Column> = {}
  for (const name of Object.keys(batches[0]?.columns ?? {}))
    columns[name] = concatColumns(batches.map(b => b.columns[name]))
  return { rows, columns }
}

function concatColumns(parts: Column[]): Column {
  const [first] = parts
  if (first.kind === 'utf8') {
    const all = parts as Utf8Column[]
    return {
      kind: 'utf8',
      offsets: concatOffsets(all),
      bytes: concatArrays(all.map(p => p.bytes.subarray(p.offsets[0], p.offsets.at(-1)))),
    }
  }
  if (first.kind === 'list<i32>') {
    const all = parts as ListColumn[]
    return {
      kind: 'list<i32>',
      offsets: concatOffsets(all),
      values: concatArrays(all.map(p => p.values.subarray(p.offsets[0], p.offsets.at(-1)))),
    }
  }
  if (first.kind === 'fixed') return { ...first, bytes: concatArrays(parts.map(p => (p as typeof first).bytes)) }
  return { kind: first.kind, values: concatArrays(parts.map(p => (p as typeof first).values)) }
}

function concatOffsets(parts: (Utf8Column | ListColumn)[]): Int32Array {
  const rows = parts.reduce((sum, part) => sum + part.offsets.length - 1, 0)
  const offsets = new Int32Array(rows + 1)
  let row = 0
  for (const part of parts)
    for (let i = 1; i < part.offsets.length; i++) {
      offsets[row + 1] = offsets[row] + part.offsets[i] - part.offsets[i - 1]
      row++
    }
  return offsets
}

function concatArrays<T extends NumberArray>(parts: T[]): T {
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  const all = allocateLike(parts[0], length)
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

/** A zeroed array of the same kind. A Buffer counts as bytes, as its own constructor is not to be called. */
function allocateLike<T extends NumberArray>(array: T, length: number): T {
  const make = array instanceof Uint8Array ? Uint8Array : array.constructor
  return new (make as new (length: number) => T)(length)
}

/** An empty column of the field's type for `rows` rows, every value missing. */
export function missingColumn(field: Field, rows: number): Column {
  const kind: ColumnKind = field.kind
  if (kind === 'utf8') return { kind, offsets: new Int32Array(rows + 1), bytes: new Uint8Array(0) }
  if (kind === 'list<i32>') return { kind, offsets: new Int32Array(rows + 1), values: new Int32Array(0) }
  if (kind === 'fixed') return { kind, width: field.width ?? 0, bytes: new Uint8Array(rows * (field.width ?? 0)) }
  const values = allocateNumbers(kind, rows)
  return { kind, values: kind === 'f32' || kind === 'f64' ? values.fill(Number.NaN) : values }
}
