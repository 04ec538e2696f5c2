import type { Columns } from '../../batch/batch.ts'
import { utf8From } from '../../batch/batch.ts'
import { HeadraceError } from '../../errors.ts'
import { limits } from '../../limits.ts'
import { columnOf, type Measures } from '../measure.ts'

/** What became of a text: its vector, or why it has none. */
export interface Embedded {
  /** Of length 1. */
  readonly vector: Float32Array | null
  /** Empty where there is a vector. */
  readonly missing: string
  /** Whether only the beginning of the text was looked at. */
  readonly isCut: boolean
}

const about = {
  vector: 'the vector of the text, of length 1: `dimensions` little-endian float32; zeros where there is none',
  missing: 'why there is no vector: `empty`, `failed:<why>`, `refused:<status>`; else empty',
  cut: '1 where the end of the text was not looked at',
}
const missing = columnOf('utf8')(about.missing)
const cut = columnOf('u8')(about.cut)
const vectorOf = (dimensions: number) => ({ ...columnOf('fixed')(about.vector), width: 4 * dimensions })

/** The columns of any vectors, for the manual. */
export const embeddingMeasures: Measures = {
  'embedding:<name>': columnOf('fixed')(about.vector),
  'embedding:<name>:missing': missing,
  'embedding:<name>:cut': cut,
}

/** The column that has the vectors of a name. */
export const vectorColumn = (name: string) => `embedding:${name}`

/** The columns of vectors of this name, and of so many numbers. */
export function measuresOf(name: string, dimensions: number): Measures {
  return {
    [vectorColumn(name)]: vectorOf(dimensions),
    [`${vectorColumn(name)}:missing`]: missing,
    [`${vectorColumn(name)}:cut`]: cut,
  }
}

/** The columns of `measuresOf`, with a value a text. */
export function columnsOf(name: string, dimensions: number, embedded: readonly Embedded[]): Columns {
  const bytes = new Uint8Array(embedded.length * 4 * dimensions)
  const view = new DataView(bytes.buffer)
  embedded.forEach(({ vector }, row) => {
    vector?.forEach((value, i) => {
      view.setFloat32(4 * (row * dimensions + i), value, true)
    })
  })
  return {
    [vectorColumn(name)]: { kind: 'fixed', width: 4 * dimensions, bytes },
    [`${vectorColumn(name)}:missing`]: utf8From(embedded.map(one => one.missing)),
    [`${vectorColumn(name)}:cut`]: { kind: 'u8', values: Uint8Array.from(embedded, ({ isCut }) => (isCut ? 1 : 0)) },
  }
}

/** Throws `limit` for more vectors than one batch may hold. */
export function checkRoom(who: string, rows: number, dimensions: number): void {
  const rowsMax = Math.floor(limits.embeddingBatchBytesMax / (4 * dimensions))
  if (rows <= rowsMax) return
  throw new HeadraceError(
    'limit',
    `${who}: a slot has ${rows} documents, and ${rowsMax} are the most with vectors of ${dimensions} numbers: put a gate before it that stops short texts`,
  )
}

/** The vector of length 1 in the direction of this one, or null where it has none: a number that is not finite, or zeros. */
export function toUnit(values: ArrayLike<number>): Float32Array | null {
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += values[i] * values[i]
  const length = Math.sqrt(sum)
  if (!(length > 0 && length < Number.POSITIVE_INFINITY)) return null
  return Float32Array.from(values, value => value / length)
}
