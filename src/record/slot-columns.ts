import type { Batch } from '../batch/batch.ts'
import { HeadraceError } from '../errors.ts'
import { type Log, type PartialEntry, readPartially } from '../log/log.ts'
import type { Ahead } from './ahead.ts'
import { decodeEntry } from './entry.ts'
import type { ReadColumns } from './message-columns.ts'
import { PartLayouts, readPartColumns } from './part-columns.ts'
import { offsetOfSlot } from './slot-reader.ts'

/** Which columns of which slots are read. */
export interface ColumnsWanted {
  readonly topic: string
  readonly partitions: number
  /** The first slot, and the one after the last. */
  readonly from: number
  readonly to: number
  readonly columns: readonly string[]
  /** A column of which only the lengths are read at first; its values by `readValues`. */
  readonly lengthsOf?: string
}

/**
 * Some columns of the slots of a topic, in order, without the others: the texts of a slot are nine tenths of its bytes. Of a log that reads
 * parts of values only what is asked for is read; that is not held against the checksums, which are of whole values. 'corrupt' where a slot
 * is missing.
 */
export async function* readSlotColumns(log: Log, wanted: ColumnsWanted): AsyncGenerator<SlotColumns, void> {
  const layouts = new PartLayouts()
  for await (const entry of readPartialSlots(log, wanted)) yield await readColumns(entry, layouts, wanted)
}

/** The entries of a topic that has some slots only, in one partition, from a slot on; read as `readSlotColumns` does, and whole. */
export async function* readSomeSlots(log: Log, topic: string, from: number): AsyncGenerator<SomeSlot, void> {
  const offset = await offsetOfSlot(log, topic, 0, 1, from)
  for await (const entry of readPartially(log, { topic, partition: 0, offset }))
    yield { slot: Number(entry.headers.slot), value: await entry.readPart(0, entry.length) }
}

export interface SomeSlot {
  readonly slot: number
  readonly value: Uint8Array
}

/** The batch of a slot of such a topic, or null where it has none. All slots from the first that is read are asked for, in rising order. */
export async function someAt(entries: Ahead<SomeSlot>, slot: number): Promise<Batch | null> {
  const next = await entries.peek()
  if (next?.slot !== slot) return null
  await entries.take()
  return decodeEntry(next.value)
}

/** Columns of one slot. */
export interface SlotColumns extends ReadColumns {
  readonly slot: number
  /** Where each row of the column begins whose lengths are read, and the last one ends; zeros where there is no such column. */
  readonly offsets: Int32Array
}

async function readColumns(entry: PartialEntry, layouts: PartLayouts, { columns, lengthsOf }: ColumnsWanted) {
  const read = await readPartColumns(entry, layouts, columns, lengthsOf)
  const offsets = read.offsets ?? new Int32Array(read.batch.rows + 1)
  return { slot: Number(entry.headers.slot), ...read, offsets } satisfies SlotColumns
}

/** The slots `[from, to)` of a topic of slots, in order. 'corrupt' where one is missing. */
export async function* readPartialSlots(
  log: Log,
  { topic, partitions, from, to }: Pick<ColumnsWanted, 'topic' | 'partitions' | 'from' | 'to'>,
): AsyncGenerator<PartialEntry, void> {
  const readers = await Promise.all(
    Array.from({ length: partitions }, async (_, partition) => {
      const offset = await offsetOfSlot(log, topic, partition, partitions, from)
      return readPartially(log, { topic, partition, offset })[Symbol.asyncIterator]()
    }),
  )
  try {
    for (let slot = from; slot < to; slot++) {
      const { done, value } = await readers[slot % partitions].next()
      const found = done ? 'nothing' : `slot ${value.headers.slot}`
      if (done || Number(value.headers.slot) !== slot || value.headers.end)
        throw new HeadraceError(
          'corrupt',
          `${topic}: slot ${slot} was expected and ${found} came: restore the log from a copy, or replay the run`,
        )
      yield value
    }
  } finally {
    await Promise.all(readers.map(reader => reader.return?.()))
  }
}
