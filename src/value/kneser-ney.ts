import { naturalLog } from '../text/exact-math.ts'

/** What is taken off a count of 1, 2, and 3 or more, so that n-grams that were not met have some of it; the first entry is of none. */
export interface Discounts {
  readonly values: readonly [0, number, number, number]
  /** That the texts were too few to say: these are the usual ones. */
  readonly areUsual: boolean
}

/** How many n-grams have a count of 1, 2, 3 and 4, in places 1 to 4. */
export class CountCounts {
  readonly #counts = new Float64Array(5)

  add(count: number): void {
    if (count <= 4) this.#counts[count]++
  }

  /**
   * Those of modified Kneser-Ney (Chen & Goodman 1998, eq. 26): with Y = n1 / (n1 + 2 n2), i - (i + 1) Y n(i+1) / n(i) of a count of i. Where one
   * is out of its range, as of few texts, all are 0.5, 1 and 1.5, as KenLM falls back to.
   */
  discounts(): Discounts {
    const [, one, two, three, four] = this.#counts
    const y = one / (one + 2 * two)
    const values = [0, 1 - (2 * y * two) / one, 2 - (3 * y * three) / two, 3 - (4 * y * four) / three] as const
    const areUsual = values.some((value, i) => !(value >= 0 && value <= i))
    return { values: areUsual ? [0, 0.5, 1, 1.5] : [0, values[1], values[2], values[3]], areUsual }
  }
}

export function discountOf({ values }: Discounts, count: number): number {
  return values[Math.min(3, count)]
}

/** Of base 10: -99 for none. */
export function logOf(probability: number): number {
  return probability > 0 ? naturalLog(probability) * Math.LOG10E : -99
}
