import type { Rule } from '../annotate/annotator.ts'
import { type Check, lastStep } from './checks.ts'
import type { Marks } from './conditions.ts'
import type { Setup } from './setup.ts'

/** How many documents break a rule. */
export interface BrokenRule {
  readonly rule: Rule
  broken: number
  /** Those that break no other rule, as far as they were measured. */
  alone: number
  /** Those that it is the first to drop. */
  first: number
  /** Documents that a gate stopped before they were measured for it. */
  unmeasured: number
}

/** Counts every rule that a document breaks, not the first alone. A rule that stands in a gate and in `rules()` counts once. */
export class BrokenRules {
  readonly rules: readonly BrokenRule[]
  readonly #conditions: readonly number[]
  /** The step that writes a rule's column, or -1 for a column that every document has. */
  readonly #steps: readonly number[]
  /** For each check the number of its rule. */
  readonly #ofCheck: readonly number[]

  constructor({ steps }: Setup, checks: readonly Check[]) {
    const distinct = [...new Map(checks.map(check => [check.condition, check])).values()]
    const firsts = distinct.map(({ condition }) => checks.find(check => check.condition === condition)!)
    this.rules = firsts.map(({ rule }) => ({ rule, broken: 0, alone: 0, first: 0, unmeasured: 0 }))
    this.#conditions = firsts.map(({ condition }) => condition)
    this.#steps = firsts.map(({ rule }) =>
      steps.findLastIndex(step => 'writes' in step && step.writes.includes(rule.column)),
    )
    this.#ofCheck = checks.map(({ condition }) => this.#conditions.indexOf(condition))
  }

  /** Counts the rows of a slot. `checks`: the numbers of those that drop them. */
  add(marks: Marks, measured: Float64Array, checks: Int16Array): void {
    for (let row = 0; row < measured.length; row++) this.#addRow(marks, row, measured[row])
    for (const check of checks) if (check >= 0) this.rules[this.#ofCheck[check]].first++
  }

  #addRow(marks: Marks, row: number, measured: number): void {
    let count = 0
    let last = -1
    for (let i = 0; i < this.rules.length; i++) {
      if (measured !== lastStep && this.#steps[i] >= measured) this.rules[i].unmeasured++
      else if (marks[this.#conditions[i]][row] === 1) {
        this.rules[i].broken++
        last = i
        count++
      }
    }
    if (count === 1) this.rules[last].alone++
  }
}
