import { rankCorrelation } from './measures.ts'
import type { RowSample } from './row-sample.ts'

/** How alike two columns order documents. */
export interface Correlation {
  readonly columns: readonly [string, string]
  /** Sampled documents that have both values. */
  readonly documents: number
  /** Spearman's, from -1 to 1; null of fewer than three documents, or where one of both does not vary. */
  readonly correlation: number | null
}

/** Columns of a pair say the same from here on, in either direction. */
const redundantMin = 0.9

/** Whether one of both columns would do, as they order documents nearly alike, or nearly the other way round. */
export const isRedundant = ({ correlation }: Correlation): boolean =>
  correlation !== null && Math.abs(correlation) >= redundantMin

/** Of all pairs of columns, the strongest first. */
export function correlate(columns: readonly string[], sample: RowSample): Correlation[] {
  const values = columns.map((_, i) => sample.column(i))
  const pairs = columns.flatMap((a, i) =>
    columns.slice(i + 1).map((b, j): Correlation => {
      const [x, y] = takeMeasured(values[i], values[i + 1 + j])
      const found = x.length < 3 ? Number.NaN : rankCorrelation(x, y)
      return { columns: [a, b], documents: x.length, correlation: Number.isNaN(found) ? null : found }
    }),
  )
  const strength = ({ correlation }: Correlation) => Math.abs(correlation ?? 0)
  return pairs.sort((a, b) => strength(b) - strength(a))
}

/** The values of documents that have both. */
function takeMeasured(a: Float64Array, b: Float64Array): [Float64Array, Float64Array] {
  const isBoth = a.map((value, i) => (Number.isNaN(value) || Number.isNaN(b[i]) ? 0 : 1))
  return [a.filter((_, i) => isBoth[i] === 1), b.filter((_, i) => isBoth[i] === 1)]
}
