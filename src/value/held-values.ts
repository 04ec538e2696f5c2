import { NameLimit } from '../decide/name-limit.ts'

/** What the documents have in a column of names, the most frequent first; of numbers, between which they lie. Those without one are not in it. */
export type Held =
  | { readonly names: readonly (readonly [name: string, documents: number])[] }
  | { readonly least: number; readonly greatest: number }

/** Counts the names of a column, as many as a run keeps apart, or finds the bounds of its numbers. */
export class HeldValues {
  readonly #limit = new NameLimit([])
  readonly #counts = new Map<string, number>()
  #least = Number.POSITIVE_INFINITY
  #greatest = Number.NEGATIVE_INFINITY

  add(value: string | number): void {
    if (typeof value === 'number') {
      if (value < this.#least) this.#least = value
      if (value > this.#greatest) this.#greatest = value
      return
    }
    const name = this.#limit.of(value)
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1)
  }

  found(): Held {
    if (this.#counts.size === 0) return { least: this.#least, greatest: this.#greatest }
    return { names: [...this.#counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)) }
  }
}
