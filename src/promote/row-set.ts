import { type Address, rowOf, slotOf } from '../decide/decider.ts'

/**
 * A set of rows by their addresses: a bit a row and 8 bytes a slot. The bits of a slot lie together and move to a larger place when a
 * row beyond them comes, so at most half of the memory is left behind.
 */
export class RowSet {
  #bits = new Uint8Array(1024)
  #used = 0
  /** Of each slot, where its bits begin, and for how many bytes. */
  #starts = new Float64Array(64)
  #sizes = new Uint32Array(64)
  #count = 0

  get count(): number {
    return this.#count
  }

  has(address: Address): boolean {
    const [slot, row] = [slotOf(address), rowOf(address)]
    if (slot >= this.#sizes.length || row >>> 3 >= this.#sizes[slot]) return false
    return (this.#bits[this.#starts[slot] + (row >>> 3)] & (1 << (row & 7))) !== 0
  }

  add(address: Address): void {
    if (this.has(address)) return
    const [slot, row] = [slotOf(address), rowOf(address)]
    this.#makeRoom(slot, (row >>> 3) + 1)
    this.#bits[this.#starts[slot] + (row >>> 3)] |= 1 << (row & 7)
    this.#count++
  }

  #makeRoom(slot: number, bytes: number): void {
    if (slot >= this.#sizes.length) {
      this.#starts = grown(this.#starts, new Float64Array(2 * slot))
      this.#sizes = grown(this.#sizes, new Uint32Array(2 * slot))
    }
    const before = this.#sizes[slot]
    if (bytes <= before) return
    const size = Math.max(bytes, 2 * before)
    if (this.#used + size > this.#bits.length) this.#bits = grown(this.#bits, new Uint8Array(2 * (this.#used + size)))
    this.#bits.copyWithin(this.#used, this.#starts[slot], this.#starts[slot] + before)
    this.#starts[slot] = this.#used
    this.#sizes[slot] = size
    this.#used += size
  }
}

function grown<T extends Uint8Array | Uint32Array | Float64Array>(from: T, to: T): T {
  to.set(from)
  return to
}
