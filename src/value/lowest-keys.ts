/**
 * Chooses the `most` items with the lowest keys, which are hashes of documents' ids: which ones does not depend on the order in which they come.
 * Of items with one key those are lower that `compare` puts first, or that came first. Holds twice as many at most.
 */
export class LowestKeys<T> {
  readonly #most: number
  readonly #compare: (a: T, b: T) => number
  // Side by side, as a number takes 8 bytes in a list of numbers alone.
  #keys: number[] = []
  #items: T[] = []
  /** Keys above are not chosen any more. */
  #bound = Number.POSITIVE_INFINITY

  constructor(most: number, compare: (a: T, b: T) => number = () => 0) {
    this.#most = most
    this.#compare = compare
  }

  /** `make` is asked for those alone that may be chosen. */
  add(key: number, make: () => T): void {
    if (key > this.#bound) return
    this.#keys.push(key)
    this.#items.push(make())
    if (this.#keys.length >= 2 * this.#most) this.#shrink()
  }

  /** Those that are chosen so far, the lowest first. */
  items(): readonly T[] {
    this.#shrink()
    return this.#items
  }

  #shrink(): void {
    const [keys, items] = [this.#keys, this.#items]
    const order = keys.map((_, i) => i)
    order.sort((a, b) => keys[a] - keys[b] || this.#compare(items[a], items[b]))
    if (order.length >= this.#most) {
      order.length = this.#most
      this.#bound = keys[order[this.#most - 1]]
    }
    this.#keys = order.map(i => keys[i])
    this.#items = order.map(i => items[i])
  }
}
