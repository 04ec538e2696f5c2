import { hashUnit } from '../text/hash.ts'
import type { Pair } from './pair.ts'

/** Some of many pairs, chosen by a hash of their address, so that the same runs show the same ones. */
export class Samples {
  readonly #max: number
  readonly #chosen: { readonly key: number; readonly pair: Pair }[] = []

  constructor(max: number) {
    this.#max = max
  }

  add(pair: Pair): void {
    if (this.#max === 0) return
    const { slot, row } = (pair.a ?? pair.b)!
    const key = hashUnit(0, Buffer.from(`${slot}/${row}`), 0)
    if (this.#chosen.length === this.#max && key >= this.#chosen.at(-1)!.key) return
    const at = this.#chosen.findIndex(chosen => key < chosen.key)
    this.#chosen.splice(at < 0 ? this.#chosen.length : at, 0, { key, pair })
    if (this.#chosen.length > this.#max) this.#chosen.pop()
  }

  /** In the order of slots and rows of A, or of B where A has none. */
  get pairs(): Pair[] {
    const place = ({ a, b }: Pair) => (a ?? b)!
    const pairs = this.#chosen.map(({ pair }) => pair)
    return pairs.sort((one, other) => place(one).slot - place(other).slot || place(one).row - place(other).row)
  }
}
