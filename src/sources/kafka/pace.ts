/** About a slot of small documents. So many are never held back: what a range costs is nothing beside them. */
export const rangeRecords = 4096
/** What a partition earns its next small range in. */
export const smallRangeMs = 10_000
/** Small ranges that a partition can save up: some minutes of one a look. */
export const smallRangesMax = 30

/**
 * How often a follower cuts a range of a partition. Each is recorded with the run, and is a slot and a commit of every stage, so that a
 * record a look, for years, must not be one. What comes seldom is taken at once, as a partition has saved up for it; a steady trickle
 * is taken in ranges of `smallRangeMs`. What is held back stands in the topic and is in the next range.
 */
export class RangePace {
  readonly #now: () => number
  readonly #saved = new Map<string, { readonly ranges: number; readonly atMs: number }>()

  /** `now` is a clock in milliseconds that never goes back. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** Whether to cut a range of this many records now; the answer counts as done. */
  take(partition: string, records: number): boolean {
    if (records >= rangeRecords) return true
    const atMs = this.#now()
    const { ranges, atMs: before } = this.#saved.get(partition) ?? { ranges: smallRangesMax, atMs }
    const has = Math.min(smallRangesMax, ranges + (atMs - before) / smallRangeMs)
    const mayTake = has >= 1
    this.#saved.set(partition, { ranges: mayTake ? has - 1 : has, atMs })
    return mayTake
  }
}
