import { limits } from '../../limits.ts'
import type { RunReader } from '../../record/run-reader.ts'
import { readStoredSlots } from '../../what-if/stored-slots.ts'
import { type DecidedRange, explainMissing, findRange } from './decided-range.ts'
import { type DocumentQuery, formatPlace } from './document-query.ts'
import { DocumentSearch, type FoundDocument, lastRow } from './document-search.ts'

export { parseDocumentQuery } from './document-query.ts'
export type { FoundDocument }

export interface FoundDocuments {
  /** In the order of slots and rows. Names are clean. */
  readonly documents: readonly FoundDocument[]
  /** What `after` takes to go on; null when all that is decided was looked at. */
  readonly next: string | null
  /** What was looked at. `textless`: rows that have no stored text, and whose labels alone were searched. */
  readonly scanned: { readonly slots: number; readonly rows: number; readonly textless: number }
  /** All was looked at, and the run decides no more. */
  readonly isEnd: boolean
}

/**
 * The first documents and dead records of a run that a query is about, behind its `after`. One call looks at some slots only
 * (`limits.searchSlotsMax`, `limits.searchMs`), so it may find few or none and still give a `next`. What was trimmed is passed over. Throws
 * 'trimmed' where slots are trimmed while they are read: ask again.
 */
export async function findDocuments(run: RunReader, query: DocumentQuery): Promise<FoundDocuments> {
  const range = await findRange(run)
  const from = Math.max(range.first, beginOf(query))
  const search = new DocumentSearch(run, query, range.standing.decide.totals)
  try {
    const slots = await lookFrom(run, search, from, range)
    const isLast = search.isFull ? false : from + slots >= range.end
    const next = isLast ? null : search.at
    return {
      documents: search.found,
      next: next && formatPlace(next),
      scanned: { slots, rows: search.rows, textless: search.textless },
      isEnd: isLast && range.isEnded,
    }
  } catch (error) {
    throw await explainMissing(run, from, error)
  }
}

function beginOf({ after }: DocumentQuery): number {
  if (!after) return 0
  return after.row >= lastRow ? after.slot + 1 : after.slot
}

/** Looks at slots until there are enough documents, or it was long enough. Returns how many. */
async function lookFrom(run: RunReader, search: DocumentSearch, from: number, { end }: DecidedRange): Promise<number> {
  const deadline = performance.now() + limits.searchMs
  let slots = 0
  if (from >= end) return slots
  const to = Math.min(end, from + limits.searchSlotsMax)
  for await (const stored of readStoredSlots(run, search.columns(), to, from)) {
    await search.look(stored)
    slots++
    if (search.isFull || performance.now() >= deadline) break
  }
  return slots
}
