import { type Batch, numbers, stringAt, utf8 } from '../batch/batch.ts'

/** Labels that a document may be without. */
export const optionalLabels = ['id', 'url', 'added'] as const
export type Labelled = Record<(typeof optionalLabels)[number], number>

/** Counts the documents of a slot that have each label. An id that was made of the record's place is none. */
export function countLabelled(counts: Labelled, scored: Batch): void {
  for (const name of ['url', 'added'] as const) counts[name] += countFilled(utf8(scored, name).offsets)
  const ids = utf8(scored, 'id')
  const files = utf8(scored, 'file')
  const lines = numbers(scored, 'line')
  for (let row = 0; row < scored.rows; row++) {
    const place = `${stringAt(files, row)}#${lines[row]}`
    const id = stringAt(ids, row)
    // Where a record has several rows, their numbers stand behind its line.
    if (!id.startsWith(place) || !/^(\.\d+)?$/.test(id.slice(place.length))) counts.id++
  }
}

function countFilled(offsets: Int32Array): number {
  let filled = 0
  for (let row = 1; row < offsets.length; row++) if (offsets[row] > offsets[row - 1]) filled++
  return filled
}
