import { type Batch, numbers, stringAt, utf8 } from '../batch/batch.ts'
import { Names } from '../batch/strings.ts'
import { NamesOf } from '../record/names.ts'
import type { TokenCounts } from '../record/token-counts.ts'
import { TokenRates } from '../record/token-rates.ts'
import type { Asked, Sample } from './answer.ts'
import { BrokenRules } from './broken-rules.ts'
import type { Check } from './checks.ts'
import type { Conditions } from './conditions.ts'
import { checkSame, checkTotals, type RecordedFates, readRecorded } from './recorded.ts'
import { Samples } from './samples.ts'
import type { StoredSlot } from './stored-slots.ts'
import { Tally } from './tally.ts'
import type { CheckedPart, Decided, Trial } from './trial.ts'

/** Looks at the slots of a run, in their order: what became of each row, and what each trial makes of it. */
export class Survey {
  readonly #asked: Asked
  readonly #recorded: readonly CheckedPart[]
  readonly #conditions: Conditions
  readonly #trials: readonly Trial[]
  readonly #counts: TokenCounts
  readonly #tallies: readonly Tally[]
  readonly #rates = new TokenRates()
  readonly #reasons = new Names()
  readonly #broken: BrokenRules
  readonly #languages: NamesOf | null
  readonly #groups: NamesOf | null
  readonly #samples: Record<'returned' | 'removed' | 'unmeasured', Samples<Sample>>
  #documents = 0
  #dead = 0
  #textBytes = 0

  constructor(
    asked: Asked,
    recorded: readonly CheckedPart[],
    conditions: Conditions,
    trials: readonly Trial[],
    counts: TokenCounts,
  ) {
    this.#asked = asked
    this.#recorded = recorded
    this.#conditions = conditions
    this.#trials = trials
    this.#counts = counts
    this.#tallies = trials.map(() => new Tally())
    const { setup, checks } = trials[0].parts.at(-1)!
    this.#broken = new BrokenRules(setup, checks)
    const hasLanguage = recorded.every(({ setup }) =>
      setup.steps.some(step => 'writes' in step && step.writes.includes('language')),
    )
    this.#languages = hasLanguage ? new NamesOf('language') : null
    this.#groups = asked.by === null ? null : new NamesOf(asked.by)
    const samples = () => new Samples<Sample>(asked.samplesMax)
    this.#samples = { returned: samples(), removed: samples(), unmeasured: samples() }
  }

  /** Columns that are read. */
  columns(): string[] {
    const own = ['row', 'gate', ...(this.#languages ? ['language'] : []), ...(this.#asked.by ? [this.#asked.by] : [])]
    return [...new Set([...own, ...this.#conditions.columns(), ...this.#trials.flatMap(trial => trial.columns())])]
  }

  async add(columns: StoredSlot): Promise<void> {
    const { slot, scored } = columns
    if (this.#documents === 0) for (const trial of this.#trials) trial.check(scored)
    const marks = this.#conditions.mark(scored)
    const recorded = readRecorded(columns, this.#recorded.findLast(part => part.from <= slot)!, marks, this.#reasons)
    const counted = this.#countRows(columns, recorded)
    for (const [i, trial] of this.#trials.entries()) {
      const decided = await trial.decide(slot, scored, marks, recorded.measured)
      if (this.#asked.isSame) checkSame(slot, scored, recorded, decided)
      for (let row = 0; row < scored.rows; row++)
        this.#tallies[i].add(recorded.reasons[row], fateOf(decided, row), counted[row])
      if (i > 0) continue
      this.#broken.add(marks, recorded.measured, decided.checks)
      this.#takeSamples(columns, recorded, decided, trial.at(slot).checks)
    }
  }

  #countRows({ slot, scored, textOffsets, dead }: StoredSlot, recorded: RecordedFates) {
    this.#documents += scored.rows + dead
    this.#dead += dead
    this.#textBytes += textOffsets[scored.rows] - textOffsets[0]
    const rows = numbers(scored, 'row')
    const counts = this.#counts.take(slot)
    const languages = this.#languages?.of(scored)
    const groups = this.#groups?.of(scored)
    return recorded.reasons.map((reason, row) => {
      const bytes = textOffsets[row + 1] - textOffsets[row]
      const language = languages?.[row] ?? ''
      const tokens = reason === '' ? (counts.get(rows[row]) ?? -1) : -1
      if (tokens >= 0) this.#rates.add(language, bytes, tokens)
      return { bytes, tokens, language, group: groups?.[row] ?? null }
    })
  }

  #takeSamples(columns: StoredSlot, recorded: RecordedFates, decided: Decided, checks: readonly Check[]): void {
    const { slot, scored, drops } = columns
    const rows = numbers(scored, 'row')
    for (let index = 0; index < scored.rows; index++) {
      const [from, to] = [recorded.reasons[index], fateOf(decided, index)]
      if (from === to || (from !== '' && to !== '' && to !== null)) continue
      const place = { slot, row: rows[index], index, from, to }
      const kind = kindOf(to)
      this.#samples[kind].offer(slot, rows[index], () =>
        from === ''
          ? { ...place, evidence: evidenceOf(scored, decided, checks, index), duplicateOf: decided.duplicateOf[index] }
          : {
              ...place,
              evidence: dropEvidence(drops!, recorded.drops[index]),
              duplicateOf: recorded.duplicateOf[index],
            },
      )
    }
  }

  check(totals: Parameters<typeof checkTotals>[1]): void {
    const [{ now, droppedNow }] = this.#tallies
    const { documents, bytes } = now
    checkTotals(
      {
        documents: this.#documents,
        dead: this.#dead,
        kept: documents,
        textBytes: this.#textBytes,
        keptBytes: bytes,
        dropped: droppedNow,
      },
      totals,
    )
  }

  answer() {
    return {
      documents: this.#documents,
      dead: this.#dead,
      textBytes: this.#textBytes,
      tallies: this.#tallies,
      rates: this.#rates,
      broken: this.#broken,
      returned: this.#samples.returned.list(),
      removed: this.#samples.removed.list(),
      unmeasured: this.#samples.unmeasured.list(),
    }
  }
}

function kindOf(to: string | null): 'unmeasured' | 'returned' | 'removed' {
  if (to === null) return 'unmeasured'
  return to === '' ? 'returned' : 'removed'
}

/** The reason that a row would be dropped for, empty for kept, null where nothing stored decides it. */
function fateOf({ reasons, unmeasured }: Decided, row: number): string | null {
  return unmeasured[row] === 1 ? null : reasons[row]
}

function evidenceOf(scored: Batch, { checks: found, evidence }: Decided, checks: readonly Check[], row: number) {
  if (found[row] < 0) return Number.isNaN(evidence[row]) ? null : evidence[row]
  const { column } = checks[found[row]].rule
  return scored.columns[column].kind === 'utf8' ? stringAt(utf8(scored, column), row) : numbers(scored, column)[row]
}

function dropEvidence(drops: Batch, drop: number): number | string | null {
  const text = stringAt(utf8(drops, 'evidenceText'), drop)
  const number = numbers(drops, 'evidence')[drop]
  return text || (Number.isNaN(number) ? null : number)
}
