import { stringAt, type Utf8Column } from '../batch/batch.ts'
import { countPoints, findNewline } from '../text/lines.ts'
import { countSentences } from '../text/words/sentences.ts'
import { splitWords, type Words } from '../text/words/words.ts'

/** Lines, which part at LF. A text has one more than it has LF. */
export interface Lines {
  /** rows + 1 values: text i has the lines from `rows[i]` up to `rows[i + 1]`. */
  readonly rows: Int32Array
  /** Where each line ends, in bytes. It begins where its text does, or behind the LF at the end of the line before. */
  readonly ends: Int32Array
}

/** By column, so that what is known of a batch goes with it. */
const known = new WeakMap<Utf8Column, Texts>()

/** The texts of a batch, and what several filters ask about them: computed once, for the first that asks. */
export class Texts {
  readonly rows: number
  /** Text i is `bytes.subarray(offsets[i], offsets[i + 1])`. */
  readonly bytes: Uint8Array
  readonly offsets: Int32Array
  readonly #column: Utf8Column
  #words: Words | undefined
  #lines: Lines | undefined
  #characters: Uint32Array | undefined
  #sentences: Uint32Array | undefined

  private constructor(column: Utf8Column) {
    this.#column = column
    this.rows = column.offsets.length - 1
    this.bytes = column.bytes
    this.offsets = column.offsets
  }

  static of(column: Utf8Column): Texts {
    const texts = known.get(column) ?? new Texts(column)
    known.set(column, texts)
    return texts
  }

  /** English words, punctuation included: see `text/words/words.ts`. */
  get words(): Words {
    this.#words ??= splitWords(this.#column)
    return this.#words
  }

  get lines(): Lines {
    this.#lines ??= splitLines(this.#column)
    return this.#lines
  }

  /** Characters (code points) of each text. */
  get characters(): Uint32Array {
    this.#characters ??= this.#measure(row => countPoints(this.bytes, this.offsets[row], this.offsets[row + 1]))
    return this.#characters
  }

  /** English sentences of each text; 1 for a text without words. */
  get sentences(): Uint32Array {
    this.#sentences ??= this.#measure(row => countSentences(this.#column, row))
    return this.#sentences
  }

  /** A text as a string: convenient, at a tenth of the speed of its bytes. */
  string(row: number): string {
    return stringAt(this.#column, row)
  }

  #measure(count: (row: number) => number): Uint32Array {
    const values = new Uint32Array(this.rows)
    for (let row = 0; row < this.rows; row++) values[row] = count(row)
    return values
  }
}

function splitLines({ bytes, offsets }: Utf8Column): Lines {
  const rows = new Int32Array(offsets.length)
  let ends = new Int32Array(offsets.length + ((offsets[offsets.length - 1] - offsets[0]) >> 5))
  let count = 0
  for (let row = 0; row + 1 < offsets.length; row++) {
    for (let at = offsets[row]; at <= offsets[row + 1]; at++) {
      at = findNewline(bytes, at, offsets[row + 1])
      if (count === ends.length) ends = grow(ends)
      ends[count++] = at
    }
    rows[row + 1] = count
  }
  return { rows, ends }
}

function grow(values: Int32Array): Int32Array<ArrayBuffer> {
  const grown = new Int32Array(values.length * 2)
  grown.set(values)
  return grown
}
