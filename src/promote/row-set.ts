import { type Address, rowOf, slotOf } from '../decide/decider.ts'

/**
 * A set of rows by their addresses: a bit a row and 12 bytes a slot. The bits of a slot lie together. The last ones grow where they are, as
 * rows come in order; others move to a place of twice the size when a row beyond them comes, and leave theirs behind.
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

  /** What it takes of memory. */
  get bytes(): number {
    return this.#bits.length + this.#starts.byteLength + this.#sizes.byteLength
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
    const from = this.#starts[slot]
    const isLast = from + before === this.#used
    const start = isLast ? from : this.#used
    const size = isLast || before === 0 ? bytes : Math.max(bytes, 2 * before)
    const used = start + size
    if (used > this.#bits.length) this.#bits = grown(this.#bits, new Uint8Array(Math.ceil(1.25 * used)))
    if (!isLast) this.#bits.copyWithin(start, from, from + before)
    this.#starts[slot] = start
    this.#sizes[slot] = size
    this.#used = used
  }
}

function grown<T extends Uint8Array | Uint32Array | Float64Array>(from: T, to: T): T {
  to.set(from)
  return to
}
