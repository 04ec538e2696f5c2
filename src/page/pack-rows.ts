import type { NumberArray } from '../batch/batch.ts'
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

/** Values of a column: numbers, or names. */
export type Values = NumberArray | readonly (number | string)[]

/** Rows in columns, in the order of slots and rows. Names are numbers into lists. */
export interface RowColumns {
  readonly reason: ArrayLike<number>
  readonly part: ArrayLike<number>
  readonly domain: ArrayLike<number>
  readonly language: ArrayLike<number>
  readonly bytes: ArrayLike<number>
  readonly tokens: ArrayLike<number>
  readonly values: readonly Values[]
}

export function toColumns(rows: readonly CollectedRow[], columns: readonly string[]): RowColumns {
  const of = (name: 'reason' | 'part' | 'domain' | 'language' | 'bytes' | 'tokens') => rows.map(row => row[name])
  return {
    reason: of('reason'),
    part: of('part'),
    domain: of('domain'),
    language: of('language'),
    bytes: of('bytes'),
    tokens: of('tokens'),
    values: columns.map((_, i) => rows.map(({ values }) => values[i])),
  }
}

/** For each reason how many rows a chosen one stands for. `counts`: of each reason, all that there are. */
export function weigh(reasons: ArrayLike<number>, counts: readonly number[]): number[] {
  const chosen = counts.map(() => 0)
  for (let row = 0; row < reasons.length; row++) chosen[reasons[row]]++
  return counts.map((count, i) => (chosen[i] > 0 ? count / chosen[i] : 1))
}

/** Rows as the page gets them. `counts`: of each reason, all that there are. */
export function packRows(
  rows: RowColumns,
  columns: readonly string[],
  counts: readonly number[],
  named: ReadonlySet<string>,
): PackedRows {
  return {
    count: rows.reason.length,
    of: counts.reduce((sum, count) => sum + count, 0),
    weights: weigh(rows.reason, counts),
    reason: encode(Uint16Array.from(rows.reason)),
    part: encode(Uint16Array.from(rows.part)),
    domain: encode(Uint16Array.from(rows.domain)),
    language: encode(Uint16Array.from(rows.language)),
    bytes: encode(Uint32Array.from(rows.bytes)),
    tokens: encode(Int32Array.from(rows.tokens)),
    columns: columns.map((name, i) => packColumn(name, Array.from<number | string>(rows.values[i]), named)),
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

/** A name that rules name stays as it is; others are cut, as they are a stranger's. */
export function cutName(name: string, named: ReadonlySet<string>): string {
  return named.has(name) || name.length <= limits.nameLengthMax ? name : `${name.slice(0, limits.nameLengthMax)}…`
}

/** Names have 16 bits: of more than that those that rules do not name share one. */
const namesMax = 2 ** 16

function packNames(name: string, values: readonly string[], named: ReadonlySet<string>): PackedColumn {
  const places = new Map<string, number>()
  const placeOf = (shown: string) => {
    const known = places.get(shown)
    if (known !== undefined) return known
    places.set(shown, places.size)
    return places.size - 1
  }
  const room = namesMax - 1 - named.size
  const numbers = values.map(value => {
    const shown = cutName(value, named)
    return placeOf(places.has(shown) || places.size < room || named.has(value) ? shown : '…')
  })
  return { name, kind: 'utf8', names: [...places.keys()], data: encode(Uint16Array.from(numbers)) }
}

function encode(array: Uint8Array | Uint16Array | Uint32Array | Int32Array | Float32Array | Float64Array): string {
  return Buffer.from(array.buffer, array.byteOffset, array.byteLength).toString('base64')
}
