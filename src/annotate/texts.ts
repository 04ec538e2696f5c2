import { type Batch, stringAt, type Utf8Column, utf8, utf8From } from '../batch/batch.ts'
import { countPoints } from '../text/bytes.ts'
import { findNewline } from '../text/lines.ts'
import { countSentences } from '../text/words/sentences.ts'
import { splitWords, type Words } from '../text/words/words.ts'

/** Lines, which part at LF. A text has one more than it has LF. */
export interface Lines {
  /** rows + 1 values: text i has the lines from `rows[i]` up to `rows[i + 1]`. */
  readonly rows: Int32Array
  /** Where each line ends, in bytes. It begins where its text does, or behind the LF at the end of the line before. */
  readonly ends: Int32Array
}

/** What is known of a column's texts, by the function that found it: it goes with the batch. */
const known = new WeakMap<Utf8Column, Map<unknown, unknown>>()

/** The texts of a batch, and what several filters ask about them: computed once, for the first that asks. */
export class Texts {
  /** Lives on between batches: V8 drops the code that it compiled for a shape when the last object of it goes. */
  static readonly none = new Texts({ rows: 0, columns: { text: utf8From([]) } })
  readonly batch: Batch
  readonly rows: number
  /** Text i is `bytes.subarray(offsets[i], offsets[i + 1])`. */
  readonly bytes: Uint8Array
  readonly offsets: Int32Array
  readonly column: Utf8Column
  readonly #facts: Map<unknown, unknown>

  constructor(batch: Batch, column = 'text') {
    this.batch = batch
    this.rows = batch.rows
    this.column = utf8(batch, column)
    this.bytes = this.column.bytes
    this.offsets = this.column.offsets
    this.#facts = known.get(this.column) ?? new Map()
    known.set(this.column, this.#facts)
  }

  /** English words, punctuation included: see `text/words/words.ts`. */
  get words(): Words {
    return this.#once(splitWords)
  }

  get lines(): Lines {
    return this.#once(splitLines)
  }

  /** Characters (code points) of each text. */
  get characters(): Uint32Array {
    return this.#once(countCharacters)
  }

  /** English sentences of each text; 1 for a text without words. */
  get sentences(): Uint32Array {
    return this.#once(countAllSentences)
  }

  /** A text as a string: convenient, at a tenth of the speed of its bytes. */
  string(row: number): string {
    return stringAt(this.column, row)
  }

  #once<T>(find: (column: Utf8Column) => T): T {
    if (!this.#facts.has(find)) this.#facts.set(find, find(this.column))
    return this.#facts.get(find) as T
  }
}

function splitLines({ bytes, offsets }: Utf8Column): Lines {
  const rows = new Int32Array(offsets.length)
  const ends: number[] = []
  for (let row = 0; row + 1 < offsets.length; row++) {
    for (let at = offsets[row]; at <= offsets[row + 1]; at++) {
      at = findNewline(bytes, at, offsets[row + 1])
      ends.push(at)
    }
    rows[row + 1] = ends.length
  }
  return { rows, ends: new Int32Array(ends) }
}

function countCharacters({ bytes, offsets }: Utf8Column): Uint32Array {
  const counts = new Uint32Array(offsets.length - 1)
  for (let row = 0; row < counts.length; row++) counts[row] = countPoints(bytes, offsets[row], offsets[row + 1])
  return counts
}

function countAllSentences(column: Utf8Column): Uint32Array {
  return Uint32Array.from({ length: column.offsets.length - 1 }, (_, row) => countSentences(column, row))
}
