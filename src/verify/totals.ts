import { type Batch, numbers, stringAt, utf8 } from '../batch/batch.ts'
import { canonicalJson } from '../canonical-json.ts'
import { NameLimit } from '../decide/name-limit.ts'
import { countLabelled } from '../record/labelled.ts'
import { readDecideNote } from '../record/notes.ts'
import { textBytesOf } from '../record/scored.ts'
import { addCount, countRepaired, type DecideTotals, emptyDecideTotals } from '../record/totals.ts'
import { advices, type Check } from './check.ts'
import type { SlotGroup, SlotParts } from './slots.ts'

/** What a run does not count that began before it was counted. */
const countedLater: readonly (keyof DecideTotals)[] = ['uncompared', 'labelled']

/** Counts the deciding stage's totals again from what its slots hold, and compares them with the note of each commit. */
export class TotalsCount {
  readonly #check: Check
  readonly #totals = emptyDecideTotals()
  readonly #domains = new NameLimit([])
  readonly #languages = new NameLimit([])
  #isKnown = true

  constructor(check: Check) {
    this.#check = check
  }

  /** Says that something before here can't be read: later totals can't be counted again. */
  skip(why: string): void {
    if (this.#isKnown) this.#check.note(`the totals could not be counted again: ${why}`)
    this.#isKnown = false
  }

  add({ scored, deadRows, kept, drops }: SlotParts): void {
    const totals = this.#totals
    totals.documents += scored.rows + deadRows
    totals.dead += deadRows
    totals.kept += kept.rows
    totals.textBytes += bytesOf(scored)
    countLabelled(totals.labelled!, scored)
    const faults = scored.columns.repaired && utf8(scored, 'repaired')
    if (faults?.bytes.length) for (let row = 0; row < scored.rows; row++) countRepaired(totals, stringAt(faults, row))
    totals.keptBytes += bytesOf(kept)
    if (drops) {
      const reasons = utf8(drops, 'reason')
      for (let row = 0; row < drops.rows; row++) addCount(totals.dropped, stringAt(reasons, row), 1)
    }
    const keptRows = new Set(numbers(kept, 'row'))
    totals.uncompared! += countUncompared(scored, keptRows)
    totals.otherDomains += countBy(totals.byDomain, this.#domains, scored, 'domain', keptRows)
    if (scored.columns.language) countBy(totals.byLanguage, this.#languages, scored, 'language', keptRows)
  }

  /** Compares the note of the commit that `group` ends. The first difference is told: all later ones follow from it. */
  compare({ slot, position, main }: SlotGroup): void {
    if (!position?.note || !this.#isKnown) return
    this.#check.counted++
    const noted = readDecideNote(position).totals
    for (const name of Object.keys(this.#totals) as (keyof DecideTotals)[]) {
      const [was, is] = [noted[name], this.#totals[name]].map(value => canonicalJson(value ?? null))
      if (was === is || (countedLater.includes(name) && noted[name] === undefined)) continue
      const what = `after slot ${slot} the note says ${name} ${shorten(was)}, and the slots so far have ${shorten(is)}`
      this.#check.fail(main, what, advices.report)
      this.#isKnown = false
    }
  }
}

function bytesOf(batch: Batch): number {
  return Array.from(textBytesOf(batch)).reduce((sum, bytes) => sum + bytes, 0)
}

function countUncompared(scored: Batch, kept: ReadonlySet<number>): number {
  if (!scored.columns.shingles) return 0
  const shingles = numbers(scored, 'shingles')
  return Array.from(numbers(scored, 'row')).filter((row, i) => shingles[i] === 0 && kept.has(row)).length
}

/** Returns how many rows have a name that is one too many. */
function countBy(
  counts: DecideTotals['byDomain'],
  limit: NameLimit,
  scored: Batch,
  column: string,
  kept: ReadonlySet<number>,
): number {
  const values = utf8(scored, column)
  const rows = numbers(scored, 'row')
  let merged = 0
  for (let i = 0; i < scored.rows; i++) {
    const own = stringAt(values, i)
    const name = limit.of(own)
    if (name !== own) merged++
    const count = (counts[name] ??= { documents: 0, kept: 0 })
    count.documents++
    if (kept.has(rows[i])) count.kept++
  }
  return merged
}

export function shorten(text: string): string {
  return text.length > 120 ? `${text.slice(0, 120)}...` : text
}
