import { numbers, stringAt, utf8 } from '../batch/batch.ts'
import { limits } from '../limits.ts'
import { type DeadRow, deadRowsOf } from '../record/dead-records.ts'
import { decodeEntry } from '../record/entry.ts'
import { deadPartitionsOf, topics } from '../record/layout.ts'
import type { RunReader } from '../record/run-reader.ts'
import { readBySlot } from '../record/slots.ts'
import type { Standing } from '../record/standing.ts'
import { TokenCounts } from '../record/token-counts.ts'
import { TokenRates } from '../record/token-rates.ts'
import type { RecordedFates } from '../what-if/recorded.ts'
import { readStoredSlots, type StoredSlot } from '../what-if/stored-slots.ts'
import type { CollectedRow } from './pack-rows.ts'
import { RowReader } from './row-reader.ts'
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

/** Numbers of names in a list, in the order in which they come. */
export class Numbers {
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
  readonly parts: RowReader['parts']
  readonly columns: readonly string[]
  readonly valueColumns: readonly string[]
  readonly hasLanguage: boolean
  readonly reader: RowReader
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

  constructor(run: RunReader, { decide }: Standing, dead: RowsByReason<Candidate>, options: CollectOptions) {
    this.#run = run
    this.reader = new RowReader(run)
    this.parts = this.reader.parts
    this.columns = this.reader.columns
    this.valueColumns = this.reader.valueColumns
    this.hasLanguage = this.reader.hasLanguage
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
    for await (const slot of readStoredSlots(this.#run, this.reader.stored(), end))
      this.#add(slot, tokens.take(slot.slot))
  }

  #add(columns: StoredSlot, tokens: ReadonlyMap<number, number>): void {
    const { slot, scored, textOffsets, dead } = columns
    const { part, rows, fates, domains, languages, values } = this.reader.read(columns)
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
}

/** What of a slot tells why a row that may be shown has its fate. */
export function candidateOf({ slot, drops }: StoredSlot, fates: RecordedFates, index: number, row: number): Candidate {
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
    for (const dead of deadRowsOf(decodeEntry(entry.value)))
      found.offer(dead.reason, slot, dead.row, () => deadCandidateOf(slot, dead))
  }
  return found
}

export function deadCandidateOf(slot: number, { row, file, line, reason, detail }: DeadRow): Candidate {
  return { slot, row, reason, file, line, index: -1, partner: -1, similarity: Number.NaN, evidence: detail }
}

function addCount(counts: Counts, group: string, reason: string): void {
  const known = counts.get(group) ?? new Map<string, number>()
  counts.set(group, known)
  known.set(reason, (known.get(reason) ?? 0) + 1)
}
