import { type Batch, numbers, stringAt, utf8 } from '../batch/batch.ts'
import { limits } from '../limits.ts'
import type { Append, Log } from '../log/log.ts'
import { hasLine, isRest, joinRanges } from '../sources/line-ranges.ts'
import { type LineRange, lineAtEnd, type Split } from '../sources/source.ts'
import { decodeEntry } from './entry.ts'
import { deadPartitionsOf, type RunShape, topics } from './layout.ts'
import { annotatedSlot, readBySlot } from './slots.ts'

/** Records that are dead and not read again since, by their file, and how many entries of `dead` that are. */
export interface DeadRecords {
  readonly files: ReadonlyMap<string, readonly LineRange[]>
  readonly records: number
  /** Slots that were looked at: those before this one. */
  readonly before: number
  readonly reasons: Readonly<Record<string, number>>
}

/**
 * Finds the records that are dead and not read again since, among the slots that are committed now; at most
 * `limits.redriveRecordsMax` of them, in the order of slots: what is beyond stays for another request.
 */
export async function findDead(
  { log, shape }: { readonly log: Log; readonly shape: RunShape },
  splits: readonly Split[],
  reasons: readonly string[],
): Promise<DeadRecords> {
  const before = await annotatedSlot(log, shape)
  const readAgain = splits.flatMap(({ again }) => again ?? [])
  const rounds = Map.groupBy(readAgain, again => again.of)
  const isReadAgain = (file: string, line: number, slot: number) =>
    rounds.get(file)?.some(round => slot < round.before && hasLine(round.lines, line)) ?? false
  const found = new Map<string, LineRange[]>()
  const counts = new Map<string, number>()
  let records = 0
  for await (const entry of readBySlot(log, topics.dead, deadPartitionsOf(shape))) {
    const slot = Number(entry.headers.slot)
    if (slot >= before || records >= limits.redriveRecordsMax) break
    for (const { file, line, reason } of deadRowsOf(decodeEntry(entry.value))) {
      if ((reasons.length > 0 && !reasons.includes(reason)) || isReadAgain(file, line, slot)) continue
      const range: LineRange = [line, isRest({ line, reason }) ? lineAtEnd : line]
      const ranges = found.get(file)
      if (ranges) ranges.push(range)
      else found.set(file, [range])
      counts.set(reason, (counts.get(reason) ?? 0) + 1)
      records++
    }
  }
  const files = new Map(Array.from(found, ([file, ranges]) => [file, joinRanges(ranges)]))
  return { files, records, before, reasons: Object.fromEntries(counts) }
}

/** A row of the topic of dead rows. */
export interface DeadRow {
  readonly row: number
  readonly file: string
  readonly line: number
  readonly reason: string
  readonly detail: string
}

/** The rows of a batch of that topic. A row without a file is of the file of the row before it. */
export function* deadRowsOf(batch: Batch): Generator<DeadRow, void> {
  const rows = numbers(batch, 'row')
  const lines = numbers(batch, 'line')
  const at = (name: string, i: number) => stringAt(utf8(batch, name), i)
  let file = ''
  for (let i = 0; i < batch.rows; i++) {
    file = at('file', i) || file
    yield { row: rows[i], file, line: lines[i], reason: at('reason', i), detail: at('detail', i) }
  }
}

/** Counts dead rows among what was committed, by reason. */
export function countDead(appends: readonly Append[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { topic, value } of appends) {
    if (topic !== topics.dead) continue
    for (const { reason } of deadRowsOf(decodeEntry(value))) counts.set(reason, (counts.get(reason) ?? 0) + 1)
  }
  return counts
}

/** Reasons of records that their source could read, and an annotator not. */
const failures: readonly string[] = ['annotator-failed', 'took-too-long', 'crashed-worker']

/** Whether an annotator failed on one of the records of an entry of dead rows. */
export function hasFailed(dead: Batch): boolean {
  const reasons = utf8(dead, 'reason')
  for (let row = 0; row < dead.rows; row++) if (failures.includes(stringAt(reasons, row))) return true
  return false
}
