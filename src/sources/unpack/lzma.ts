import { isDamaged } from './cursor.ts'
import type { Window } from './lzma-window.ts'

const probabilities = (count: number) => new Uint16Array(count).fill(1024)

/** A length: short and middle ones by the position's low bits, long ones not. */
class LengthDecoder {
  readonly #choice = probabilities(2)
  readonly #low = probabilities(16 * 8)
  readonly #middle = probabilities(16 * 8)
  readonly #high = probabilities(256)

  decode(range: RangeDecoder, state: number): number {
    if (range.bit(this.#choice, 0) === 0) return 2 + range.tree(this.#low, 8 * state, 3)
    if (range.bit(this.#choice, 1) === 0) return 10 + range.tree(this.#middle, 8 * state, 3)
    return 18 + range.tree(this.#high, 0, 8)
  }
}

/** With these a chunk begins. */
export const rangeHeaderBytes = 5

/** Decodes bits by their probabilities, which it adapts. */
export class RangeDecoder {
  readonly #bytes: Uint8Array
  #at = rangeHeaderBytes
  #range = 0xffffffff
  #code: number

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    if (bytes.length < rangeHeaderBytes || bytes[0] !== 0) throw isDamaged('a chunk does not begin as one does')
    this.#code = ((bytes[1] << 24) | (bytes[2] << 16) | (bytes[3] << 8) | bytes[4]) >>> 0
  }

  /** Whether all bytes were used and nothing is left of the code. */
  get isSpent(): boolean {
    return this.#at === this.#bytes.length && this.#code === 0
  }

  bit(probability: Uint16Array, index: number): number {
    const chance = probability[index]
    const bound = (this.#range >>> 11) * chance
    let bit = 0
    if (this.#code < bound) {
      this.#range = bound
      probability[index] = chance + ((2048 - chance) >>> 5)
    } else {
      bit = 1
      this.#range -= bound
      this.#code -= bound
      probability[index] = chance - (chance >>> 5)
    }
    if (this.#range < 0x1000000) this.#refill()
    return bit
  }

  direct(count: number): number {
    let value = 0
    for (; count > 0; count--) {
      this.#range >>>= 1
      const bit = Number(this.#code >= this.#range)
      if (bit) this.#code -= this.#range
      value = value * 2 + bit
      if (this.#range < 0x1000000) this.#refill()
    }
    return value
  }

  /** `count` bits, the highest first, from a tree of probabilities that begins at `base`. */
  tree(tree: Uint16Array, base: number, count: number): number {
    let node = 1
    for (let i = 0; i < count; i++) node = 2 * node + this.bit(tree, base + node)
    return node - (1 << count)
  }

  /** The same, the lowest bit first. */
  treeFromLow(tree: Uint16Array, base: number, count: number): number {
    let [node, value] = [1, 0]
    for (let i = 0; i < count; i++) {
      const bit = this.bit(tree, base + node)
      node = 2 * node + bit
      value |= bit << i
    }
    return value
  }

  #refill(): void {
    if (this.#at === this.#bytes.length) throw isDamaged('a chunk ends before its text')
    const byte = this.#bytes[this.#at++]
    this.#range = (this.#range << 8) >>> 0
    this.#code = ((this.#code << 8) | byte) >>> 0
  }
}

/** The settings of a decoder as one byte: bits of context of a literal, of its position, and of the position of others. */
export function readSettings(byte: number): Settings {
  const settings = { context: byte % 9, literalPosition: Math.floor(byte / 9) % 5, position: Math.floor(byte / 45) }
  if (byte > 224 || settings.context + settings.literalPosition > 4) throw isDamaged(`settings ${byte} of LZMA`)
  return settings
}

export interface Settings {
  readonly context: number
  readonly literalPosition: number
  readonly position: number
}

/** Decodes LZMA as the SDK's specification (lzma-specification.txt) has it: its state from chunk to chunk. */
export class LzmaDecoder {
  readonly #settings: Settings
  readonly #literals: Uint16Array
  readonly #isMatch = probabilities(12 * 16)
  readonly #isRepeat = probabilities(12)
  readonly #isRepeatOlder = probabilities(12)
  readonly #isRepeatOldest = probabilities(12)
  readonly #isRepeatLong = probabilities(12 * 16)
  readonly #isRepeatThird = probabilities(12)
  readonly #slots = probabilities(4 * 64)
  readonly #distances = probabilities(128)
  readonly #align = probabilities(16)
  readonly #lengths = new LengthDecoder()
  readonly #repeatLengths = new LengthDecoder()
  #state = 0
  #last = [0, 0, 0, 0]

  constructor(settings: Settings) {
    this.#settings = settings
    this.#literals = probabilities(0x300 << (settings.context + settings.literalPosition))
  }

  /** Puts `count` bytes into the window, of which `position` were put since it was emptied. */
  decode(range: RangeDecoder, window: Window, position: number, count: number): void {
    const positionMask = (1 << this.#settings.position) - 1
    for (let left = count; left > 0; ) {
      const low = (position + count - left) & positionMask
      const index = 16 * this.#state + low
      if (range.bit(this.#isMatch, index) === 0) {
        this.#decodeLiteral(range, window, position + count - left)
        left--
        continue
      }
      const length = this.#decodeMatch(range, low)
      if (length > left) throw isDamaged('a match that is longer than its chunk')
      window.copy(this.#last[0], length)
      left -= length
    }
  }

  #decodeLiteral(range: RangeDecoder, window: Window, position: number): void {
    const { context, literalPosition } = this.#settings
    const before = window.reach > 0 ? window.back(0) : 0
    const group = ((position & ((1 << literalPosition) - 1)) << context) + (before >> (8 - context))
    const base = 0x300 * group
    let node = 1
    if (this.#state >= 7) {
      if (this.#last[0] >= window.reach) throw isDamaged('a match reaches before the text')
      let matched = window.back(this.#last[0])
      do {
        const expected = (matched >> 7) & 1
        matched <<= 1
        const bit = range.bit(this.#literals, base + ((1 + expected) << 8) + node)
        node = 2 * node + bit
        if (bit !== expected) break
      } while (node < 0x100)
    }
    while (node < 0x100) node = 2 * node + range.bit(this.#literals, base + node)
    window.put(node & 0xff)
    if (this.#state < 4) this.#state = 0
    else this.#state -= this.#state < 10 ? 3 : 6
  }

  /** Sets the distance of the match that comes, and returns its length. */
  #decodeMatch(range: RangeDecoder, low: number): number {
    const state = this.#state
    if (range.bit(this.#isRepeat, state) === 0) {
      const length = this.#lengths.decode(range, low)
      this.#last = [this.#decodeDistance(range, length), this.#last[0], this.#last[1], this.#last[2]]
      this.#state = state < 7 ? 7 : 10
      return length
    }
    if (range.bit(this.#isRepeatOlder, state) === 0) {
      if (range.bit(this.#isRepeatLong, 16 * state + low) === 0) {
        this.#state = state < 7 ? 9 : 11
        return 1
      }
    } else this.#recall(this.#whichOlder(range, state))
    this.#state = state < 7 ? 8 : 11
    return this.#repeatLengths.decode(range, low)
  }

  #whichOlder(range: RangeDecoder, state: number): number {
    if (range.bit(this.#isRepeatOldest, state) === 0) return 1
    return 2 + range.bit(this.#isRepeatThird, state)
  }

  #recall(index: number): void {
    const [distance] = this.#last.splice(index, 1)
    this.#last.unshift(distance)
  }

  #decodeDistance(range: RangeDecoder, length: number): number {
    const slot = range.tree(this.#slots, 64 * Math.min(length - 2, 3), 6)
    if (slot < 4) return slot
    const bits = (slot >> 1) - 1
    const base = (2 | (slot & 1)) * 2 ** bits
    if (slot < 14) return base + range.treeFromLow(this.#distances, base - slot, bits)
    return base + range.direct(bits - 4) * 16 + range.treeFromLow(this.#align, 0, 4)
  }
}
