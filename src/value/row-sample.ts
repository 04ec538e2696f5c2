import { limits } from '../limits.ts'
import { LowestKeys } from './lowest-keys.ts'

/** Some documents with all of their values, chosen by the hashes of their ids. */
export class RowSample {
  readonly #rows = new LowestKeys(limits.correlationSampleMax, compare)

  /** `key`: a hash of the document's id. `read` is called where it may be chosen. */
  add(key: number, read: () => Float64Array): void {
    this.#rows.add(key, read)
  }

  /** The chosen documents' values of the column at `index`. */
  column(index: number): Float64Array {
    return Float64Array.from(this.#rows.items(), values => values[index])
  }
}

/** Of documents with one id, those with lower values come first. */
function compare(a: Float64Array, b: Float64Array): number {
  const at = a.findIndex((value, i) => !Object.is(value, b[i]))
  if (at < 0) return 0
  return Number.isNaN(a[at]) ? 1 : Number.isNaN(b[at]) ? -1 : a[at] - b[at]
}
