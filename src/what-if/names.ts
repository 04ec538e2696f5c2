import { type Batch, stringAt, utf8 } from '../batch/batch.ts'
import { NameLimit } from '../decide/name-limit.ts'

/** The names in a column, as the run counts them: those that are too many, or too long, are `other`. Batches come in their order. */
export class NamesOf {
  readonly #column: string
  readonly #limit = new NameLimit([])
  #last = ''

  constructor(column: string) {
    this.#column = column
  }

  /** A name a row. Neighbours mostly have the same, which is decoded once. */
  of(batch: Batch): string[] {
    const column = utf8(batch, this.#column)
    const { offsets, bytes } = column
    const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    const names: string[] = []
    for (let row = 0, before = 0; row < batch.rows; row++) {
      const [start, end] = [offsets[row], offsets[row + 1]]
      const isSame = row > 0 && view.compare(view, offsets[before], offsets[before + 1], start, end) === 0
      if (!isSame) this.#last = this.#limit.of(stringAt(column, row))
      before = row
      names.push(this.#last)
    }
    return names
  }
}
