import { limits } from '../limits.ts'
import type { NumberKind, PackedColumn, PackedRows } from './report-data.ts'
import type { Placed } from './sample-rows.ts'

/** A row as it is collected. Names are numbers into lists. */
export interface CollectedRow extends Placed {
  readonly reason: number
  readonly part: number
  readonly domain: number
  readonly language: number
  readonly bytes: number
  readonly tokens: number
  /** Of each column: a number, or a name. */
  readonly values: readonly (number | string)[]
}

/** Rows as the page gets them. `counts`: of each reason, all that there are. */
export function packRows(
  rows: readonly CollectedRow[],
  columns: readonly string[],
  counts: readonly number[],
  named: ReadonlySet<string>,
): PackedRows {
  const chosen = counts.map(() => 0)
  for (const { reason } of rows) chosen[reason]++
  const of = (name: 'reason' | 'part' | 'domain' | 'language' | 'bytes' | 'tokens') => rows.map(row => row[name])
  return {
    count: rows.length,
    of: counts.reduce((sum, count) => sum + count, 0),
    weights: counts.map((count, i) => (chosen[i] > 0 ? count / chosen[i] : 1)),
    reason: encode(Uint16Array.from(of('reason'))),
    part: encode(Uint8Array.from(of('part'))),
    domain: encode(Uint16Array.from(of('domain'))),
    language: encode(Uint16Array.from(of('language'))),
    bytes: encode(Uint32Array.from(of('bytes'))),
    tokens: encode(Int32Array.from(of('tokens'))),
    columns: columns.map((name, i) =>
      packColumn(
        name,
        rows.map(({ values }) => values[i]),
        named,
      ),
    ),
  }
}

function packColumn(name: string, values: readonly (number | string)[], named: ReadonlySet<string>): PackedColumn {
  if (values.some(value => typeof value === 'string')) return packNames(name, values.map(String), named)
  const numbers = values as readonly number[]
  const kind = kindOf(numbers)
  return { name, kind, data: encode(new arrays[kind](numbers)) }
}

const arrays = { u8: Uint8Array, i32: Int32Array, u32: Uint32Array, f32: Float32Array, f64: Float64Array }

/** The narrowest that holds all values as they are, so that they compare with a threshold as in the run. */
export function kindOf(values: readonly number[]): NumberKind {
  const within = (from: number, to: number) =>
    values.every(value => Number.isInteger(value) && !Object.is(value, -0) && value >= from && value <= to)
  if (within(0, 255)) return 'u8'
  if (within(0, 2 ** 32 - 1)) return 'u32'
  if (within(-(2 ** 31), 2 ** 31 - 1)) return 'i32'
  return values.every(value => Object.is(Math.fround(value), value)) ? 'f32' : 'f64'
}

/** Names that rules name stay as they are; others are cut, as they are a stranger's. */
function packNames(name: string, values: readonly string[], named: ReadonlySet<string>): PackedColumn {
  const places = new Map<string, number>()
  const numbers = values.map(value => {
    const isShort = named.has(value) || value.length <= limits.nameLengthMax
    const shown = isShort ? value : `${value.slice(0, limits.nameLengthMax)}…`
    const known = places.get(shown)
    if (known !== undefined) return known
    places.set(shown, places.size)
    return places.size - 1
  })
  return { name, kind: 'utf8', names: [...places.keys()], data: encode(Uint16Array.from(numbers)) }
}

function encode(array: Uint8Array | Uint16Array | Uint32Array | Int32Array | Float32Array | Float64Array): string {
  return Buffer.from(array.buffer, array.byteOffset, array.byteLength).toString('base64')
}
