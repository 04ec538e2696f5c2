import { assert } from '../../errors.ts'
import { drawPlaceKey, placeOf } from '../../text/place-key.ts'
import type { KeyedTable, TableShape } from '../state.ts'
import type { StateBudget } from './budget.ts'

/** Three uint32 a place, side by side so that a look-up touches one cache line: high, low, value + 1 (0 is free). */
const placeWords = 3
const placeBytes = placeWords * 4
const placesAtFirst = 1024

/** Open addressing with linear probing, at most three quarters full. Keys come of documents, so their places are keyed. */
export class HashTable implements KeyedTable {
  readonly shape: TableShape
  readonly entryBytes = placeBytes
  readonly #budget: StateBudget
  readonly #placeKey = drawPlaceKey()
  #places = new Uint32Array(placesAtFirst * placeWords)
  #mask = placesAtFirst - 1
  #size = 0
  /** Places' contents in order of insertion since the last seal: what a seal writes and a rollback takes out. */
  #inserts = new Uint32Array(64 * placeWords)
  #insertCount = 0

  constructor(shape: TableShape, budget: StateBudget) {
    assert(shape.width === 4, `keyed table '${shape.name}' has values of ${shape.width} bytes, not 4`)
    this.shape = shape
    this.#budget = budget
    budget.take(this.#places.byteLength, shape.name, 0)
  }

  get size(): number {
    return this.#size
  }

  get(high: number, low: number): number {
    return this.#places[this.#find(high >>> 0, low >>> 0) + 2] - 1
  }

  set(high: number, low: number, value: number): void {
    high = high >>> 0
    low = low >>> 0
    let at = this.#find(high, low)
    if (this.#places[at + 2] !== 0) return
    if ((this.#size + 1) * 4 > (this.#mask + 1) * 3) {
      this.#grow()
      at = this.#find(high, low)
    }
    this.#log(high, low, value)
    this.#put(at, high, low, value + 1)
    this.#size++
  }

  /** Index of the key's place, or of the free place where it would go. */
  #find(high: number, low: number): number {
    const places = this.#places
    const mask = this.#mask
    let place = placeOf(high, low, this.#placeKey) & mask
    for (;;) {
      const at = place * placeWords
      if (places[at + 2] === 0 || (places[at + 1] === low && places[at] === high)) return at
      place = (place + 1) & mask
    }
  }

  #put(at: number, high: number, low: number, stored: number): void {
    this.#places[at] = high
    this.#places[at + 1] = low
    this.#places[at + 2] = stored
  }

  #grow(): void {
    const old = this.#places
    this.#budget.take(old.byteLength, this.shape.name, this.#size)
    this.#places = new Uint32Array(old.length * 2)
    this.#mask = this.#mask * 2 + 1
    for (let at = 0; at < old.length; at += placeWords)
      if (old[at + 2] !== 0) this.#put(this.#find(old[at], old[at + 1]), old[at], old[at + 1], old[at + 2])
  }

  #log(high: number, low: number, value: number): void {
    const at = this.#insertCount * placeWords
    if (at === this.#inserts.length) {
      const grown = new Uint32Array(this.#inserts.length * 2)
      grown.set(this.#inserts)
      this.#inserts = grown
    }
    this.#inserts[at] = high
    this.#inserts[at + 1] = low
    this.#inserts[at + 2] = value
    this.#insertCount++
  }

  markSealed(): void {
    this.#insertCount = 0
  }

  rollback(): void {
    while (this.#insertCount > 0) {
      const at = --this.#insertCount * placeWords
      this.#remove(this.#find(this.#inserts[at], this.#inserts[at + 1]))
    }
  }

  /** Frees a place and moves back those behind it that were pushed past it, as a search stops at a free place. */
  #remove(freed: number): void {
    const places = this.#places
    const mask = this.#mask
    let gap = freed / placeWords
    for (let place = (gap + 1) & mask; places[place * placeWords + 2] !== 0; place = (place + 1) & mask) {
      const at = place * placeWords
      const wanted = placeOf(places[at], places[at + 1], this.#placeKey) & mask
      if (((place - wanted) & mask) < ((place - gap) & mask)) continue
      this.#put(gap * placeWords, places[at], places[at + 1], places[at + 2])
      gap = place
    }
    this.#put(gap * placeWords, 0, 0, 0)
    this.#size--
  }

  /** Entries since the last seal. */
  get unsealed(): number {
    return this.#insertCount
  }

  /** Those entries as bytes, valid until the next insert: uint32 high, low, value each. */
  unsealedBytes(): Uint8Array {
    return new Uint8Array(this.#inserts.buffer, 0, this.#insertCount * placeBytes)
  }

  restore(bytes: Uint8Array): void {
    const words = new Uint32Array(new Uint8Array(bytes).buffer)
    for (let i = 0; i < words.length; i += placeWords) this.set(words[i], words[i + 1], words[i + 2])
  }
}
