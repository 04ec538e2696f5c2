import type { Region } from '../batch/arrow/layout.ts'
import { utf8 } from '../batch/batch.ts'
import { Names, Strings } from '../batch/strings.ts'
import { Ahead } from '../record/ahead.ts'
import { indexesOf } from '../record/kept.ts'
import { deadPartitionsOf, topics } from '../record/layout.ts'
import { batchAt, type RunReader } from '../record/run-reader.ts'
import { readSlotColumns, readSomeSlots, type SlotColumns, someAt } from '../record/slot-columns.ts'
import { readBySlot } from '../record/slots.ts'
import { TokenCounts } from '../record/token-counts.ts'
import { type Outcome, outcomeColumns, outcomesOf } from './outcome.ts'

/** The outcomes of a slot, and its texts where they are asked for. */
export interface RunSlot {
  readonly slot: number
  /** Of rows that were measured, in the order of rows. */
  readonly measured: readonly Outcome[]
  readonly dead: readonly Outcome[]
  /** The files that measured rows are from, as they are stored; null where that is not known. */
  readonly storedFiles: StoredColumn | null
  /** The column of labels, where one was asked for. */
  readonly labels: Strings | null
  /** Where the text of a kept row, by its index, lies among the slot's texts. */
  regionOf(index: number): Region
  /** Reads regions of the slot's texts, and returns what gives them; null where those of kept rows are not stored. */
  readonly readTexts: SlotColumns['readValues']
  /** Hashes of texts, of 16 bytes, where they were asked for and the run has them. */
  readonly textHashes: Uint8Array | null
}

/** All outcomes of a slot, in the order of rows. */
export function inOrder({ measured, dead }: RunSlot): readonly Outcome[] {
  return dead.length ? [...measured, ...dead].sort((one, other) => one.row - other.row) : measured
}

/** Slots from one to before another. */
export interface SlotRange {
  readonly from: number
  readonly to: number
}

/** A column of strings without looking at any: where each ends, and the bytes of all as they are stored, packed or not. */
export interface StoredColumn {
  readonly offsets: Int32Array
  readonly bytes: Uint8Array
}

function storedColumn({ batch, storedOf }: SlotColumns, name: string): StoredColumn | null {
  const bytes = storedOf(name)
  return bytes && { offsets: utf8(batch, name).offsets, bytes }
}

/** What is read of slots besides their outcomes: a column of strings, and hashes of texts. */
interface Besides {
  readonly label?: string
  readonly hasHashes?: boolean
}

/** Reads the outcomes of slots, in order. */
export async function* readRunSlots(
  run: RunReader,
  range: SlotRange,
  { label, hasHashes }: Besides = {},
): AsyncGenerator<RunSlot, void> {
  const { log } = run
  const { partitions } = run.run
  const columns = [...outcomeColumns, ...(label === undefined ? [] : [label]), ...(hasHashes ? ['textHash'] : [])]
  const scored = readSlotColumns(log, { topic: topics.scored, partitions, ...range, columns, lengthsOf: 'text' })
  const labels = { topic: topics.kept, partitions, ...range, columns: ['row', 'domain'], lengthsOf: 'text' }
  const kept = readSlotColumns(log, labels)
  const drops = new Ahead(readSomeSlots(log, topics.drops, range.from))
  const dead = new Ahead(readBySlot(log, topics.dead, deadPartitionsOf(run.run)))
  const tokens = await TokenCounts.open(run)
  const names = new Names()
  for await (const measured of scored) {
    const { slot, batch, offsets: textOffsets } = measured
    const { value } = await kept.next()
    const decided = { kept: value!.batch, drops: await someAt(drops, slot), dead: await batchAt(dead, slot) }
    const outcomes = outcomesOf({ slot, scored: batch, textOffsets, ...decided, tokens: tokens.take(slot), names })
    const named = label === undefined ? null : new Strings(utf8(batch, label))
    const hashes = batch.columns.textHash
    const textHashes = hashes?.kind === 'fixed' && hashes.width === 16 ? hashes.bytes : null
    const storedFiles = storedColumn(measured, 'file')
    yield { slot, ...outcomes, storedFiles, labels: named, ...textsOf(measured, value!), textHashes }
  }
}

/** Texts stand with all rows, or else with those that were kept. */
function textsOf(measured: SlotColumns, kept: SlotColumns): Pick<RunSlot, 'regionOf' | 'readTexts'> {
  const region = (offsets: Int32Array, at: number) => ({ at: offsets[at], bytes: offsets[at + 1] - offsets[at] })
  const { offsets, readValues, batch } = measured
  if (readValues || !kept.readValues) return { regionOf: index => region(offsets, index), readTexts: readValues }
  const places = new Map(Array.from(indexesOf(batch, kept.batch), (index, i) => [index, i]))
  return { regionOf: index => region(kept.offsets, places.get(index)!), readTexts: kept.readValues }
}
