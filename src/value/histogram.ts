/** Values counted in bins of one width. */
export interface Histogram {
  readonly from: number
  readonly to: number
  /** Shares of all values; what lies before the first bin is in it, and what lies behind the last in that. */
  readonly shares: readonly number[]
}

const binsCount = 24

/** Of values of which at least one is there, between two of them: those at 1% and 99%, so that a stray value does not flatten all others. */
export function histogramOf(values: Float64Array, from: number, to: number): Histogram {
  const counts = new Array<number>(binsCount).fill(0)
  // Halved, as the difference of two values may be beyond what a float64 holds.
  const width = to / 2 - from / 2
  for (const value of values) {
    const place = width > 0 ? Math.floor(((value / 2 - from / 2) / width) * binsCount) : binsCount / 2
    counts[Math.max(0, Math.min(binsCount - 1, place))]++
  }
  return { from, to, shares: counts.map(count => count / values.length) }
}
