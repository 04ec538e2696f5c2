import { type Address, rowOf, slotOf } from '../decide/decider.ts'
import { HeadraceError } from '../errors.ts'
import { limits } from '../limits.ts'

/** Bytes that a slot costs beside its rows' bits, in a Map. */
const slotBytes = 160

/** A set of rows, a bit each. Refused ('limit') beyond `limits.diffBytesMax`, which is that of some hundred million documents. */
export class RowSet {
  readonly #slots = new Map<number, Uint8Array>()
  #bytes = 0

  add(address: Address): void {
    const [slot, row] = [slotOf(address), rowOf(address)]
    let bits = this.#slots.get(slot)
    if (!bits || bits.length <= row >> 3) {
      const grown = new Uint8Array(Math.max(16, 2 * (row >> 3)))
      if (bits) grown.set(bits)
      this.#grow(grown.length - (bits?.length ?? -slotBytes))
      this.#slots.set(slot, grown)
      bits = grown
    }
    bits[row >> 3] |= 1 << (row & 7)
  }

  has(address: Address): boolean {
    const row = rowOf(address)
    return (((this.#slots.get(slotOf(address))?.[row >> 3] ?? 0) >> (row & 7)) & 1) === 1
  }

  #grow(bytes: number): void {
    this.#bytes += bytes
    if (this.#bytes > limits.diffBytesMax)
      throw new HeadraceError(
        'limit',
        'more documents differ than can be compared at once: too many are kept by one run alone',
      )
  }
}
