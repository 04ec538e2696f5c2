import { type Address, rowOf, slotOf } from '../decide/decider.ts'
import { limits } from '../limits.ts'

/** Which rows of the slots so far were kept: one bit a row and 8 bytes a slot. */
export class KeptRows {
  #bits = new Uint8Array(1024)
  readonly #starts: number[] = []
  #first = -1
  #used = 0
  readonly #unknown = new Set<number>()

  /** The kept rows of a slot, in order. Slots rise. */
  add(slot: number, rows: ArrayLike<number>): void {
    this.#reach(slot)
    const rowsMax = rows.length ? Math.min(rows[rows.length - 1] + 1, limits.slotRowsMax) : 0
    const start = this.#used
    this.#used += rowsMax
    while (this.#bits.length * 8 < this.#used) {
      const grown = new Uint8Array(this.#bits.length * 2)
      grown.set(this.#bits)
      this.#bits = grown
    }
    for (let i = 0; i < rows.length; i++) {
      const bit = start + rows[i]
      this.#bits[Math.floor(bit / 8)] |= 1 << (bit % 8)
    }
  }

  /** A slot of which nothing is known. */
  skip(slot: number): void {
    this.#reach(slot)
    this.#unknown.add(slot)
  }

  /** Whether the row was kept; null where that is not known. */
  has(address: Address): boolean | null {
    const index = slotOf(address) - this.#first
    if (index < 0 || this.#unknown.has(slotOf(address))) return null
    if (index >= this.#starts.length) return false
    const bit = this.#starts[index] + rowOf(address)
    const end = this.#starts[index + 1] ?? this.#used
    return bit < end && (this.#bits[Math.floor(bit / 8)] & (1 << (bit % 8))) !== 0
  }

  /** Makes `slot` the next one; those between are not known. */
  #reach(slot: number): void {
    if (this.#first < 0) this.#first = slot
    while (this.#first + this.#starts.length < slot) {
      this.#unknown.add(this.#first + this.#starts.length)
      this.#starts.push(this.#used)
    }
    this.#starts.push(this.#used)
  }
}
