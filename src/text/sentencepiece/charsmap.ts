import { HeadraceError } from '../../errors.ts'

const rootByteMax = 128
/** As many rules as SentencePiece follows from one place. */
const rulesMax = 32

/**
 * Rules of what is replaced by what, as SentencePiece compiles them: a double array in the form of Darts-clone (Susumu Yata), a byte a step, whose
 * leaves say where a replacement begins; replacements end with a zero.
 */
export class Charsmap {
  /** Of the last rule that was found: the bytes that it replaces, 0 for none, and where its replacement lies in `texts`. */
  length = 0
  start = 0
  end = 0
  readonly texts: Uint8Array
  readonly #units: Uint32Array
  /** By the first byte, for ASCII: whether no rule goes on from it with another ASCII byte, and the rule for it alone. */
  readonly #isAlone = new Uint8Array(rootByteMax)
  readonly #aloneStart = new Int32Array(rootByteMax).fill(-1)

  constructor(charsmap: Uint8Array, file: string) {
    const bytes = charsmap.length < 4 ? 0 : new DataView(charsmap.buffer, charsmap.byteOffset).getUint32(0, true)
    if (charsmap.length > 0 && (bytes % 4 !== 0 || bytes === 0 || 4 + bytes >= charsmap.length))
      throw new HeadraceError(
        'corrupt',
        `${file} has rules of ${bytes} bytes in ${charsmap.length}: give the file as it was`,
      )
    this.#units = new Uint32Array(new Uint8Array(charsmap.subarray(4, 4 + bytes)).buffer)
    this.texts = charsmap.subarray(4 + bytes)
    for (let byte = 0; byte < rootByteMax; byte++) this.#lookAhead(byte)
  }

  /** Finds the longest rule for what begins at `at`. */
  find(bytes: Uint8Array, at: number, end: number): void {
    const byte = bytes[at]
    if (byte < rootByteMax && this.#isAlone[byte] && (at + 1 === end || bytes[at + 1] < rootByteMax)) {
      this.length = this.#aloneStart[byte] < 0 ? 0 : 1
      if (this.length > 0) this.#point(this.#aloneStart[byte])
    } else this.#walk(bytes, at, end)
  }

  #lookAhead(byte: number): void {
    this.#isAlone[byte] = 1
    const pair = new Uint8Array([byte, 0])
    this.#walk(pair, 0, 1)
    if (this.length > 0) this.#aloneStart[byte] = this.start
    for (let next = 1; next < rootByteMax; next++) {
      pair[1] = next
      if (this.#reach(pair) === 2) this.#isAlone[byte] = 0
    }
  }

  /** How far the array goes on, whether a rule ends there or not. */
  #reach(pair: Uint8Array): number {
    let node = offsetOf(this.#units[0] ?? 0)
    for (let i = 0; i < pair.length; i++) {
      const unit = this.#units[node ^ pair[i]]
      if (unit === undefined || labelOf(unit) !== pair[i]) return i
      node ^= pair[i] ^ offsetOf(unit)
    }
    return pair.length
  }

  #walk(bytes: Uint8Array, at: number, end: number): void {
    this.length = 0
    let found = 0
    let node = offsetOf(this.#units[0] ?? 0)
    for (let i = at; i < end && found < rulesMax; i++) {
      node ^= bytes[i]
      const unit = this.#units[node]
      if (unit === undefined || labelOf(unit) !== bytes[i]) break
      node ^= offsetOf(unit)
      if (((unit >>> 8) & 1) === 0) continue
      found++
      this.length = i + 1 - at
      this.#point((this.#units[node] ?? 0) & 0x7fffffff)
    }
  }

  #point(start: number): void {
    this.start = Math.min(start, this.texts.length)
    const end = this.texts.indexOf(0, this.start)
    this.end = end < 0 ? this.texts.length : end
  }
}

/** A leaf has the upper bit, which is in no byte. */
const labelOf = (unit: number) => (unit & 0x800000ff) >>> 0
const offsetOf = (unit: number) => ((unit >>> 10) << ((unit & 0x200) >>> 6)) >>> 0
