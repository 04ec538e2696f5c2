import { type Batch, stringAt, type Utf8Column, utf8 } from '../../batch/batch.ts'
import { NameLimit } from '../../decide/name-limit.ts'
import { addCount, type DecideTotals } from '../../record/totals.ts'

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

  constructor(totals: DecideTotals) {
    this.totals = totals
    this.#domains = new NameLimit(Object.keys(totals.byDomain))
    this.#languages = new NameLimit(Object.keys(totals.byLanguage))
  }

  /** Counts a slot. Returns the rows whose domain is one too many, with the domain that they are counted in. */
  add(scored: Batch, { kept, dropped }: Decided): Map<number, string> {
    const { totals } = this
    totals.documents += scored.rows
    totals.kept += kept.length
    const text = utf8(scored, 'text')
    totals.textBytes += text.offsets[scored.rows] - text.offsets[0]
    for (const row of kept) totals.keptBytes += text.offsets[row + 1] - text.offsets[row]
    for (const { reason } of dropped) addCount(totals.dropped, reason, 1)
    const merged = countBy(totals.byDomain, this.#domains, utf8(scored, 'domain'), scored.rows, kept)
    totals.otherDomains += merged.size
    if (scored.columns.language)
      countBy(totals.byLanguage, this.#languages, utf8(scored, 'language'), scored.rows, kept)
    return merged
  }
}

function countBy(
  counts: DecideTotals['byDomain'],
  limit: NameLimit,
  column: Utf8Column,
  rows: number,
  kept: readonly number[],
): Map<number, string> {
  const merged = new Map<number, string>()
  const names: string[] = []
  for (let row = 0; row < rows; row++) {
    const own = stringAt(column, row)
    const name = limit.of(own)
    if (name !== own) merged.set(row, name)
    names.push(name)
    counts[name] ??= { documents: 0, kept: 0 }
    counts[name].documents++
  }
  for (const row of kept) counts[names[row]].kept++
  return merged
}
