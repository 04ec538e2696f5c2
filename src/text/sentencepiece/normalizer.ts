import { lengthOf } from '../bytes.ts'
import type { ByteTrie } from './byte-trie.ts'
import { Charsmap } from './charsmap.ts'
import type { NormalizerSpec } from './model-file.ts'

const space = 0x20
/** U+2581, which stands for a space in pieces. */
const mark = [0xe2, 0x96, 0x81] as const

/** A text as a model's pieces are cut from: rules applied, spaces put together and marked, as the model's file says. */
export class Normalizer {
  /** Of the last text, the first `length` bytes. */
  bytes = new Uint8Array(1024)
  length = 0
  readonly #spec: NormalizerSpec
  readonly #rules: Charsmap
  /** What is to stay as it is. */
  readonly #kept: ByteTrie
  /** What the character that was read last became: `#from[#start, #end)`; and the bytes that it had. */
  #from: Uint8Array = this.bytes
  #start = 0
  #end = 0
  #read = 0

  constructor(spec: NormalizerSpec, kept: ByteTrie, file: string) {
    this.#spec = spec
    this.#kept = kept
    this.#rules = new Charsmap(spec.charsmap, file)
  }

  normalize(text: Uint8Array, start: number, end: number): void {
    const { removeExtraWhitespaces, addDummyPrefix, whitespaceIsSuffix } = this.#spec
    this.length = 0
    let at = removeExtraWhitespaces ? this.#skipSpaces(text, start, end) : start
    if (at >= end) return
    if (addDummyPrefix && !whitespaceIsSuffix) this.#pushSpace()
    let afterSpace = removeExtraWhitespaces
    while (at < end) {
      this.#readOne(text, at, end)
      at += this.#read
      while (afterSpace && this.#start < this.#end && this.#from[this.#start] === space) this.#start++
      if (this.#start < this.#end) {
        this.#push()
        afterSpace = removeExtraWhitespaces && this.#from[this.#end - 1] === space
      } else if (!removeExtraWhitespaces) afterSpace = false
    }
    if (removeExtraWhitespaces) this.#dropSpaces()
    if (addDummyPrefix && whitespaceIsSuffix) this.#pushSpace()
  }

  #skipSpaces(text: Uint8Array, start: number, end: number): number {
    for (let at = start; at < end; at += this.#read) {
      this.#readOne(text, at, end)
      if (this.#end - this.#start !== 1 || this.#from[this.#start] !== space) return at
    }
    return end
  }

  #readOne(text: Uint8Array, at: number, end: number): void {
    const kept = this.#kept.lengthAt(text, at, end)
    const rules = this.#rules
    if (kept === 0) rules.find(text, at, end)
    if (kept === 0 && rules.length > 0) {
      this.#from = rules.texts
      this.#start = rules.start
      this.#end = rules.end
      this.#read = rules.length
    } else {
      this.#read = kept || Math.min(lengthOf(text[at]), end - at)
      this.#from = text
      this.#start = at
      this.#end = at + this.#read
    }
  }

  #push(): void {
    this.#makeRoom(3 * (this.#end - this.#start))
    for (let i = this.#start; i < this.#end; i++) {
      const byte = this.#from[i]
      if (byte === space) this.#pushSpace()
      else this.bytes[this.length++] = byte
    }
  }

  #pushSpace(): void {
    this.#makeRoom(3)
    if (this.#spec.escapeWhitespaces) for (const byte of mark) this.bytes[this.length++] = byte
    else this.bytes[this.length++] = space
  }

  #dropSpaces(): void {
    const last = this.#spec.escapeWhitespaces ? mark : [space]
    const endsWith = () => last.every((byte, i) => this.bytes[this.length - last.length + i] === byte)
    while (this.length >= last.length && endsWith()) this.length -= last.length
  }

  #makeRoom(bytes: number): void {
    if (this.length + bytes <= this.bytes.length) return
    const larger = new Uint8Array(2 * (this.length + bytes))
    larger.set(this.bytes.subarray(0, this.length))
    this.bytes = larger
  }
}
