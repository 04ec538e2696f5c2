import { numbers, utf8 } from '../batch/batch.ts'
import { takeRows } from '../batch/rows.ts'
import { HeadraceError } from '../errors.ts'
import { limits } from '../limits.ts'
import { wholePosition } from '../record/long-notes.ts'
import { readDecideNote } from '../record/notes.ts'
import type { RunReader } from '../record/run-reader.ts'
import { hashUnit } from '../text/hash.ts'
import type { Scorer } from './scorer.ts'

/** Where a share of the best begins. */
export interface Line {
  readonly line: number
  /** Rows that the run has dropped, how many of them were scored to find it, and those among these without a word. */
  readonly dropped: number
  readonly scored: number
  readonly unscored: number
}

/** How far looking for it is: slots that were read, and rows that were scored. */
export interface LineProgress {
  slots: number
  scored: number
}

/**
 * The score that `percent` of what a run has dropped in slots before `to` reach: of all of it, or, beyond `limits.recallSampleMax` rows, of a sample that is drawn by
 * the hashes of their ids. What has no word counts among them, as the worst. Throws `bad-option` where nothing can be scored.
 */
export async function findLine(
  run: RunReader,
  { annotator, column }: Scorer,
  { percent, to }: { readonly percent: number; readonly to: number },
  progress: LineProgress,
  rowsMax: number = limits.recallSampleMax,
): Promise<Line> {
  const dropped = await countDropped(run)
  const rate = Math.min(1, rowsMax / Math.max(1, dropped))
  const found: Float64Array[] = []
  for await (const { slot, scored, drops } of run.slots()) {
    if (slot >= to) break
    progress.slots = slot + 1
    if (!drops) continue
    const indexes = drawRows(numbers(drops, 'row'), numbers(scored, 'row'), utf8(scored, 'id'), rate)
    if (indexes.length === 0) continue
    const batch = takeRows({ rows: scored.rows, columns: { text: scored.columns.text } }, indexes)
    const columns = await annotator.annotate(batch)
    found.push(Float64Array.from(numbers({ rows: batch.rows, columns }, column)))
    progress.scored += indexes.length
  }
  const scores = joinSorted(found)
  const words = scores.subarray(0, scores.length - countNaN(scores))
  if (words.length === 0)
    throw new HeadraceError(
      'bad-option',
      dropped === 0
        ? `${run.dir} has dropped no document: there is nothing to recall`
        : `none of ${scores.length} documents that ${run.dir} has dropped can be scored: they have no words`,
    )
  const count = Math.max(1, Math.floor((scores.length * percent) / 100))
  // Typed arrays are sorted with NaN last.
  const line = words[Math.max(0, words.length - count)]
  return { line, dropped, scored: scores.length, unscored: scores.length - words.length }
}

/** Indexes, among the rows that were measured, of dropped ones that are drawn. Both rise. */
function drawRows(
  dropped: ArrayLike<number>,
  measured: ArrayLike<number>,
  ids: { readonly bytes: Uint8Array; readonly offsets: Int32Array },
  rate: number,
): number[] {
  const drawn: number[] = []
  let at = 0
  for (let i = 0; i < dropped.length; i++) {
    while (measured[at] < dropped[i]) at++
    const id = ids.bytes.subarray(ids.offsets[at], ids.offsets[at + 1])
    if (rate === 1 || hashUnit(salt, id) < rate) drawn.push(at)
  }
  return drawn
}

/** Sets this draw apart from those that have no seed of their own. */
const salt = 0x7265636c

async function countDropped({ log }: RunReader): Promise<number> {
  const note = readDecideNote(await wholePosition(log, 'decide', await log.position('decide', 0)))
  return Object.values(note.totals.dropped).reduce((sum, count) => sum + count, 0)
}

function joinSorted(parts: readonly Float64Array[]): Float64Array {
  const all = new Float64Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all.sort()
}

function countNaN(sorted: Float64Array): number {
  let count = 0
  while (count < sorted.length && Number.isNaN(sorted[sorted.length - 1 - count])) count++
  return count
}
