import { type Batch, type NumberArray, numberArrays, numbers } from '../batch/batch.ts'
import { Names, Strings } from '../batch/strings.ts'
import { NamesOf } from '../record/names.ts'
import type { RunReader } from '../record/run-reader.ts'
import { columnsIn } from '../value/stored-columns.ts'
import { chooseValueColumns } from '../value/value-columns.ts'
import { checksOf } from '../what-if/checks.ts'
import { Conditions } from '../what-if/conditions.ts'
import { type RecordedFates, readFates, readRecorded } from '../what-if/recorded.ts'
import type { StoredSlot } from '../what-if/stored-slots.ts'
import type { ReportPart } from './report-data.ts'

/** What the parts of a run say decided them; null where one does not say. */
export function readParts({ segments }: RunReader['run']): ReportPart[] | null {
  const parts = segments.map(({ reasons }) =>
    reasons?.deciders
      ? { steps: reasons.steps, rules: reasons.rules, deciderReasons: reasons.deciders.flatMap(one => one.reasons) }
      : null,
  )
  return parts.every(part => part !== null) ? parts : null
}

/** The names that rules compare columns with. */
function namesIn(parts: readonly ReportPart[] | null): Set<string> {
  const rules = (parts ?? []).flatMap(one => [
    ...one.steps.flatMap(step => ('gate' in step ? step.gate : [])),
    ...one.rules,
  ])
  return new Set(rules.flatMap(({ oneOf = [], noneOf = [] }) => [...oneOf, ...noneOf]))
}

/** The rows of a slot, dead records not among them. */
export interface SlotRows {
  /** Which part of the run decided it. */
  readonly part: number
  readonly rows: NumberArray
  readonly fates: RecordedFates
  readonly domains: readonly string[]
  /** Null where languages were not identified. */
  readonly languages: readonly string[] | null
  /** Of each of the reader's `columns`, how the value of a row is read. */
  readonly values: readonly ((index: number) => number | string)[]
}

/** Names that a run counts, for who does not read its slots in their order. */
export interface CountedNames {
  readonly domains: Iterable<string>
  readonly languages: Iterable<string>
}

/** Reads of decided slots what reports take of their rows: fates, labels, the rules' columns, and those that say what a text is worth. */
export class RowReader {
  readonly parts: ReportPart[] | null
  readonly columns: readonly string[]
  readonly valueColumns: readonly string[]
  readonly hasLanguage: boolean
  readonly named: ReadonlySet<string>
  readonly #run: RunReader['run']
  readonly #conditions: readonly Conditions[]
  readonly #checks: readonly ReturnType<typeof checksOf>[]
  readonly #domainNames: NamesOf
  readonly #languageNames: NamesOf
  readonly #reasonNames = new Names()

  constructor({ run }: Pick<RunReader, 'run'>, counted: CountedNames = { domains: [], languages: [] }) {
    this.#run = run
    this.parts = readParts(run)
    this.named = namesIn(this.parts)
    const conditions = (this.parts ?? []).map(() => new Conditions())
    this.#checks = (this.parts ?? []).map((part, i) => checksOf(part, conditions[i]))
    this.#conditions = conditions
    const ruled = [...new Set(conditions.flatMap(one => one.columns()))]
    const known = columnsIn(run)
    this.hasLanguage = known.includes('language')
    this.valueColumns = chooseValueColumns(known)
    this.columns = [...new Set([...ruled, ...this.valueColumns])]
    this.#domainNames = new NamesOf('domain', counted.domains)
    this.#languageNames = new NamesOf('language', counted.languages)
  }

  /** The columns of slots that are read. */
  stored(): string[] {
    const language = this.hasLanguage ? ['language'] : []
    return [...new Set(['row', 'gate', 'domain', ...language, ...this.columns])]
  }

  /** Throws 'corrupt' where the run's rules do not lead to what it has recorded. */
  read(columns: StoredSlot): SlotRows {
    const { slot, scored } = columns
    const part = this.#run.segments.findLastIndex(segment => segment.from <= slot)
    return {
      part,
      rows: numbers(scored, 'row'),
      fates: this.#fatesOf(columns, part),
      domains: this.#domainNames.of(scored),
      languages: scored.columns.language?.kind === 'utf8' ? this.#languageNames.of(scored) : null,
      values: this.columns.map(name => readerOf(scored, name)),
    }
  }

  #fatesOf(columns: StoredSlot, part: number): RecordedFates {
    const { slot, scored, drops } = columns
    const known = this.parts?.[part]
    if (!known) return readFates(slot, scored, drops, this.#reasonNames)
    const setup = { steps: known.steps, deciders: [{ reasons: known.deciderReasons }] }
    const marks = this.#conditions[part].mark(scored)
    return readRecorded(columns, { setup, checks: this.#checks[part] }, marks, this.#reasonNames)
  }
}

/** How the value of a row is read; of a column that a slot does not have, NaN. */
function readerOf({ columns }: Batch, name: string): (index: number) => number | string {
  const column = columns[name]
  if (column?.kind === 'utf8') {
    const strings = new Strings(column)
    return index => strings.at(index)
  }
  if (!column || !(column.kind in numberArrays) || !('values' in column)) return () => Number.NaN
  return index => column.values[index]
}
