import { type Batch, numberArrays, numbers, stringAt, utf8 } from '../batch/batch.ts'
import { Names, Strings } from '../batch/strings.ts'
import { limits } from '../limits.ts'
import { deadRowsOf } from '../record/dead-records.ts'
import { decodeEntry } from '../record/entry.ts'
import { deadPartitionsOf, topics } from '../record/layout.ts'
import { NamesOf } from '../record/names.ts'
import type { RunReader } from '../record/run-reader.ts'
import { readBySlot } from '../record/slots.ts'
import type { Standing } from '../record/standing.ts'
import { TokenCounts } from '../record/token-counts.ts'
import { TokenRates } from '../record/token-rates.ts'
import { columnsIn } from '../value/stored-columns.ts'
import { chooseValueColumns } from '../value/value-columns.ts'
import { checksOf } from '../what-if/checks.ts'
import { Conditions } from '../what-if/conditions.ts'
import { type RecordedFates, readFates, readRecorded } from '../what-if/recorded.ts'
import { readStoredSlots, type StoredSlot } from '../what-if/stored-slots.ts'
import type { CollectedRow } from './pack-rows.ts'
import type { ReportPart } from './report-data.ts'
import { type Placed, RowsByReason, shareEvenly, shareOut } from './sample-rows.ts'

/** A document that may be shown, before its slot is read whole. `index` is -1 for a dead record, which has `file`, `line` and `evidence`. */
export interface Candidate extends Placed {
  readonly reason: string
  readonly index: number
  readonly partner: number
  readonly similarity: number
  readonly evidence: number | string | null
  readonly file: string
  readonly line: number
}

/** Counts of a group's rows by reason. */
export type Counts = Map<string, Map<string, number>>

export interface CollectOptions {
  readonly documentsMax: number
  readonly seed: number
}

/** What the parts of a run say decided them; null where one does not say. */
export function readParts({ segments }: RunReader['run']): ReportPart[] | null {
  const parts = segments.map(({ reasons }) =>
    reasons?.deciders
      ? { steps: reasons.steps, rules: reasons.rules, deciderReasons: reasons.deciders.flatMap(one => one.reasons) }
      : null,
  )
  return parts.every(part => part !== null) ? parts : null
}

/** Numbers of names in a list, in the order in which they come. */
class Numbers {
  readonly names: string[] = []
  readonly #known = new Map<string, number>()

  of(name: string): number {
    const known = this.#known.get(name)
    if (known !== undefined) return known
    this.#known.set(name, this.names.length)
    return this.names.push(name) - 1
  }
}

/** All that a report is made of, in one pass over a run's decided slots. Texts are not read. */
export class Collection {
  readonly parts: ReportPart[] | null
  readonly columns: readonly string[]
  readonly valueColumns: readonly string[]
  readonly hasLanguage: boolean
  readonly reasons = new Numbers()
  readonly domains = new Numbers()
  readonly languages = new Numbers()
  readonly rates = new TokenRates()
  readonly byDomain: Counts = new Map()
  readonly byLanguage: Counts = new Map()
  readonly slots: { readonly slot: number; readonly documents: number; readonly kept: number }[] = []
  readonly dead: ReadonlyMap<string, number>
  readonly rows: RowsByReason<CollectedRow>
  readonly shown: RowsByReason<Candidate>
  readonly #run: RunReader
  readonly #conditions: readonly Conditions[] = []
  readonly #checks: readonly ReturnType<typeof checksOf>[] = []
  readonly #domainNames = new NamesOf('domain')
  readonly #languageNames = new NamesOf('language')
  readonly #reasonNames = new Names()

  constructor(run: RunReader, { decide }: Standing, dead: RowsByReason<Candidate>, options: CollectOptions) {
    this.#run = run
    this.parts = readParts(run.run)
    const conditions = (this.parts ?? []).map(() => new Conditions())
    this.#checks = (this.parts ?? []).map((part, i) => checksOf(part, conditions[i]))
    this.#conditions = conditions
    const ruled = [...new Set(conditions.flatMap(one => one.columns()))]
    const known = columnsIn(run.run)
    this.hasLanguage = known.includes('language')
    this.valueColumns = chooseValueColumns(known)
    this.columns = [...new Set([...ruled, ...this.valueColumns])]
    this.reasons.of('')
    this.dead = dead.counts
    const counts = new Map([['', decide.totals.kept], ...Object.entries(decide.totals.dropped)])
    const { seed, documentsMax } = options
    this.rows = new RowsByReason(shareOut(counts, limits.reportRowsMax, limits.reportReasonRowsMin), seed)
    const quotas = shareEvenly(new Map([...counts, ...this.dead]), documentsMax)
    this.shown = new RowsByReason(quotas, seed)
    for (const one of dead.all()) this.shown.offer(one.reason, one.slot, one.row, () => one)
  }

  async readAll(end: number): Promise<void> {
    const tokens = await TokenCounts.open(this.#run)
    const language = this.hasLanguage ? ['language'] : []
    const columns = [...new Set(['row', 'gate', 'domain', ...language, ...this.columns])]
    for await (const slot of readStoredSlots(this.#run, columns, end)) this.#add(slot, tokens.take(slot.slot))
  }

  #add(columns: StoredSlot, tokens: ReadonlyMap<number, number>): void {
    const { slot, scored, textOffsets, dead } = columns
    const part = this.#run.run.segments.findLastIndex(segment => segment.from <= slot)
    const fates = this.#fatesOf(columns, part)
    const rows = numbers(scored, 'row')
    const domains = this.#domainNames.of(scored)
    const languages = scored.columns.language?.kind === 'utf8' ? this.#languageNames.of(scored) : null
    const values = this.columns.map(name => readerOf(scored, name))
    let kept = 0
    for (let index = 0; index < scored.rows; index++) {
      const [row, reason] = [rows[index], fates.reasons[index]]
      const [domain, language] = [domains[index], languages?.[index] ?? '']
      const bytes = textOffsets[index + 1] - textOffsets[index]
      const known = reason === '' ? (tokens.get(row) ?? -1) : -1
      if (known >= 0) this.rates.add(language, bytes, known)
      if (reason === '') kept++
      addCount(this.byDomain, domain, reason)
      if (languages) addCount(this.byLanguage, language, reason)
      this.rows.offer(reason, slot, row, () => ({
        slot,
        row,
        part,
        bytes,
        tokens: known,
        reason: this.reasons.of(reason),
        domain: this.domains.of(domain),
        language: this.languages.of(language),
        values: values.map(read => read(index)),
      }))
      this.shown.offer(reason, slot, row, () => candidateOf(columns, fates, index, row))
    }
    this.slots.push({ slot, documents: scored.rows + dead, kept })
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

function candidateOf({ slot, drops }: StoredSlot, fates: RecordedFates, index: number, row: number): Candidate {
  const drop = fates.drops[index]
  const place = { slot, row, index, reason: fates.reasons[index], file: '', line: 0 }
  if (!drops || drop < 0) return { ...place, partner: -1, similarity: Number.NaN, evidence: null }
  const evidence = numbers(drops, 'evidence')[drop]
  const text = stringAt(utf8(drops, 'evidenceText'), drop)
  return {
    ...place,
    partner: fates.duplicateOf[index],
    similarity: numbers(drops, 'similarity')[drop],
    evidence: text || (Number.isNaN(evidence) ? null : evidence),
  }
}

/** Dead records of the slots before `end`: how many for each reason, and some. */
export async function readDead(run: RunReader, end: number, seed: number): Promise<RowsByReason<Candidate>> {
  const found = new RowsByReason<Candidate>(new Map(), seed)
  for await (const entry of readBySlot(run.log, topics.dead, deadPartitionsOf(run.run))) {
    const slot = Number(entry.headers.slot)
    if (slot >= end) break
    if (slot < run.first) continue
    for (const { row, file, line, reason, detail } of deadRowsOf(decodeEntry(entry.value)))
      found.offer(reason, slot, row, () => {
        return { slot, row, reason, file, line, index: -1, partner: -1, similarity: Number.NaN, evidence: detail }
      })
  }
  return found
}

function addCount(counts: Counts, group: string, reason: string): void {
  const known = counts.get(group) ?? new Map<string, number>()
  counts.set(group, known)
  known.set(reason, (known.get(reason) ?? 0) + 1)
}
