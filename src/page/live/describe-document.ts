import { numbers } from '../../batch/batch.ts'
import { Names } from '../../batch/strings.ts'
import { HeadraceError } from '../../errors.ts'
import { deadRowsOf } from '../../record/dead-records.ts'
import type { RunReader } from '../../record/run-reader.ts'
import { readFates } from '../../what-if/recorded.ts'
import { readStoredSlots } from '../../what-if/stored-slots.ts'
import { type Candidate, candidateOf, deadCandidateOf } from '../collect.ts'
import { describeDocuments } from '../documents.ts'
import type { ReportPart, ShownDocument } from '../report-data.ts'
import { readParts } from '../row-reader.ts'
import { explainMissing, findRange, refuseTrimmed } from './decided-range.ts'

/** A document as a report shows it, with the names of its `values`. */
export interface DescribedDocument {
  readonly document: ShownDocument
  readonly measures: readonly string[]
  /** What decided it; null where the run does not say, as an older version began it. */
  readonly part: ReportPart | null
}

/** The record at an address. Throws 'not-found' where there is none, or it is not decided yet, and 'trimmed' where it is gone. */
export async function describeDocument(run: RunReader, slot: number, row: number): Promise<DescribedDocument> {
  const { first, end } = await findRange(run)
  if (slot >= 0 && slot < first) throw refuseTrimmed(run, slot, first)
  const isDecided = Number.isSafeInteger(slot) && Number.isSafeInteger(row) && slot >= 0 && slot < end
  try {
    const found = isDecided ? await findCandidate(run, slot, row) : null
    if (found) return await describe(run, found, first)
  } catch (error) {
    throw await explainMissing(run, slot, error)
  }
  const why = slot >= end ? `slots before ${end} are decided` : `slot ${slot} has no row ${row}`
  throw new HeadraceError('not-found', `${run.dir} has no document at ${slot}/${row}: ${why}`)
}

async function describe(run: RunReader, found: Candidate, first: number): Promise<DescribedDocument> {
  const parts = readParts(run.run)
  const { documents, measures } = await describeDocuments(run, [found], parts, first)
  const part = parts?.[run.run.segments.findLastIndex(segment => segment.from <= found.slot)] ?? null
  return { document: documents[0], measures, part }
}

async function findCandidate(run: RunReader, slot: number, row: number): Promise<Candidate | null> {
  for await (const stored of readStoredSlots(run, ['row'], slot + 1, slot)) {
    const index = numbers(stored.scored, 'row').indexOf(row)
    if (index >= 0) return candidateOf(stored, readFates(slot, stored.scored, stored.drops, new Names()), index, row)
    const dead = stored.deadRows && deadRowsOf(stored.deadRows).find(one => one.row === row)
    if (dead) return deadCandidateOf(slot, dead)
  }
  return null
}
