import { isDamaged } from './cursor.ts'

const firstBytes = 4 * 1024 * 1024
/** A chunk's text must still be there when it is decoded, however small the dictionary is. */
const chunkBytesMax = 2 * 1024 * 1024

/** What was unpacked, as far back as matches may reach. It grows up to its size, and is then written round and round. */
export class Window {
  readonly #bytesMax: number
  #bytes: Uint8Array
  #at = 0
  /** How many bytes were put. */
  written = 0
  /** How far back a match may reach. */
  reach = 0

  constructor(dictionaryBytes: number) {
    this.#bytesMax = Math.max(dictionaryBytes, chunkBytesMax)
    this.#bytes = new Uint8Array(Math.min(this.#bytesMax, firstBytes))
  }

  put(byte: number): void {
    if (this.#at === this.#bytes.length) this.#turn()
    this.#bytes[this.#at++] = byte
    this.written++
    if (this.reach < this.#bytesMax) this.reach++
  }

  putAll(bytes: Uint8Array): void {
    for (let i = 0; i < bytes.length; i++) this.put(bytes[i])
  }

  /** The byte that was put `distance` before the last one. */
  back(distance: number): number {
    const at = this.#at - 1 - distance
    return this.#bytes[at < 0 ? at + this.#bytes.length : at]
  }

  copy(distance: number, length: number): void {
    if (distance >= this.reach) throw isDamaged('a match reaches before the text')
    for (let i = 0; i < length; i++) this.put(this.back(distance))
  }

  /** A copy of what was put last. */
  last(length: number): Uint8Array {
    if (length <= this.#at) return this.#bytes.slice(this.#at - length, this.#at)
    const bytes = new Uint8Array(length)
    const before = length - this.#at
    bytes.set(this.#bytes.subarray(this.#bytes.length - before))
    bytes.set(this.#bytes.subarray(0, this.#at), before)
    return bytes
  }

  /** Lets no match reach what was put until now. */
  forget(): void {
    this.reach = 0
  }

  #turn(): void {
    if (this.#bytes.length === this.#bytesMax) {
      this.#at = 0
      return
    }
    const grown = new Uint8Array(Math.min(this.#bytesMax, 2 * this.#bytes.length))
    grown.set(this.#bytes)
    this.#bytes = grown
  }
}
