import { type Batch, numbers, stringAt, utf8 } from '../batch/batch.ts'
import type { Address } from '../decide/decider.ts'
import { HeadraceError } from '../errors.ts'
import { limits } from '../limits.ts'
import type { RunReader } from '../record/run-reader.ts'
import { readSlotColumns, type SlotColumns } from '../record/slot-columns.ts'
import { hasEnded, readStanding } from '../record/standing.ts'
import { TokenRates } from './amounts.ts'
import { BrokenRules } from './broken-rules.ts'
import { type Check, checksOf } from './checks.ts'
import { Conditions } from './conditions.ts'
import { NamesOf } from './names.ts'
import { checkSame, checkTotals, type RecordedFates, readRecorded } from './recorded.ts'
import { Samples } from './samples.ts'
import { Tally } from './tally.ts'
import { TokenLengths } from './token-lengths.ts'
import { type Decided, type Part, Trial } from './trial.ts'

export interface Asked {
  /** What decided the run, as it says. */
  readonly recorded: readonly Part[]
  /** What is tried, each in one pass with the others. */
  readonly tried: readonly (readonly Part[])[]
  /** Whether nothing is changed: then each row's fate must be the recorded one. */
  readonly isSame: boolean
  readonly by: 'domain' | 'language' | null
  /** Of each kind, of the first that is tried. */
  readonly samplesMax: number
}

/** A document whose fate would be another. */
export interface Sample {
  readonly slot: number
  readonly row: number
  readonly index: number
  readonly from: string
  /** Null where nothing stored decides it. */
  readonly to: string | null
  /** What dropped it: in the run for one that would be kept, else as it would be. */
  readonly evidence: number | string | null
  readonly duplicateOf: Address
}

export interface Answer {
  readonly documents: number
  readonly dead: number
  readonly textBytes: number
  /** Slots that were looked at, from the first to before the last. */
  readonly slots: readonly [number, number]
  readonly isEnded: boolean
  readonly tallies: readonly Tally[]
  readonly rates: TokenRates
  /** The rules of the first that is tried, in its last part. */
  readonly broken: BrokenRules
  readonly returned: readonly Sample[]
  readonly removed: readonly Sample[]
  readonly unmeasured: readonly Sample[]
}

/**
 * Decides a run's documents again, from what is stored of them, and writes nothing. What the run has recorded of each is read, and held
 * against its totals and against the rules that it says it had.
 *
 * Errors: `trimmed` where duplicates of documents that are gone can't be known, `corrupt` where the run's own figures are not met.
 */
export async function whatIf(run: RunReader, asked: Asked): Promise<Answer> {
  const standing = await readStanding(run.log, run.run)
  if (run.first > 0) refuseTrimmed(run, asked)
  const conditions = new Conditions()
  const recorded = asked.recorded.map(part => ({ ...part, checks: checksOf(part.setup, conditions) }))
  const bytesMax = Math.floor(limits.stateBytesMax / asked.tried.length)
  const trials: Trial[] = []
  try {
    for (const parts of asked.tried) trials.push(await Trial.open(parts, conditions, bytesMax))
    const survey = new Survey(
      asked,
      recorded,
      conditions,
      trials,
      run.run.tokenizer === null ? null : await TokenLengths.open(run),
    )
    for await (const columns of readSlotColumns(run, survey.columns(), standing.decide.slot)) await survey.add(columns)
    if (run.first === 0) survey.check(standing.decide.totals)
    return { ...survey.answer(), slots: [run.first, standing.decide.slot], isEnded: hasEnded(standing, run.run) }
  } finally {
    for (const trial of trials) await trial[Symbol.asyncDispose]()
  }
}

/** Tables hold what was kept in slots that are gone: without them, copies of those would be kept. */
function refuseTrimmed({ dir, first }: RunReader, { tried }: Asked): void {
  const hasTables = tried.flat().some(({ setup }) => setup.deciders.some(({ tables }) => tables.length > 0))
  if (!hasTables) return
  throw new HeadraceError(
    'trimmed',
    `slots before ${first} of ${dir} were trimmed, and what repeats their documents can't be known: leave the deciders of duplicates out with --decider NAME.off, or run the input again`,
  )
}

class Survey {
  readonly #asked: Asked
  readonly #recorded: readonly (Part & { readonly checks: readonly Check[] })[]
  readonly #conditions: Conditions
  readonly #trials: readonly Trial[]
  readonly #lengths: TokenLengths | null
  readonly #tallies: readonly Tally[]
  readonly #rates = new TokenRates()
  readonly #broken: BrokenRules
  readonly #languages: NamesOf | null
  readonly #groups: NamesOf | null
  readonly #samples: Record<'returned' | 'removed' | 'unmeasured', Samples<Sample>>
  #documents = 0
  #dead = 0
  #textBytes = 0

  constructor(
    asked: Asked,
    recorded: readonly (Part & { readonly checks: readonly Check[] })[],
    conditions: Conditions,
    trials: readonly Trial[],
    lengths: TokenLengths | null,
  ) {
    this.#asked = asked
    this.#recorded = recorded
    this.#conditions = conditions
    this.#trials = trials
    this.#lengths = lengths
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

  async add(columns: SlotColumns): Promise<void> {
    const { slot, scored } = columns
    if (this.#documents === 0) for (const trial of this.#trials) trial.check(scored)
    const marks = this.#conditions.mark(scored)
    const recorded = readRecorded(columns, this.#recorded.findLast(part => part.from <= slot)!, marks)
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

  #countRows({ slot, scored, textOffsets, dead }: SlotColumns, recorded: RecordedFates) {
    this.#documents += scored.rows + dead
    this.#dead += dead
    this.#textBytes += textOffsets[scored.rows] - textOffsets[0]
    const rows = numbers(scored, 'row')
    const languages = this.#languages?.of(scored)
    const groups = this.#groups?.of(scored)
    return recorded.reasons.map((reason, row) => {
      const bytes = textOffsets[row + 1] - textOffsets[row]
      const language = languages?.[row] ?? ''
      const tokens = reason === '' && this.#lengths ? this.#lengths.take(slot, rows[row]) : -1
      if (tokens >= 0) this.#rates.add(language, bytes, tokens)
      return { bytes, tokens, language, group: groups?.[row] ?? null }
    })
  }

  #takeSamples(columns: SlotColumns, recorded: RecordedFates, decided: Decided, checks: readonly Check[]): void {
    const { slot, scored, drops } = columns
    const rows = numbers(scored, 'row')
    for (let index = 0; index < scored.rows; index++) {
      const [from, to] = [recorded.reasons[index], fateOf(decided, index)]
      if (from === to || (from !== '' && to !== '' && to !== null)) continue
      const place = { slot, row: rows[index], index, from, to }
      const kind = to === null ? 'unmeasured' : to === '' ? 'returned' : 'removed'
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
