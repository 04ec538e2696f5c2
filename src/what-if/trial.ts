import type { Rule } from '../annotate/annotator.ts'
import { type Batch, fieldOf, numberArrays } from '../batch/batch.ts'
import { missingColumn } from '../batch/rows.ts'
import type { RowDecider, Verdict } from '../decide/decider.ts'
import { openTables, type Tables } from '../decide/tables/tables.ts'
import { HeadraceError } from '../errors.ts'
import { decideRow, emptyVerdict, noVerdict } from '../run/decide/decide-slot.ts'
import { type Check, checksOf, findCheck, passes, unmeasured } from './checks.ts'
import type { Conditions, Marks } from './conditions.ts'
import type { Setup } from './setup.ts'

/** What a setup makes of the rows of a slot. */
export interface Decided {
  /** The reason that drops a row; empty for one that is kept, or not measured far enough. */
  readonly reasons: string[]
  /** 1 for a row whose fate hangs on what a gate left unmeasured. */
  readonly unmeasured: Uint8Array
  /** Numbers of the checks that drop rows; -1 for others. */
  readonly checks: Int16Array
  readonly evidence: Float64Array
  readonly duplicateOf: Float64Array
}

/** The slots from `from` on, up to the next one's, and what decides them. */
export interface Part {
  readonly from: number
  readonly setup: Setup
}
export type CheckedPart = Part & { readonly checks: readonly Check[] }

/** Decides the slots of a run once more, in their order, with tables of its own in memory. */
export class Trial implements AsyncDisposable {
  readonly parts: readonly CheckedPart[]
  readonly #tables: Tables

  private constructor(parts: readonly CheckedPart[], tables: Tables) {
    this.parts = parts
    this.#tables = tables
  }

  /** `bytesMax`: of its tables. */
  static async open(parts: readonly Part[], conditions: Conditions, bytesMax: number): Promise<Trial> {
    const checked = parts.map(part => ({ ...part, checks: checksOf(part.setup, conditions) }))
    const shapes = parts.flatMap(({ setup }) => setup.deciders.flatMap(decider => decider.tables))
    // Tables go on from one part to the next.
    const distinct = [...new Map(shapes.map(shape => [shape.name, shape])).values()]
    return new Trial(checked, await openTables({ path: null, shapes: distinct, identity: 'what-if', bytesMax }))
  }

  /** Columns that the deciders read. */
  columns(): string[] {
    return this.parts.flatMap(({ setup }) => setup.deciders.flatMap(decider => decider.reads))
  }

  at(slot: number): CheckedPart {
    return this.parts.findLast(part => part.from <= slot)!
  }

  /** Throws 'bad-option' for a decider that does not fit the columns of a batch, which is any of the run. */
  check(batch: Batch): void {
    const columns = Object.fromEntries(
      Object.entries(batch.columns).map(([name, column]) => [name, missingColumn(fieldOf(name, column), 0)]),
    )
    for (const { checks } of this.parts) for (const { rule } of checks) checkKind(rule, batch)
    for (const decider of this.parts.flatMap(({ setup }) => setup.deciders)) {
      try {
        decider.open({ rows: 0, columns }, 0, this.#tables)
      } catch (error) {
        if (!(error instanceof TypeError)) throw error
        throw new HeadraceError(
          'bad-option',
          `decider '${decider.name}' does not fit what the run has measured: ${error.message}; a replay measures it anew`,
          error,
        )
      }
    }
  }

  /** Decides a slot. `measured`: for each row the first step that did not measure it (see `findCheck`). */
  async decide(slot: number, scored: Batch, marks: Marks, measured: Float64Array): Promise<Decided> {
    const { setup, checks } = this.at(slot)
    const deciders = setup.deciders.map(decider => decider.open(scored, slot, this.#tables))
    const decided = emptyDecided(scored.rows)
    const verdict = emptyVerdict()
    for (let row = 0; row < scored.rows; row++) {
      const check = findCheck(checks, marks, row, measured[row])
      if (check === unmeasured) decided.unmeasured[row] = 1
      else if (check === passes) askDeciders(deciders, row, verdict, decided)
      else {
        decided.reasons[row] = checks[check].rule.reason
        decided.checks[row] = check
      }
    }
    // Nothing is written: what was set is only forgotten as being new.
    await this.#tables.seal(slot + 1)
    return decided
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tables[Symbol.asyncDispose]()
  }
}

/** Throws 'bad-option' for a rule that compares a column with what it is not. */
export function checkKind({ column, oneOf, noneOf }: Rule, { columns }: Batch): void {
  const kind = columns[column]?.kind
  const isText = kind === 'utf8'
  const isNumber = kind !== undefined && kind in numberArrays
  if ((oneOf ?? noneOf) ? isText : isNumber) return
  const numberAdvice = isNumber ? 'give below or above' : 'no rule can read it'
  const advice = isText ? 'give oneOf or noneOf' : numberAdvice
  throw new HeadraceError('bad-option', `column '${column}' is ${kind ?? 'missing'}: ${advice}`)
}

function askDeciders(deciders: readonly RowDecider[], row: number, verdict: Verdict, decided: Decided): void {
  Object.assign(verdict, noVerdict)
  if (decideRow(deciders, row, verdict)) return
  decided.reasons[row] = verdict.reason
  decided.evidence[row] = verdict.evidence
  decided.duplicateOf[row] = verdict.duplicateOf
}

function emptyDecided(rows: number): Decided {
  return {
    reasons: new Array(rows).fill(''),
    unmeasured: new Uint8Array(rows),
    checks: new Int16Array(rows).fill(-1),
    evidence: new Float64Array(rows).fill(Number.NaN),
    duplicateOf: new Float64Array(rows).fill(-1),
  }
}
