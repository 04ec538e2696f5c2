import { type Batch, numbers, stringAt, utf8 } from '../../batch/batch.ts'
import { NameLimit } from '../../decide/name-limit.ts'
import { countLabelled } from '../../record/labelled.ts'
import type { ChangedNames } from '../../record/long-notes.ts'
import { textBytesOf } from '../../record/scored.ts'
import { addCount, countRepaired, type DecideTotals } from '../../record/totals.ts'

/** What was decided, as it is counted: rows by their number in the slot's batch. */
interface Decided {
  readonly kept: readonly number[]
  readonly dropped: readonly { readonly reason: string }[]
}

/** Counts decided slots into `totals`, which goes on from where it stands. */
export class SlotCounts {
  readonly totals: DecideTotals
  readonly #domains: NameLimit
  readonly #languages: NameLimit
  readonly #changed: ChangedNames | null

  /** `changed` is told which names' counts change. */
  constructor(totals: DecideTotals, changed: ChangedNames | null = null) {
    this.totals = totals
    this.#changed = changed
    this.#domains = new NameLimit(Object.keys(totals.byDomain))
    this.#languages = new NameLimit(Object.keys(totals.byLanguage))
  }

  /** Counts a slot. Returns the rows whose domain is one too many, with the domain that they are counted in. */
  add(scored: Batch, { kept, dropped }: Decided): Map<number, string> {
    const { totals } = this
    totals.documents += scored.rows
    totals.kept += kept.length
    const bytes = textBytesOf(scored)
    for (let row = 0; row < scored.rows; row++) totals.textBytes += bytes[row]
    for (const row of kept) totals.keptBytes += bytes[row]
    if (totals.uncompared !== undefined) totals.uncompared += countUncompared(scored, kept)
    if (totals.labelled !== undefined) countLabelled(totals.labelled, scored)
    const faults = scored.columns.repaired && utf8(scored, 'repaired')
    if (faults?.bytes.length) for (let row = 0; row < scored.rows; row++) countRepaired(totals, stringAt(faults, row))
    for (const { reason } of dropped) addCount(totals.dropped, reason, 1)
    const merged = this.#countBy('byDomain', this.#domains, namesOf(scored, 'domain'), kept)
    totals.otherDomains += merged.size
    if (scored.columns.language) this.#countBy('byLanguage', this.#languages, namesOf(scored, 'language'), kept)
    return merged
  }

  #countBy(
    counted: 'byDomain' | 'byLanguage',
    limit: NameLimit,
    owns: readonly string[],
    kept: readonly number[],
  ): Map<number, string> {
    const counts = this.totals[counted]
    const merged = new Map<number, string>()
    const names: string[] = []
    for (const [row, own] of owns.entries()) {
      const name = limit.of(own)
      if (name !== own) merged.set(row, name)
      names.push(name)
      counts[name] ??= { documents: 0, kept: 0 }
      counts[name].documents++
    }
    for (const row of kept) counts[names[row]].kept++
    for (const name of new Set(names)) this.#changed?.add(counted, name)
    return merged
  }
}

/** How many of these rows have no shingle, where `signature()` has counted them. */
function countUncompared(scored: Batch, rows: readonly number[]): number {
  if (!scored.columns.shingles) return 0
  const shingles = numbers(scored, 'shingles')
  return rows.filter(row => shingles[row] === 0).length
}

function namesOf(batch: Batch, column: string): string[] {
  const values = utf8(batch, column)
  return Array.from({ length: batch.rows }, (_, row) => stringAt(values, row))
}
