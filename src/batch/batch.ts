/**
 * A batch is rows in columns. Each column owns plain typed arrays laid out as Arrow lays them out, so that a batch becomes an
 * Arrow message without a copy a value (`arrow/ipc.ts`) and hot loops run over bytes. No column has nulls: a missing string is empty,
 * a missing measurement is NaN.
 */

/** UTF-8 strings back to back: row i is `bytes.subarray(offsets[i], offsets[i + 1])`. `offsets` has rows + 1 values. */
export interface Utf8Column {
  readonly kind: 'utf8'
  readonly offsets: Int32Array
  readonly bytes: Uint8Array
}
export type NumberArray = Uint8Array | Int32Array | Uint32Array | Float32Array | Float64Array
export type NumberKind = 'u8' | 'i32' | 'u32' | 'f32' | 'f64'
export interface NumberColumn {
  readonly kind: NumberKind
  readonly values: NumberArray
}
/** Lists of int32: row i is `values.subarray(offsets[i], offsets[i + 1])`. */
export interface ListColumn {
  readonly kind: 'list<i32>'
  readonly offsets: Int32Array
  readonly values: Int32Array
}
/** `width` bytes a row, back to back. */
export interface FixedColumn {
  readonly kind: 'fixed'
  readonly width: number
  readonly bytes: Uint8Array
}
export type Column = Utf8Column | NumberColumn | ListColumn | FixedColumn
export type ColumnKind = Column['kind']

/** A column's name and type. `width` belongs to `fixed` alone. */
export interface Field {
  readonly name: string
  readonly kind: ColumnKind
  readonly width?: number
}

export type Columns = Readonly<Record<string, Column>>
export interface Batch {
  readonly rows: number
  readonly columns: Columns
}

/** The arrays of the kinds of numbers. */
export const numberArrays = { u8: Uint8Array, i32: Int32Array, u32: Uint32Array, f32: Float32Array, f64: Float64Array }

/** How many values a column has. */
export function rowsOf(column: Column): number {
  if ('offsets' in column) return column.offsets.length - 1
  return column.kind === 'fixed' ? column.bytes.length / column.width : column.values.length
}

function columnOf<C extends Column>(batch: Batch, name: string, kind: C['kind']): C {
  const column = batch.columns[name]
  if (column?.kind !== kind) throw new TypeError(`column '${name}' is ${column?.kind ?? 'missing'}, not ${kind}`)
  return column as C
}

/** The column `name`, which must be UTF-8. */
export const utf8 = (batch: Batch, name: string): Utf8Column => columnOf(batch, name, 'utf8')
/** The fixed-width column `name`. */
export const fixed = (batch: Batch, name: string): FixedColumn => columnOf(batch, name, 'fixed')
/** The list column `name`. */
export const list = (batch: Batch, name: string): ListColumn => columnOf(batch, name, 'list<i32>')

/** The values of the number column `name`. */
export function numbers(batch: Batch, name: string): NumberArray {
  const column = batch.columns[name]
  if (!column || !('values' in column) || column.kind === 'list<i32>')
    throw new TypeError(`column '${name}' is ${column?.kind ?? 'missing'}, not a number`)
  return column.values
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
const encoder = new TextEncoder()

/** Row `row` as a string. */
export function stringAt(column: Utf8Column, row: number): string {
  return decoder.decode(column.bytes.subarray(column.offsets[row], column.offsets[row + 1]))
}

/** A UTF-8 column of these strings (lone surrogates become U+FFFD). */
export function utf8From(strings: readonly string[]): Utf8Column {
  const builder = new Utf8Builder(strings.length)
  for (const text of strings) builder.push(text)
  return builder.finish()
}

/** Of columns without bytes: there are very many where chunks are small. */
const noBytes = new Uint8Array(0)

/** Grows a UTF-8 column row by row. */
export class Utf8Builder {
  #offsets: Int32Array
  #bytes: Uint8Array
  #rows = 0
  #length = 0

  constructor(rows = 64, bytes = 1024) {
    this.#offsets = new Int32Array(rows + 1)
    this.#bytes = bytes === 0 ? noBytes : new Uint8Array(bytes)
  }

  /** Adds a row: a string, or bytes that are already UTF-8. */
  push(value: string | Uint8Array): void {
    if (value.length === 0) {
      this.#endRow()
      return
    }
    if (typeof value === 'string') {
      this.#reserve(value.length * 3)
      this.#length += encoder.encodeInto(value, this.#bytes.subarray(this.#length)).written
    } else {
      this.#reserve(value.length)
      this.#bytes.set(value, this.#length)
      this.#length += value.length
    }
    this.#endRow()
  }

  finish(): Utf8Column {
    const bytes = this.#length === 0 ? noBytes : this.#bytes.slice(0, this.#length)
    return { kind: 'utf8', offsets: this.#offsets.slice(0, this.#rows + 1), bytes }
  }

  #endRow(): void {
    this.#rows++
    if (this.#rows >= this.#offsets.length) {
      const grown = new Int32Array(this.#offsets.length * 2)
      grown.set(this.#offsets)
      this.#offsets = grown
    }
    this.#offsets[this.#rows] = this.#length
  }

  #reserve(extra: number): void {
    if (this.#length + extra <= this.#bytes.length) return
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + extra))
    grown.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = grown
  }
}

/** The batch with `columns` added or replaced. */
export function withColumns(batch: Batch, columns: Columns): Batch {
  return { rows: batch.rows, columns: { ...batch.columns, ...columns } }
}

/** The field that describes a column. */
export function fieldOf(name: string, column: Column): Field {
  return column.kind === 'fixed' ? { name, kind: 'fixed', width: column.width } : { name, kind: column.kind }
}
