import { decodeBatch, encodePacked } from '../batch/arrow/ipc.ts'
import type { Metadata } from '../batch/arrow/layout.ts'
import { makeLater } from '../batch/arrow/region.ts'
import { type Batch, type Column, numbers } from '../batch/batch.ts'
import { concatArrays, concatBatches, takeColumn, takeRows } from '../batch/rows.ts'
import { HeadraceError } from '../errors.ts'
import { cutParts, type Parts } from './parts.ts'

/** The columns of `scored` with the fingerprint of each, in their order. */
export type PrintedColumns = readonly (readonly [column: string, print: string])[]

/**
 * What a replay has of a slot besides the one that it refers to, whose rows are the same: columns of which many values differ, whole, and
 * of the others the rows that differ. Two Arrow messages behind each other, each padded to 8 bytes, the first one's bytes before both:
 *
 *     float64 bytes of the first message
 *     whole   all rows; names all columns with their fingerprints, in their order, in the metadata `columns`
 *     rows    those that differ in other columns, with the column `index`, their place in the slot; nothing where there is none
 */
export function encodeOwnColumns(batch: Batch, base: Batch, columns: PrintedColumns): Uint8Array {
  // An Arrow message without a column has no rows.
  const whole: Record<string, Column> = { row: batch.columns.row }
  const partly: string[] = []
  const changed = new Set<number>()
  for (const [name, column] of Object.entries(batch.columns)) {
    const before = base.columns[name]
    const rows = isLike(column, before) ? findChanged(column, before, batch.rows) : null
    if (rows === null || rows.length > batch.rows * sharePatched) whole[name] = column
    else if (rows.length > 0) {
      partly.push(name)
      for (const row of rows) changed.add(row)
    }
  }
  const first = encodePacked({ rows: batch.rows, columns: whole }, { columns: JSON.stringify(columns) })
  const index = Uint32Array.from(changed).sort()
  const some = Object.fromEntries(partly.map(name => [name, batch.columns[name]]))
  const patched = takeRows({ rows: batch.rows, columns: some }, index).columns
  const second =
    index.length === 0
      ? []
      : [encodePacked({ rows: index.length, columns: { index: { kind: 'u32', values: index }, ...patched } })]
  const length = new Uint8Array(Float64Array.of(first.length).buffer)
  return concatArrays([length, first, new Uint8Array(padding(first.length)), ...second])
}

/** More changed rows than this share of a slot's, and the column is stored whole. */
const sharePatched = 0.5

/** The columns of a replay's slot, in their order. */
export function joinColumns(base: Batch, own: Uint8Array): Batch {
  const aligned = own.byteOffset % 8 === 0 ? own : own.slice()
  const [length] = new Float64Array(aligned.buffer, aligned.byteOffset, 1)
  const { batch: whole, metadata } = decodeBatch(aligned.subarray(8, 8 + length))
  const rest = aligned.subarray(8 + length + padding(length))
  const patch = rest.length > 0 ? decodeBatch(rest).batch : null
  checkRows(whole.rows, base.rows)
  const order = patch && orderOf(patch, base.rows)
  const columns: Record<string, Column> = {}
  for (const name of columnsIn(metadata)) {
    const owner = [whole, base].find(part => name in part.columns)
    if (!owner) throw missing(name)
    const isPatched = owner === base && patch !== null && name in patch.columns
    makeLater(columns, name, () =>
      isPatched ? patchColumn(base.columns[name], patch.columns[name], order!) : owner.columns[name],
    )
  }
  return { rows: base.rows, columns }
}

/** The two messages of what a replay has of a slot, read in parts. */
export async function splitOwnParts(own: Parts): Promise<{ whole: Parts; patch: Parts | null }> {
  const head = await own.readPart(0, Math.min(8, own.length))
  const length = head.length < 8 ? Number.NaN : new DataView(head.buffer, head.byteOffset).getFloat64(0, true)
  if (!(length >= 0 && length <= own.length - 8))
    throw new HeadraceError(
      'corrupt',
      `what a replay has of a slot is ${own.length} bytes, of them ${length} of whole columns`,
    )
  const rest = 8 + length + padding(length)
  return { whole: cutParts(own, 8, length), patch: rest < own.length ? cutParts(own, rest) : null }
}

/** The names of a slot's columns, in their order. */
export function columnsIn({ columns }: Metadata): string[] {
  return (JSON.parse(columns) as PrintedColumns).map(([name]) => name)
}

export function missing(name: string): HeadraceError {
  return new HeadraceError('corrupt', `a slot of a replay refers to a column '${name}' that is not there`)
}

export function checkRows(own: number, base: number): void {
  if (own === base) return
  throw new HeadraceError('corrupt', `a slot of a replay has ${own} rows, and the one that it refers to ${base}`)
}

/** For each row its place among the base's rows and the changed ones behind them. */
export function orderOf(patch: Batch, rows: number): Int32Array {
  const order = Int32Array.from({ length: rows }, (_, row) => row)
  for (const [i, row] of numbers(patch, 'index').entries()) order[row] = rows + i
  return order
}

/** A column of the base with changed rows in their places. */
export function patchColumn(base: Column, changes: Column, order: Int32Array): Column {
  const both = [base, changes].map((column, i) => ({ rows: i, columns: { column } }))
  return takeColumn(concatBatches(both).columns.column, order)
}

const isLike = (a: Column, b: Column | undefined): b is Column =>
  b !== undefined && a.kind === b.kind && widthOf(a) === widthOf(b)
const widthOf = (column: Column) => (column.kind === 'fixed' ? column.width : 0)
const padding = (bytes: number) => -bytes & 7

/** Whether a column of so many rows is another one, value by value. */
export function isSameColumn(column: Column, other: Column | undefined, rows: number): boolean {
  return isLike(column, other) && findChanged(column, other, rows).length === 0
}

/** The rows of a column that are not as they were. */
function findChanged(column: Column, before: Column, rows: number): number[] {
  // What was read back as it is need not be unpacked to be compared.
  if (column === before) return []
  const [now, was] = [bytesOf(column), bytesOf(before)]
  const isSame = (row: number) => {
    const [start, end] = spanOf(column, row)
    const [from, to] = spanOf(before, row)
    return end - start === to - from && now.compare(was, from, to, start, end) === 0
  }
  if (!('offsets' in column) && now.equals(was)) return []
  const changed: number[] = []
  for (let row = 0; row < rows; row++) if (!isSame(row)) changed.push(row)
  return changed
}

function bytesOf(column: Column): Buffer {
  const { buffer, byteOffset, byteLength } = 'values' in column ? column.values : column.bytes
  return Buffer.from(buffer, byteOffset, byteLength)
}

/** The bytes of a row: from, and to. */
function spanOf(column: Column, row: number): [number, number] {
  if (column.kind === 'fixed') return [row * column.width, (row + 1) * column.width]
  if (column.kind === 'utf8') return [column.offsets[row], column.offsets[row + 1]]
  const bytes = column.values.BYTES_PER_ELEMENT
  if (column.kind === 'list<i32>') return [column.offsets[row] * bytes, column.offsets[row + 1] * bytes]
  return [row * bytes, (row + 1) * bytes]
}
