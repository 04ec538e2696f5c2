import type { HeadraceError } from '../errors.ts'
import type { Log } from '../log/log.ts'
import { topics } from './layout.ts'
import { refuseOtherTime } from './refusals.ts'
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
  return scored && markOf(scored.value) !== mark ? refuseOtherTime(dir, slot) : null
}
