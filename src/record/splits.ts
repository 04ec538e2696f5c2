import { limits } from '../limits.ts'
import { type Append, type Log, readCommitted } from '../log/log.ts'
import type { Split } from '../sources/source.ts'
import { loaderOf, type RunShape } from './layout.ts'

/** A split as a run has met it. */
export interface RecordedSplit extends Split {
  /** What was read of it, once that was all (`ReadPosition`). */
  readonly seen?: string
}

/** A split in a list of all, which has its number, as those that are needed no more are missing there. */
export type NumberedSplit = RecordedSplit & { readonly number?: number }

/** What was read of the split with this number, which was read to its end. */
export interface ReadSplit {
  readonly number: number
  readonly seen: string
}

/** The splits that the run has met, in that order, but for those that a list of all has left out. */
export async function readSplits(log: Log, shape: RunShape): Promise<RecordedSplit[]> {
  const splits = new Map<number, RecordedSplit>()
  const seen = new Map<number, string>()
  let length = 0
  for await (const entry of readSplitEntries(log, shape)) {
    // What stands before a list of all is what could not be trimmed.
    if (entry.isWhole) {
      splits.clear()
      length = 0
    }
    for (const { number = length, ...split } of entry.splits) {
      splits.set(number, split)
      length = number + 1
    }
    for (const read of entry.read) seen.set(read.number, read.seen)
  }
  return Array.from(splits, ([number, split]) => withSeen(split, seen.get(number)))
}

/** The same split, with what was read of it where that is known. */
export function withSeen(split: RecordedSplit, seen: string | undefined): RecordedSplit {
  return seen === undefined ? split : { ...split, seen }
}

/** One commit's record of splits: of those that were met for the first time, or, where it is whole, a list of all; or of those read to their end. */
export interface SplitEntry {
  readonly isWhole: boolean
  readonly splits: readonly NumberedSplit[]
  /** A split may stand here before it is recorded itself, as lanes read ahead. The last word on each is the one that holds. */
  readonly read: readonly ReadSplit[]
}

/** The splits by the commits that recorded them. */
export async function* readSplitEntries(log: Log, shape: RunShape): AsyncGenerator<SplitEntry, void> {
  const topic = loaderOf(shape).splits
  for await (const { headers, value } of readCommitted(log, topic, 0, (await log.bounds(topic, 0)).first)) {
    const parsed = JSON.parse(Buffer.from(value).toString())
    if (headers.read) yield { isWhole: false, splits: [], read: parsed }
    else yield { isWhole: headers.whole !== undefined, splits: parsed, read: [] }
  }
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

/** An entry for splits that were read to their end. */
export function readAppends(shape: RunShape, read: readonly ReadSplit[]): Append[] {
  if (read.length === 0) return []
  const value = Buffer.from(JSON.stringify(read))
  return [{ topic: loaderOf(shape).splits, partition: 0, headers: { read: '1' }, value }]
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
