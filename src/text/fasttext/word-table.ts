import { equalsAt } from '../bytes.ts'

/**
 * Bounds of the table, 7 MB in all; four times as much was no faster over text of many languages, and a quarter was slower. A
 * word over `wordBytesMax` is never kept.
 */
const slotCount = 1 << 16
const entriesMax = slotCount / 2
const probesMax = 8
const wordBytesMax = 64
const bytesMax = 1 << 19
const placesMax = 1 << 20
/** A slot is five int32: the word's hash, where its bytes begin, their number, where its places begin and end. */
const slotWidth = 5

/**
 * Remembers for words where their rows lie, in bounded memory. Words are forgotten, all at once, when the room is used up, and one whose
 * neighbours are taken is not kept: a miss costs time and never changes a result.
 */
export class WordTable {
  /** The places of all words; those of a slot are `places[placesStart(slot) .. placesEnd(slot))`. */
  readonly places = new Int32Array(placesMax)
  readonly #slots = new Int32Array(slotCount * slotWidth)
  readonly #bytes = new Uint8Array(bytesMax)
  #entries = 0
  // A start of 0 marks an empty slot.
  #bytesEnd = 1
  #placesEnd = 0

  /** The slot of a word, or -1. `hash` is `hashByte` over its bytes from `hashBasis`. */
  find(hash: number, bytes: Uint8Array, start: number, end: number): number {
    const slots = this.#slots
    for (let probe = 0; probe < probesMax; probe++) {
      const slot = slotOf(hash, probe)
      const from = slots[slot + 1]
      if (from === 0) return -1
      if (slots[slot] === hash && slots[slot + 2] === end - start && equalsAt(this.#bytes, from, bytes, start, end))
        return slot
    }
    return -1
  }

  placesStart(slot: number): number {
    return this.#slots[slot + 3]
  }

  placesEnd(slot: number): number {
    return this.#slots[slot + 4]
  }

  /** Where the places of a word to be added begin, with room for `count` of them; -1 for a word too long to be kept. */
  reserve(bytes: number, count: number): number {
    if (bytes > wordBytesMax) return -1
    const isFull =
      this.#entries === entriesMax || this.#bytesEnd + bytes > bytesMax || this.#placesEnd + count > placesMax
    if (isFull) this.#forget()
    return this.#placesEnd
  }

  /** Adds the word whose places end at `placesEnd`, where there is a slot. Its places can be read until the next add. */
  add(hash: number, bytes: Uint8Array, start: number, end: number, placesEnd: number): void {
    for (let probe = 0; probe < probesMax; probe++) {
      const slot = slotOf(hash, probe)
      if (this.#slots[slot + 1] !== 0) continue
      this.#slots[slot] = hash
      this.#slots[slot + 1] = this.#bytesEnd
      this.#slots[slot + 2] = end - start
      this.#slots[slot + 3] = this.#placesEnd
      this.#slots[slot + 4] = placesEnd
      for (let i = start; i < end; i++) this.#bytes[this.#bytesEnd++] = bytes[i]
      this.#placesEnd = placesEnd
      this.#entries++
      return
    }
  }

  #forget(): void {
    this.#slots.fill(0)
    this.#entries = 0
    this.#bytesEnd = 1
    this.#placesEnd = 0
  }
}

function slotOf(hash: number, probe: number): number {
  return (((hash ^ (hash >>> 15)) + probe) & (slotCount - 1)) * slotWidth
}
