import { assert } from '../../errors.ts'
import type { ListTable, TableShape } from '../state.ts'
import type { StateBudget } from './budget.ts'

const chunkBytesMin = 64 * 1024

/** Items in chunks of a fixed number, a power of two, so that growing copies nothing. */
export class ChunkedList implements ListTable {
  readonly shape: TableShape
  readonly entryBytes: number
  readonly #budget: StateBudget
  readonly #chunks: Uint8Array[] = []
  readonly #shift: number
  #size = 0
  #sealed = 0

  constructor(shape: TableShape, budget: StateBudget) {
    this.shape = shape
    this.entryBytes = shape.width
    this.#budget = budget
    this.#shift = Math.ceil(Math.log2(Math.max(1, chunkBytesMin / shape.width)))
  }

  get size(): number {
    return this.#size
  }

  push(item: Uint8Array): number {
    const { width, name } = this.shape
    assert(item.length === width, `table '${name}' holds items of ${width} bytes, not ${item.length}`)
    if (this.#size >>> this.#shift === this.#chunks.length) {
      this.#budget.take(width << this.#shift, name, this.#size)
      this.#chunks.push(new Uint8Array(width << this.#shift))
    }
    this.at(this.#size++).set(item)
    return this.#size - 1
  }

  at(index: number): Uint8Array {
    const { width } = this.shape
    const at = (index & ((1 << this.#shift) - 1)) * width
    return this.#chunks[index >>> this.#shift].subarray(at, at + width)
  }

  markSealed(): void {
    this.#sealed = this.#size
  }

  /** Chunks stay, as the items come again. */
  rollback(): void {
    this.#size = this.#sealed
  }

  /** Items since the last seal. */
  get unsealed(): number {
    return this.#size - this.#sealed
  }

  unsealedBytes(): Uint8Array {
    const bytes = new Uint8Array(this.unsealed * this.shape.width)
    for (let i = this.#sealed; i < this.#size; i++) bytes.set(this.at(i), (i - this.#sealed) * this.shape.width)
    return bytes
  }

  restore(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += this.shape.width) this.push(bytes.subarray(at, at + this.shape.width))
  }
}
