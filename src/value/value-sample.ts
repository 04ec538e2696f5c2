import { limits } from '../limits.ts'
import { LowestKeys } from './lowest-keys.ts'

/** Some of a group's values, chosen by the hashes of their documents' ids. Counts all of them. */
export class ValueSample {
  documents = 0
  #sum = 0
  #squares = 0
  readonly #values = new LowestKeys<number>(limits.calibrationSampleMax, (a, b) => a - b)

  /** `key`: a hash of the document's id. */
  add(key: number, value: number): void {
    this.documents++
    const off = value - this.#sum / Math.max(1, this.documents - 1)
    this.#squares += this.documents === 1 ? 0 : (off * off * (this.documents - 1)) / this.documents
    this.#sum += value
    this.#values.add(key, () => value)
  }

  /** Their mean and standard deviation, of all that were added. */
  spread(): { readonly mean: number; readonly deviation: number } {
    return { mean: this.#sum / this.documents, deviation: Math.sqrt(this.#squares / this.documents) }
  }

  values(): Float64Array {
    return Float64Array.from(this.#values.items())
  }
}
