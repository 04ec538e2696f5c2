import { limits } from '../limits.ts'

/**
 * Some of a group's values, chosen by the hashes of their documents' ids: which ones does not depend on the order in which they come. Counts
 * all of them.
 */
export class ValueSample {
  documents = 0
  #sum = 0
  #squares = 0
  #keys: number[] = []
  #values: number[] = []

  /** `key`: a hash of the document's id. */
  add(key: number, value: number): void {
    this.documents++
    const off = value - this.#sum / Math.max(1, this.documents - 1)
    this.#squares += this.documents === 1 ? 0 : (off * off * (this.documents - 1)) / this.documents
    this.#sum += value
    this.#keys.push(key)
    this.#values.push(value)
    if (this.#keys.length >= 2 * limits.calibrationSampleMax) this.#shrink()
  }

  /** Their mean and standard deviation, of all that were added. */
  spread(): { readonly mean: number; readonly deviation: number } {
    return { mean: this.#sum / this.documents, deviation: Math.sqrt(this.#squares / this.documents) }
  }

  values(): Float64Array {
    this.#shrink()
    return Float64Array.from(this.#values)
  }

  #shrink(): void {
    if (this.#keys.length <= limits.calibrationSampleMax) return
    const order = this.#keys.map((_, i) => i)
    order.sort((a, b) => this.#keys[a] - this.#keys[b] || this.#values[a] - this.#values[b])
    order.length = limits.calibrationSampleMax
    this.#keys = order.map(i => this.#keys[i])
    this.#values = order.map(i => this.#values[i])
  }
}
