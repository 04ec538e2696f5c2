import type { Rule } from '../annotate/annotator.ts'
import { type Batch, numbers } from '../batch/batch.ts'
import type { Overrides } from '../pipeline/overrides.ts'
import { changeRules } from '../what-if/change-rules.ts'
import { type Check, checksOf, findCheck, lastStep, measuringFrom, passes, unmeasured } from '../what-if/checks.ts'
import { Conditions, type Marks } from '../what-if/conditions.ts'
import type { ReportPart } from './report-data.ts'

// What other thresholds make of rows, by the very code that `headrace what-if` decides with. Duplicates are not looked for anew.

/** Rows of a run. `reason`, `part`: numbers into the report's lists; reason 0 is kept. */
export interface Rows {
  readonly batch: Batch
  readonly reason: Uint16Array
  readonly part: Uint16Array
}

/** What becomes of a row: as now, or dropped by a rule, or passing all rules for the first time, or not measured far enough to say. */
export const fates = { kept: 0, asDuplicate: 1, ruled: 2, anew: 3, unmeasured: 4 } as const

export interface DecidedRows {
  readonly fates: Uint8Array
  /** For a row that a rule drops the rule, among `rules`. */
  readonly rule: Int16Array
  readonly rules: readonly Rule[]
}

/** Decides rows by their parts' rules, with `overrides` in the place of some. */
export class Kernel {
  readonly #rows: Rows
  readonly #parts: readonly ReportPart[]
  readonly #reasons: readonly string[]
  /** For each row the first step that did not measure it. */
  readonly #measured: Float64Array
  #known: ReadonlyMap<string, Uint8Array> | undefined
  /** Rows of which the recorded rules do not lead to the recorded fate. None in a sound report. */
  readonly unequal: number

  constructor(rows: Rows, parts: readonly ReportPart[], reasons: readonly string[]) {
    this.#rows = rows
    this.#parts = parts
    this.#reasons = reasons
    this.#measured = new Float64Array(rows.batch.rows).fill(lastStep)
    this.unequal = this.#findMeasured()
  }

  /** As readers of a run's log do it (`what-if/recorded.ts`): a gate that drops a row is the last thing that it met. */
  #findMeasured(): number {
    const { batch, reason, part } = this.#rows
    const { checks, marks } = this.#mark(this.#parts)
    const measuring = this.#parts.map(measuringFrom)
    let unequal = 0
    for (let row = 0; row < batch.rows; row++) {
      const own = checks[part[row]]
      const check = findCheck(own, marks, row, lastStep)
      const recorded = this.#reasons[reason[row]]
      if (check === passes) {
        if (recorded !== '' && !this.#parts[part[row]].deciderReasons.includes(recorded)) unequal++
        continue
      }
      if (own[check].rule.reason !== recorded) unequal++
      if (own[check].step !== lastStep) this.#measured[row] = measuring[part[row]][own[check].step]
    }
    return unequal
  }

  /** Whether a row was measured for a column, which is none of a gate behind the one that stopped it. */
  isMeasured(row: number, column: string): boolean {
    const measured = this.#measured[row]
    return measured === lastStep || writerOf(this.#parts[this.#rows.part[row]], column) < measured
  }

  /** The values of a column that rows have. */
  measured(column: string): Float64Array {
    const values = numbers(this.#rows.batch, column)
    return Float64Array.from(values).filter((value, row) => Number.isFinite(value) && this.isMeasured(row, column))
  }

  #mark(parts: readonly Pick<ReportPart, 'steps' | 'rules'>[]): { checks: Check[][]; marks: Marks } {
    const conditions = new Conditions()
    const checks = parts.map(part => checksOf(part, conditions))
    const marks = conditions.mark(this.#rows.batch, this.#known)
    // Those of the recorded rules, which most changes leave as they are.
    this.#known ??= conditions.keyed(marks)
    return { checks, marks }
  }

  decide(overrides: Overrides): DecidedRows {
    const { batch, reason, part } = this.#rows
    const { checks, marks } = this.#mark(this.#parts.map(one => changeRules(one, overrides)))
    const found: DecidedRows = {
      fates: new Uint8Array(batch.rows),
      rule: new Int16Array(batch.rows).fill(-1),
      rules: checks.flat().map(({ rule }) => rule),
    }
    const first = checks.map((_, i) => checks.slice(0, i).flat().length)
    const isDecider = this.#parts.map(({ deciderReasons }) =>
      this.#reasons.map(name => name !== '' && deciderReasons.includes(name)),
    )
    for (let row = 0; row < batch.rows; row++) {
      const own = part[row]
      const check = findCheck(checks[own], marks, row, this.#measured[row])
      if (check === unmeasured) found.fates[row] = fates.unmeasured
      else if (check !== passes) {
        found.fates[row] = fates.ruled
        found.rule[row] = first[own] + check
      } else if (reason[row] === 0) found.fates[row] = fates.kept
      else found.fates[row] = isDecider[own][reason[row]] ? fates.asDuplicate : fates.anew
    }
    return found
  }
}

/** The step that writes a column, or -1 for one that every document has. */
const writerOf = ({ steps }: Pick<ReportPart, 'steps'>, column: string) =>
  steps.findLastIndex(step => 'writes' in step && step.writes.includes(column))
