import { crc32 } from 'node:zlib'
import type { HeadraceError } from '../errors.ts'
import type { Append, Entry, Log } from '../log/log.ts'
import { topics } from './layout.ts'
import { refuseOtherTables, refuseOtherTime } from './refusals.ts'
import type { RunFile } from './run-file.ts'
import { crcOf, withoutTexts } from './scored.ts'
import { readSlot } from './slots.ts'

/**
 * What a decided slot says of the measured one that it was made of, in the header `scored`: the CRC-32 of its bytes, but for texts that are not stored. Two copies of a run
 * may go on apart, and a part of one be put beside the other: the id is the same then, and so are the slots' numbers.
 */
export function markOf(scored: Uint8Array): string {
  return crcOf(withoutTexts(scored))
}

/** The same of an entry; one that a replay has of another run, and nothing of its own, was marked when it was read. */
export function markOfEntry({ headers, value }: Pick<Entry, 'headers' | 'value'>): string {
  return headers.mark ?? markOf(value)
}

/** Why the slot that was decided last, before `decided`, was not made of what is measured now, or null. Slots before `first` are gone. */
export async function findOtherTime(
  dir: string,
  { partitions }: Pick<RunFile, 'partitions'>,
  log: Log,
  decided: number,
  first: number,
): Promise<HeadraceError | null> {
  const slot = decided - 1
  if (slot < first) return null
  const kept = await readSlot(log, topics.kept, partitions, slot)
  const mark = kept?.headers.scored
  // The end has none, nor has a slot that an older version decided.
  if (mark === undefined) return null
  const scored = await readSlot(log, topics.scored, partitions, slot)
  return scored && markOfEntry(scored) !== mark ? refuseOtherTime(dir, slot) : null
}

/** What a seal of the deciders' tables says: the slot before which they hold all, and the mark of the last of these; null where it has none. */
export interface Sealed {
  readonly slot: number
  readonly mark: number | null
}

/**
 * The mark of a slot in a seal of the tables: the CRC-32 of what was kept of it, and of what that was made of. Null for the end, of which
 * nothing is kept.
 */
export function markKept({ headers, value }: Pick<Append, 'headers' | 'value'>): number | null {
  return headers.end ? null : crc32(value, crc32(headers.scored ?? ''))
}

/** Why tables are not of this log, as their last slot is another than its, or null. Slots before `first` are gone. */
export async function findOtherTables(
  dir: string,
  { partitions }: Pick<RunFile, 'partitions'>,
  log: Log,
  { slot, mark }: Sealed,
  first: number,
): Promise<HeadraceError | null> {
  if (mark === null || slot - 1 < first) return null
  const kept = await readSlot(log, topics.kept, partitions, slot - 1)
  return kept && markKept(kept) !== mark ? refuseOtherTables(dir, slot - 1) : null
}
