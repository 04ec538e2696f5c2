import type { Append, Log, Position } from '../log/log.ts'
import { deadPartitionsOf, type RunShape, topics } from './layout.ts'
import { crcOf } from './scored.ts'
import { textsAppend } from './text-topic.ts'

export { offsetOfSlot, positionsAt, readBySlot, readSlot, type SlotEntry, SlotReader } from './slot-reader.ts'

/** A slot as an append: number, rows and fingerprint stand in the headers. */
export function slotAppend(
  topic: string,
  slot: number,
  partitions: number,
  value: Uint8Array,
  headers: Readonly<Record<string, string>>,
): Append {
  return { topic, partition: slot % partitions, headers: { slot: String(slot), ...headers }, value }
}

/** A slot that was measured: its `scored` entry, and the `dead` one or null. */
export interface MeasuredSlot {
  readonly scored: Uint8Array
  /** It is to be joined with the entry of the run that is replayed (`joinScored`). Default false. */
  readonly isJoined?: boolean
  readonly dead: Uint8Array | null
  readonly rows: number
  readonly deadRows: number
  /** Where a run does not store all texts: these alone. */
  readonly texts?: Uint8Array | null
}

/** The entries of a measured slot. `base`: the mark of the entry that it is joined with. */
export function measuredAppends(
  shape: RunShape,
  slot: number,
  measured: MeasuredSlot,
  fingerprint: string,
  base?: string,
): Append[] {
  const { scored, isJoined, dead, rows, deadRows, texts } = measured
  const joined = isJoined && base !== undefined ? { base } : {}
  const counts = { rows: String(rows), dead: String(deadRows), contract: 'document.v1', fingerprint }
  const headers = { ...counts, ...joined, ...(texts && { texts: crcOf(texts) }) }
  const append = slotAppend(topics.scored, slot, shape.partitions, scored, headers)
  const appends = [append]
  if (texts && shape.textTopic) appends.push(textsAppend(shape, slot, texts))
  if (dead) appends.push(slotAppend(topics.dead, slot, deadPartitionsOf(shape), dead, {}))
  return appends
}

/** The `end` slot for every partition: no slot follows it anywhere. */
export function endAppends(topic: string, slot: number, partitions: number): Append[] {
  return Array.from({ length: partitions }, (_, i) =>
    slotAppend(topic, slot + i, partitions, new Uint8Array(0), { end: '1' }),
  )
}

/** The first slot that is not annotated, of all partitions. */
export async function annotatedSlot(log: Log, { spread, partitions }: RunShape): Promise<number> {
  if (!spread) return (await log.position('annotate', 0)).slot
  return firstUnannotated(await log.position('load', 0), await positionsOf(log, 'annotate', partitions))
}

/** The same of a spread run, from where loading and each partition of annotating stand. */
export function firstUnannotated(load: Position, annotate: readonly Position[]): number {
  // Past the end, partitions count on.
  return Math.min(load.slot, ...annotate.map(({ partition, slot }) => Math.max(slot, partition)))
}

/** A stage's committed position on every partition. */
export async function positionsOf(log: Log, stage: string, partitions: number): Promise<Position[]> {
  return Promise.all(Array.from({ length: partitions }, (_, partition) => log.position(stage, partition)))
}
