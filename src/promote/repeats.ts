import { numbers } from '../batch/batch.ts'
import { type Address, addressOf } from '../decide/decider.ts'
import { decodeEntry } from '../record/entry.ts'
import { topics } from '../record/layout.ts'
import type { RunReader } from '../record/run-reader.ts'
import { readBySlot } from '../record/slots.ts'
import { RowSet } from './row-set.ts'

/**
 * The rows whose duplicate cluster has a covered row. A run's cluster is a kept row and those that it dropped as copies of it. `known` are
 * runs that the feed was planned from: what they dropped as copies of a covered row repeats it. `next` is the one that the feed goes on
 * with: it may have kept another member, which repeats a covered row when a covered one, or a copy of one, is in its cluster.
 */
export async function findRepeats(
  covered: RowSet,
  known: readonly RunReader[],
  next: RunReader,
): Promise<Pick<RowSet, 'has'>> {
  const copies = new RowSet()
  for (const run of known)
    for await (const [row, original] of readCopies(run)) if (covered.has(original)) copies.add(row)
  // A set of its own: an original that counted as a copy while others are looked for would make clusters of clusters.
  const originals = new RowSet()
  for await (const [row, original] of readCopies(next)) if (covered.has(row) || copies.has(row)) originals.add(original)
  return { has: row => copies.has(row) || originals.has(row) }
}

/** Each row that a run dropped as a copy, with the kept one that it repeats. */
async function* readCopies({ log }: RunReader): AsyncGenerator<readonly [row: Address, original: Address]> {
  for await (const { headers, value } of readBySlot(log, topics.drops, 1)) {
    const batch = decodeEntry(value)
    const [rows, originals] = ['row', 'duplicateOf'].map(name => numbers(batch, name))
    for (let i = 0; i < batch.rows; i++)
      if (originals[i] >= 0) yield [addressOf(Number(headers.slot), rows[i]), originals[i]] as const
  }
}
