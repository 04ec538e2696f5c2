import type { Batch, Column, Field, ListColumn, NumberArray, Utf8Column } from './batch.ts'
import { numberArrays } from './batch.ts'

/** Row operations over whole batches: take, scatter, concatenate. Every result owns its memory. */

/** The rows at `indexes`, in that order. */
export function takeRows(batch: Batch, indexes: ArrayLike<number>): Batch {
  const columns: Record<string, Column> = {}
  for (const [name, column] of Object.entries(batch.columns)) columns[name] = takeColumn(column, indexes)
  return { rows: indexes.length, columns }
}

/** The values at `indexes`, in that order. An index of -1 gives a missing value (NaN, 0, empty). */
export function takeColumn(column: Column, indexes: ArrayLike<number>): Column {
  if ('offsets' in column) return takeVariable(column, indexes)
  if (column.kind === 'fixed') {
    const { width } = column
    const bytes = new Uint8Array(indexes.length * width)
    for (let i = 0; i < indexes.length; i++)
      if (indexes[i] >= 0) bytes.set(column.bytes.subarray(indexes[i] * width, (indexes[i] + 1) * width), i * width)
    return { kind: 'fixed', width, bytes }
  }
  const values = missingNumbers(column.kind, indexes.length)
  for (let i = 0; i < indexes.length; i++) if (indexes[i] >= 0) values[i] = column.values[indexes[i]]
  return { kind: column.kind, values }
}

function takeVariable(column: Utf8Column | ListColumn, indexes: ArrayLike<number>): Column {
  const source = itemsOf(column)
  const offsets = new Int32Array(indexes.length + 1)
  for (let i = 0; i < indexes.length; i++) {
    const row = indexes[i]
    offsets[i + 1] = offsets[i] + (row < 0 ? 0 : column.offsets[row + 1] - column.offsets[row])
  }
  const items = allocateLike(source, offsets[indexes.length])
  for (let i = 0; i < indexes.length; i++)
    if (indexes[i] >= 0)
      items.set(source.subarray(column.offsets[indexes[i]], column.offsets[indexes[i] + 1]), offsets[i])
  return columnLike(column, items, offsets)
}

/** The inverse of `takeColumn`: row i goes to row `indexes[i]` of `rows`; the others are missing. */
export function scatterColumn(column: Column, indexes: ArrayLike<number>, rows: number): Column {
  const source = new Int32Array(rows).fill(-1)
  for (let i = 0; i < indexes.length; i++) source[indexes[i]] = i
  return takeColumn(column, source)
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

function concatColumns(parts: readonly Column[]): Column {
  const [first] = parts
  if (!('offsets' in first)) return columnLike(first, concatArrays(parts.map(itemsOf)))
  const lists = parts as (Utf8Column | ListColumn)[]
  return columnLike(first, concatArrays(lists.map(usedItemsOf)), concatOffsets(lists))
}

/** The items of a column's rows; without a view of their own where they are all. */
function usedItemsOf(column: Utf8Column | ListColumn): NumberArray {
  const items = itemsOf(column)
  const [start, end] = [column.offsets[0], column.offsets[column.offsets.length - 1]]
  return start === 0 && end === items.length ? items : items.subarray(start, end)
}

function concatOffsets(parts: readonly (Utf8Column | ListColumn)[]): Int32Array {
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

/** The arrays, which are of one kind, one after the other. */
export function concatArrays<T extends NumberArray>(parts: readonly T[]): T {
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  const all = allocateLike(parts[0], length)
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

function itemsOf(column: Column): NumberArray {
  return 'values' in column ? column.values : column.bytes
}

/** A column of the type of `like` with these contents; `offsets` where rows are of their own length. */
function columnLike(like: Column, items: NumberArray, offsets: Int32Array = new Int32Array(0)): Column {
  switch (like.kind) {
    case 'utf8':
      return { kind: 'utf8', offsets, bytes: items as Uint8Array }
    case 'list<i32>':
      return { kind: 'list<i32>', offsets, values: items as Int32Array }
    case 'fixed':
      return { kind: 'fixed', width: like.width, bytes: items as Uint8Array }
    default:
      return { kind: like.kind, values: items }
  }
}

/** A zeroed array of the same kind. A Buffer counts as bytes, as its own constructor is not to be called. */
function allocateLike<T extends NumberArray>(array: T, length: number): T {
  const make = array instanceof Uint8Array ? Uint8Array : array.constructor
  return new (make as new (length: number) => T)(length)
}

function missingNumbers(kind: keyof typeof numberArrays, rows: number): NumberArray {
  const values = new numberArrays[kind](rows)
  return kind === 'f32' || kind === 'f64' ? values.fill(Number.NaN) : values
}

/** An empty column of the field's type for `rows` rows, every value missing. */
export function missingColumn({ kind, width = 0 }: Field, rows: number): Column {
  if (kind === 'utf8') return { kind, offsets: new Int32Array(rows + 1), bytes: new Uint8Array(0) }
  if (kind === 'list<i32>') return { kind, offsets: new Int32Array(rows + 1), values: new Int32Array(0) }
  if (kind === 'fixed') return { kind, width, bytes: new Uint8Array(rows * width) }
  return { kind, values: missingNumbers(kind, rows) }
}
