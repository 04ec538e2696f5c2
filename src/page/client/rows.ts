import { type Column, utf8From } from '../../batch/batch.ts'
import type { Rows } from '../kernel.ts'
import type { PackedColumn, ReportData } from '../report-data.ts'

/** The rows of a report, unpacked. */
export interface ReportRows extends Rows {
  readonly domain: Uint16Array
  readonly language: Uint16Array
  readonly bytes: Uint32Array
  readonly tokens: Int32Array
}

const arrays = { u8: Uint8Array, i32: Int32Array, u32: Uint32Array, f32: Float32Array, f64: Float64Array }

export function unpackRows({ rows }: ReportData): ReportRows {
  const columns = rows.columns.map((column): [string, Column] => [column.name, unpackColumn(column)])
  return {
    batch: { rows: rows.count, columns: Object.fromEntries(columns) },
    reason: new Uint16Array(decode(rows.reason)),
    part: new Uint16Array(decode(rows.part)),
    domain: new Uint16Array(decode(rows.domain)),
    language: new Uint16Array(decode(rows.language)),
    bytes: new Uint32Array(decode(rows.bytes)),
    tokens: new Int32Array(decode(rows.tokens)),
  }
}

function unpackColumn(column: PackedColumn): Column {
  const buffer = decode(column.data)
  if (column.kind !== 'utf8') return { kind: column.kind, values: new arrays[column.kind](buffer) }
  const { names } = column
  return utf8From(Array.from(new Uint16Array(buffer), place => names[place]))
}

function decode(data: string): ArrayBuffer {
  const text = atob(data)
  const bytes = new Uint8Array(text.length)
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i)
  return bytes.buffer
}
