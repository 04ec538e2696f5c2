/** Documents with their tokens, and how many of these are an estimate by bytes. */
export interface Kept {
  documents: number
  tokens: number
  tokensEstimated: number
}

export const nothingKept = (): Kept => ({ documents: 0, tokens: 0, tokensEstimated: 0 })

export function addTo(sum: Kept, { documents, tokens, tokensEstimated }: Kept): void {
  sum.documents += documents
  sum.tokens += tokens
  sum.tokensEstimated += tokensEstimated
}

/** What of named groups of documents would be kept at each threshold of a column, and as it is. */
export class ThresholdCounts {
  readonly #thresholds: readonly number[]
  readonly #isLower: boolean
  /** By name: documents that the first threshold drops, then those that the next one drops besides, and so on; those without a value are in the last. */
  readonly #bins = new Map<string, Kept[]>()

  /**
   * `thresholds`: from the one that drops least to the one that drops most; some may be equal. They drop what is below them, or above them
   * where lower values are better.
   */
  constructor(thresholds: readonly number[], isLower = false) {
    this.#thresholds = thresholds
    this.#isLower = isLower
  }

  /** NaN, for a document without a value, is beyond no threshold: rules drop nothing that was not measured. */
  add(name: string, value: number, document: Kept): void {
    const known = this.#bins.get(name)
    const bins = known ?? Array.from({ length: this.#thresholds.length + 1 }, nothingKept)
    if (!known) this.#bins.set(name, bins)
    const isLower = this.#isLower
    const first = this.#thresholds.findIndex(threshold => (isLower ? value > threshold : value < threshold))
    addTo(bins[first < 0 ? this.#thresholds.length : first], document)
  }

  /** By name: what is there, and then what each threshold would keep. The most tokens first. */
  counts(): Map<string, readonly Kept[]> {
    const summed = [...this.#bins].map(([name, bins]) => [name, sumFromEnd(bins)] as const)
    summed.sort(([a, [x]], [b, [y]]) => y.tokens - x.tokens || y.documents - x.documents || (a < b ? -1 : 1))
    return new Map(summed)
  }
}

/** All bins, then all but the first, and so on. */
function sumFromEnd(bins: readonly Kept[]): Kept[] {
  const sums = bins.map(bin => ({ ...bin }))
  for (let i = sums.length - 2; i >= 0; i--) addTo(sums[i], sums[i + 1])
  return sums
}

/** Sums of several groups, threshold by threshold. */
export function sumKept(groups: Iterable<readonly Kept[]>, length: number): Kept[] {
  const sums = Array.from({ length }, nothingKept)
  for (const group of groups) for (const [i, kept] of group.entries()) addTo(sums[i], kept)
  return sums
}

/**
 * How far a mixture moves, from 0 to 1: the share of tokens that would have to be of another name for it to be the mixture of before, which
 * is half the sum of all changes of shares (the total variation distance). 0 where nothing is left.
 */
export function distanceOf(groups: Iterable<readonly Kept[]>, threshold: number): number {
  const listed = [...groups]
  const [before, after] = [0, threshold].map(at => listed.reduce((sum, group) => sum + group[at].tokens, 0))
  if (before === 0 || after === 0) return 0
  const changes = listed.map(group => Math.abs(group[threshold].tokens / after - group[0].tokens / before))
  return changes.reduce((sum, change) => sum + change, 0) / 2
}
