/** How pure a set is, by a sample of it that was looked at. */
export interface Purity {
  readonly right: number
  readonly judged: number
  /** The share of the sample: the estimate that a round is held against. */
  readonly purity: number
  /** The set is at least so pure, with 95 % confidence. */
  readonly purityLow: number
}

/** The standard normal's 0.95 quantile. */
const z = 1.6448536269514722

/** `purityLow` is Wilson's one-sided bound (Wilson 1927, JASA 22): it holds for few and for shares near 1, where the usual one says 1. */
export function estimatePurity(right: number, judged: number): Purity {
  const share = right / judged
  const middle = share + (z * z) / (2 * judged)
  const spread = z * Math.sqrt((share * (1 - share)) / judged + (z * z) / (4 * judged * judged))
  return { right, judged, purity: share, purityLow: Math.max(0, (middle - spread) / (1 + (z * z) / judged)) }
}
