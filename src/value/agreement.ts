/** How two judges of the same texts agree. */
export interface Agreement {
  readonly texts: number
  /** Labels in their order: numbers by size, names as they come. */
  readonly labels: readonly string[]
  /** `confusion[i][j]`: texts that the first judge calls `labels[i]`, and the second `labels[j]`. */
  readonly confusion: readonly (readonly number[])[]
  /** Share of texts on which both say the same. */
  readonly same: number
  /**
   * Cohen's kappa: 1 - Σ o·d / Σ e·d, with o the texts of a pair of labels, e those that chance would give it by how often each judge uses its
   * labels, and d 1 where they differ (Cohen 1960). NaN where chance alone would have both always say the same.
   */
  readonly kappa: number
  /** Only of numbers: the same with d the square of the difference (Cohen 1968). Null for names. */
  readonly weightedKappa: number | null
  /** Only of numbers: the mean of the first judge's less the second's. Null for names. */
  readonly meanDifference: number | null
}

/** Holds two judges' labels of the same texts against each other: `pairs[i]` is of text i. They are numbers where all of them are. */
export function measureAgreement(pairs: readonly (readonly [string, string])[]): Agreement {
  const isNumbers = pairs.flat().every(label => label.trim() !== '' && Number.isFinite(Number(label)))
  const own = isNumbers ? pairs.map(([a, b]) => [String(Number(a)), String(Number(b))] as const) : pairs
  const labels = [...new Set(own.flat())].sort(isNumbers ? (a, b) => Number(a) - Number(b) : undefined)
  const places = new Map(labels.map((label, i) => [label, i]))
  const confusion = labels.map(() => labels.map(() => 0))
  for (const [a, b] of own) confusion[places.get(a)!][places.get(b)!]++
  const values = labels.map(Number)
  const squares = (i: number, j: number) => (values[i] - values[j]) ** 2
  return {
    texts: pairs.length,
    labels,
    confusion,
    same: labels.reduce((sum, _, i) => sum + confusion[i][i], 0) / pairs.length,
    kappa: kappaOf(confusion, (i, j) => (i === j ? 0 : 1)),
    weightedKappa: isNumbers ? kappaOf(confusion, squares) : null,
    meanDifference: isNumbers ? own.reduce((sum, [a, b]) => sum + Number(a) - Number(b), 0) / own.length : null,
  }
}

function kappaOf(confusion: readonly (readonly number[])[], distance: (i: number, j: number) => number): number {
  const rows = confusion.map(row => row.reduce((a, b) => a + b, 0))
  const columns = confusion.map((_, j) => confusion.reduce((sum, row) => sum + row[j], 0))
  const texts = rows.reduce((a, b) => a + b, 0)
  let [observed, expected] = [0, 0]
  for (const [i, row] of confusion.entries())
    for (const [j, count] of row.entries()) {
      observed += count * distance(i, j)
      expected += (rows[i] * columns[j] * distance(i, j)) / texts
    }
  return expected > 0 ? 1 - observed / expected : Number.NaN
}
