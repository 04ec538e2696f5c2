import type { Rule } from '../annotate/annotator.ts'
import type { Batch } from '../batch/batch.ts'
import { markBroken } from '../decide/rules.ts'

/** Marks of a batch: for each condition a 1 for each row that meets it. */
export type Marks = readonly Uint8Array[]

/** What rules look at, each once however many rules and gates ask it: a column and its bounds. */
export class Conditions {
  readonly #rules: Rule[] = []
  readonly #known = new Map<string, number>()

  /** The number of a rule's condition. */
  numberOf(rule: Rule): number {
    const key = keyOf(rule)
    const known = this.#known.get(key)
    if (known !== undefined) return known
    this.#known.set(key, this.#rules.length)
    return this.#rules.push(rule) - 1
  }

  columns(): string[] {
    return this.#rules.map(rule => rule.column)
  }

  /**
   * Looks at all rows of a batch. `known` has marks of the same batch by their conditions (`keyed`), which are taken as they are. Throws a
   * TypeError where a column is missing or of another kind.
   */
  mark(batch: Batch, known: ReadonlyMap<string, Uint8Array> = new Map()): Marks {
    // One buffer for all: very many small ones cost more than what is in them.
    const all = new Uint8Array(this.#rules.length * batch.rows)
    return this.#rules.map((rule, i) => {
      const own = all.subarray(i * batch.rows, (i + 1) * batch.rows)
      return known.get(keyOf(rule)) ?? markBroken(batch, rule, own)
    })
  }

  /** Its marks by their conditions, for others that have some of the same. */
  keyed(marks: Marks): Map<string, Uint8Array> {
    return new Map(this.#rules.map((rule, i) => [keyOf(rule), marks[i]]))
  }
}

/** What a rule looks at, whatever its reason is called. */
const keyOf = ({ column, below, above, oneOf, noneOf }: Rule) => JSON.stringify([column, below, above, oneOf, noneOf])
