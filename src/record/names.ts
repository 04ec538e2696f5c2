import { type Batch, utf8 } from '../batch/batch.ts'
import { Names, Strings } from '../batch/strings.ts'
import { NameLimit } from '../decide/name-limit.ts'

/**
 * The names in a column, as the run counts them: those that are too many, or too long, are `other`. Batches come in their order, or else `known`
 * has the names that the run counts.
 */
export class NamesOf {
  readonly #column: string
  readonly #limit: NameLimit
  readonly #known = new Names()
  #before: string | null = null
  #last = ''

  constructor(column: string, known: Iterable<string> = []) {
    this.#column = column
    this.#limit = new NameLimit(known)
  }

  /** A name a row. Neighbours mostly have the same, which is looked up once. */
  of(batch: Batch): string[] {
    const column = new Strings(utf8(batch, this.#column), this.#known)
    const names: string[] = []
    for (let row = 0; row < batch.rows; row++) {
      const name = column.at(row)
      if (name !== this.#before) this.#last = this.#limit.of(name)
      this.#before = name
      names.push(this.#last)
    }
    return names
  }
}
