import { mix32 } from '../../text/hash.ts'
import { LowestKeys } from '../../value/lowest-keys.ts'

/** Where a slot stands among all: by a number that nobody chooses. No two slots below 2^32 have the same. */
const keyOf = (slot: number) => mix32(slot ^ 0x9e3779b9)

interface Keyed {
  readonly slot: number
  readonly key: number
}
const compare = (a: Keyed, b: Keyed) => a.key - b.key || a.slot - b.slot

/** Something of a slot that has rows. */
export interface OfSlot {
  readonly slot: number
  readonly count: number
}

/** Of slots, the lowest key first, those that have at most so many rows together; the first one anyhow. A slot without rows takes the place of one. */
export function fitSlots<T extends OfSlot>(slots: readonly T[], rowsMax: number): readonly T[] {
  let rows = 0
  const end = slots.findIndex(({ count }, i) => {
    rows += Math.max(1, count)
    return i > 0 && rows > rowsMax
  })
  return end < 0 ? slots : slots.slice(0, end)
}

/**
 * Which slots of a run are in a sample of whole slots: those of the lowest keys, as far as their rows are not too many. A slot that has no place
 * never gets one, as slots only become more; so each is read once, and how often one looks does not change what is chosen.
 */
export class ChosenSlots<T extends OfSlot> {
  readonly #rowsMax: number
  #held: readonly (T & Keyed)[] = []
  #wanted: Keyed[] = []
  /** Slots before it were offered. */
  #offered = 0
  /** Of this key on slots have no place. */
  #bound = Number.POSITIVE_INFINITY

  constructor(rowsMax: number) {
    this.#rowsMax = rowsMax
  }

  /** Those that are held, the lowest key first. */
  get held(): readonly T[] {
    return this.#held
  }

  get isWhole(): boolean {
    return this.#wanted.length === 0
  }

  /** The slots `[first, end)` are there. Those that went before they were read are wanted no more. */
  offer(first: number, end: number): void {
    // There is no room for more slots than rows.
    const lowest = new LowestKeys<Keyed>(this.#rowsMax, compare)
    const add = (one: Keyed) => lowest.add(one.key, () => one)
    for (const one of this.#wanted) if (one.slot >= first) add(one)
    for (let slot = Math.max(first, this.#offered); slot < end; slot++) {
      const key = keyOf(slot)
      if (key < this.#bound) add({ slot, key })
    }
    this.#wanted = [...lowest.items()]
    this.#offered = Math.max(this.#offered, end)
  }

  /** Some of the slots that are to be read next, in their order. */
  next(most: number): number[] {
    return this.#wanted
      .slice(0, most)
      .map(({ slot }) => slot)
      .sort((a, b) => a - b)
  }

  /** Takes what was read of slots that were wanted. */
  take(read: readonly T[]): void {
    const slots = new Set(read.map(({ slot }) => slot))
    const held = [...this.#held, ...read.map(one => ({ ...one, key: keyOf(one.slot) }))].sort(compare)
    this.#held = fitSlots(held, this.#rowsMax)
    if (this.#held.length < held.length) this.#bound = held[this.#held.length].key
    this.#wanted = this.#wanted.filter(({ slot, key }) => key < this.#bound && !slots.has(slot))
  }
}
