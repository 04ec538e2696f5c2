import { limits } from '../limits.ts'

/** Some documents with all of their values, chosen by the hashes of their ids, so that which ones does not depend on their order. */
export class RowSample {
  #rows: { readonly key: number; readonly values: Float64Array }[] = []
  /** Keys from here on are not chosen any more. */
  #bound = Number.POSITIVE_INFINITY

  /** `key`: a hash of the document's id. `read` is called where it may be chosen. */
  add(key: number, read: () => Float64Array): void {
    if (key >= this.#bound) return
    this.#rows.push({ key, values: read() })
    if (this.#rows.length >= 2 * limits.correlationSampleMax) this.#shrink()
  }

  /** The chosen documents' values of the column at `index`. */
  column(index: number): Float64Array {
    this.#shrink()
    return Float64Array.from(this.#rows, ({ values }) => values[index])
  }

  #shrink(): void {
    this.#rows.sort((a, b) => a.key - b.key || compare(a.values, b.values))
    if (this.#rows.length <= limits.correlationSampleMax) return
    this.#bound = this.#rows[limits.correlationSampleMax].key
    this.#rows.length = limits.correlationSampleMax
  }
}

/** Of documents with one id, those with lower values come first. */
function compare(a: Float64Array, b: Float64Array): number {
  const at = a.findIndex((value, i) => !Object.is(value, b[i]))
  if (at < 0) return 0
  return Number.isNaN(a[at]) ? 1 : Number.isNaN(b[at]) ? -1 : a[at] - b[at]
}
