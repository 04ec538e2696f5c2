import { limits } from '../../limits.ts'
import type { Append } from '../../log/log.ts'

/** A slot whose entries are on their way. */
export interface PendingSlot {
  readonly result: Promise<readonly Append[]>
}

/** Slots that are worked on at once, in any order, and handed out in their own, as many together as are ready. */
export class SlotWindow<Slot extends PendingSlot> {
  readonly #slots: Slot[] = []
  readonly #settled = new WeakSet<Slot>()

  get length(): number {
    return this.#slots.length
  }

  /** The one that is handed out next. */
  get oldest(): Slot {
    return this.#slots[0]
  }

  push(slot: Slot): void {
    this.#slots.push(slot)
    const settle = () => this.#settled.add(slot)
    slot.result.then(settle, settle)
  }

  /** Waits for the oldest, and takes it and all that are ready behind it, up to half a commit. Rejects with what failed, when its turn comes. */
  async takeReady(): Promise<{ readonly slots: readonly Slot[]; readonly appends: readonly Append[] }> {
    const slots: Slot[] = []
    const appends: Append[] = []
    let bytes = 0
    do {
      const result = await this.oldest.result
      slots.push(this.#slots.shift()!)
      bytes += result.reduce((sum, { value }) => sum + value.length, 0)
      appends.push(...result)
    } while (this.#slots.length > 0 && this.#settled.has(this.oldest) && bytes < limits.commitBytesMax / 2)
    return { slots, appends }
  }
}
