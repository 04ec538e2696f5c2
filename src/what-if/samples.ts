import { hashUnit } from '../text/hash.ts'

/** Some of many, chosen by a hash of their address, so that the same run shows the same ones. */
export class Samples<T extends { readonly slot: number; readonly row: number }> {
  readonly #max: number
  readonly #chosen: { readonly key: number; readonly item: T }[] = []

  constructor(max: number) {
    this.#max = max
  }

  /** `make` is asked for those alone that are chosen for now. */
  offer(slot: number, row: number, make: () => T): void {
    if (this.#max === 0) return
    const key = hashUnit(0, Buffer.from(`${slot}/${row}`), 0)
    if (this.#chosen.length < this.#max) this.#chosen.push({ key, item: make() })
    else {
      const largest = this.#chosen.reduce((most, one, i) => (one.key > this.#chosen[most].key ? i : most), 0)
      if (key < this.#chosen[largest].key) this.#chosen[largest] = { key, item: make() }
    }
  }

  /** Those that were chosen, in the order of slots and rows. */
  list(): T[] {
    return this.#chosen.map(({ item }) => item).sort((a, b) => a.slot - b.slot || a.row - b.row)
  }
}
