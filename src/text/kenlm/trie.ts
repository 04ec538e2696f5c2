import { readBits } from './bits.ts'
import { hashWord } from './hash-word.ts'
import { entryBits, type TrieLayout, type TrieTable, valueBits } from './layout.ts'
import type { NgramSearch } from './search.ts'
import { Word64 } from './word64.ts'

/** A trie whose entries are packed bit by bit. What goes on from an entry lies from its pointer up to that of the next entry. */
export class TrieSearch implements NgramSearch {
  logarithm = 0
  backoff = 0
  isLast = false
  readonly #view: DataView
  readonly #layout: TrieLayout
  readonly #tables: readonly Table[]
  readonly #wordCount: number
  /** The entries that go on from where it stands, in the table of n-grams of one word more. */
  #begin = 0
  #end = 0
  readonly #hash = new Word64()
  readonly #part = new Word64()
  readonly #bits = new DataView(new ArrayBuffer(4))

  constructor(view: DataView, layout: TrieLayout, counts: readonly number[]) {
    this.#view = view
    this.#layout = layout
    this.#tables = layout.tables.map((table, i) => {
      const bits = { entryBits: entryBits(table), valueBits: valueBits(table) }
      return { ...table, ...bits, count: counts[i + 1], nextCount: counts[i + 2] ?? 0 }
    })
    this.#wordCount = Math.min(this.#wholeAt(layout.words), counts[0])
  }

  /** Words are not in the file: a word's number is the place of its hash among all, which are sorted, from 1 on. */
  find(bytes: Uint8Array, start: number, end: number): number {
    hashWord(bytes, start, end, this.#hash, this.#part)
    const { high, low } = this.#hash
    const first = this.#layout.words + 8
    let [from, to] = [0, this.#wordCount]
    // Hashes are spread evenly, so the first guess is near. From there on halves bound the search.
    let guess = Math.floor((high / 2 ** 32) * this.#wordCount)
    while (from < to) {
      const foundHigh = this.#view.getUint32(first + 8 * guess + 4, true)
      const foundLow = this.#view.getUint32(first + 8 * guess, true)
      if (foundHigh === high && foundLow === low) return guess + 1
      if (foundHigh < high || (foundHigh === high && foundLow < low)) from = guess + 1
      else to = guess
      guess = from + ((to - from) >>> 1)
    }
    return 0
  }

  enter(word: number): void {
    const at = this.#layout.unigrams + 16 * word
    this.logarithm = this.#view.getFloat32(at, true)
    this.backoff = this.#view.getFloat32(at + 4, true)
    this.#goOn(this.#wholeAt(at + 8), this.#wholeAt(at + 24), this.#tables[0].count)
  }

  extend(word: number, words: number): boolean {
    const table = this.#tables[words - 1]
    const index = this.#search(table, word)
    if (index < 0) return false
    const bit = index * table.entryBits + table.wordBits
    this.#readValues(table, bit)
    if (!table.pointers) return true
    const pointer = bit + table.valueBits
    const { bits, array } = table.pointers
    let begin = readBits(this.#view, table.start, pointer, bits)
    let end = readBits(this.#view, table.start, pointer + table.entryBits, bits)
    if (array) {
      begin += this.#upperBits(table, index) * 2 ** bits
      end += this.#upperBits(table, index + 1) * 2 ** bits
    }
    this.#goOn(begin, end, table.nextCount)
    return true
  }

  /** A damaged pointer leads nowhere beyond its table. */
  #goOn(begin: number, end: number, count: number): void {
    this.#begin = begin
    this.#end = Math.min(end, count)
    this.isLast = this.#begin >= this.#end
  }

  #search({ start, wordBits, entryBits }: Table, word: number): number {
    let [from, to] = [this.#begin, this.#end]
    while (from < to) {
      const middle = from + Math.floor((to - from) / 2)
      const found = readBits(this.#view, start, middle * entryBits, wordBits)
      if (found === word) return middle
      if (found < word) from = middle + 1
      else to = middle
    }
    return -1
  }

  #readValues({ start, logarithms, backoffs, pointers }: Table, bit: number): void {
    if (logarithms) {
      const shift = backoffs?.bits ?? 0
      this.logarithm = this.#binAt(logarithms, readBits(this.#view, start, bit + shift, logarithms.bits))
      if (backoffs) this.backoff = this.#binAt(backoffs, readBits(this.#view, start, bit, backoffs.bits))
      return
    }
    this.logarithm = -this.#floatOf(readBits(this.#view, start, bit, 31))
    if (pointers) this.backoff = this.#floatOf(readBits(this.#view, start, bit + 31, 32))
  }

  #binAt({ start }: { start: number }, index: number): number {
    return this.#view.getFloat32(start + 4 * index, true)
  }

  #floatOf(bits: number): number {
    this.#bits.setUint32(0, bits)
    return this.#bits.getFloat32(0)
  }

  /** The place of the last element of a table's array that is at most `index`: elements are the entries from which on that place holds. */
  #upperBits({ pointers }: Table, index: number): number {
    const { array, arrayStart } = pointers!
    let [from, to] = [1, array!.length]
    while (from < to) {
      const middle = from + ((to - from) >>> 1)
      if (this.#wholeAt(arrayStart + 8 * middle) <= index) from = middle + 1
      else to = middle
    }
    return from - 1
  }

  #wholeAt(at: number): number {
    return this.#view.getUint32(at, true) + this.#view.getUint32(at + 4, true) * 2 ** 32
  }
}

type Table = TrieTable & {
  readonly entryBits: number
  readonly valueBits: number
  readonly count: number
  readonly nextCount: number
}
