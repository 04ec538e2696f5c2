import { limits } from '../limits.ts'
import { type Append, type Log, readCommitted } from '../log/log.ts'
import type { Split } from '../sources/source.ts'
import { loaderOf, type RunShape } from './layout.ts'

/** A split in a list of all, which has its number, as those that are needed no more are missing there. */
export type NumberedSplit = Split & { readonly number?: number }

/** The splits that the run has met, in that order, but for those that a list of all has left out. */
export async function readSplits(log: Log, shape: RunShape): Promise<Split[]> {
  const splits: Split[] = []
  for await (const entry of readSplitEntries(log, shape)) {
    // What stands before a list of all is what could not be trimmed.
    if (entry.isWhole) splits.length = 0
    for (const split of entry.splits) splits.push(split)
  }
  return splits
}

/** One commit's record of splits: of those that were met for the first time, or, where it is whole, a list of all. */
export interface SplitEntry {
  readonly isWhole: boolean
  readonly splits: readonly NumberedSplit[]
}

/** The splits by the commits that recorded them. */
export async function* readSplitEntries(log: Log, shape: RunShape): AsyncGenerator<SplitEntry, void> {
  const topic = loaderOf(shape).splits
  for await (const { headers, value } of readCommitted(log, topic, 0, (await log.bounds(topic, 0)).first))
    yield { isWhole: headers.whole !== undefined, splits: JSON.parse(Buffer.from(value).toString()) }
}

/** The stamp that each split had when it was read last. */
export function stampsOf(splits: readonly Split[]): Map<string, string> {
  const stamps = new Map<string, string>()
  for (const { name, stamp, again } of splits) {
    stamps.set(name, stamp)
    if (again) stamps.set(again.of, stamp)
  }
  return stamps
}

/** An entry for splits that are met for the first time. */
export function splitAppends(shape: RunShape, splits: readonly Split[]): Append[] {
  if (splits.length === 0) return []
  return [{ topic: loaderOf(shape).splits, partition: 0, headers: {}, value: Buffer.from(JSON.stringify(splits)) }]
}

/** An entry that lists all splits that were committed, or nothing where they are too many for one. */
export function splitsAgain(shape: RunShape, splits: readonly NumberedSplit[]): Append[] {
  const value = Buffer.from(JSON.stringify(splits))
  if (value.length > limits.commitBytesMax / 4) return []
  return [{ topic: loaderOf(shape).splits, partition: 0, headers: { whole: '1' }, value }]
}

/** The offset of the last entry that lists all splits up to it, or null. */
export async function findWholeSplits(log: Log, shape: RunShape): Promise<bigint | null> {
  const { splits } = loaderOf(shape)
  const { first } = await log.bounds(splits, 0)
  let found: bigint | null = null
  for await (const { headers, offset } of readCommitted(log, splits, 0, first)) if (headers.whole) found = offset
  return found
}
