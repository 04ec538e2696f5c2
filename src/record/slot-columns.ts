import { type BatchLayout, type ReadAt, type Region, StreamLayouts, viewBatch } from '../batch/arrow/layout.ts'
import { type Batch, numberArrays } from '../batch/batch.ts'
import { HeadraceError } from '../errors.ts'
import { type Log, type PartialEntry, readPartially } from '../log/log.ts'
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
  const layouts = new StreamLayouts()
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

/** Columns of one slot. */
export class SlotColumns {
  readonly slot: number
  /** The wanted columns that there are. */
  readonly batch: Batch
  /** Where each row of the column begins whose lengths are read, and the last one ends. */
  readonly offsets: Int32Array
  readonly #entry: PartialEntry
  readonly #values: Region

  constructor(entry: PartialEntry, batch: Batch, offsets: Int32Array, values: Region) {
    this.slot = Number(entry.headers.slot)
    this.batch = batch
    this.offsets = offsets
    this.#entry = entry
    this.#values = values
  }

  /** Reads regions of the values of the column whose lengths are read, and returns what gives them. */
  async readValues(regions: readonly Region[]): Promise<ReadAt> {
    const { at: start } = this.#values
    const moved = regions.map(({ at, bytes }) => ({ at: start + at, bytes }))
    const view = viewOf(await readRegions(this.#entry, noBytes, moved))
    return (at, bytes) => view(start + at, bytes)
  }
}

async function readColumns(entry: PartialEntry, layouts: StreamLayouts, { columns, lengthsOf }: ColumnsWanted) {
  const { head, layout } = await readHead(entry, layouts)
  const wanted = layout.columns.filter(({ field }) => columns.includes(field.name))
  const measured = layout.columns.find(({ field }) => field.name === lengthsOf)
  const ends = measured?.offsets ?? noRegion
  const offsets = [...wanted.flatMap(column => column.offsets ?? []), ends]
  const readAt = viewOf(await readRegions(entry, head, [...offsets, ...wanted.map(column => column.values)]))
  const values = measured?.values ?? noRegion
  const lengths = ends.bytes > 0 ? checkEnds(readInts(readAt, ends), values.bytes) : new Int32Array(layout.rows + 1)
  return new SlotColumns(entry, viewBatch(layout, readAt, columns), lengths, values)
}

const noRegion: Region = { at: 0, bytes: 0 }

/** The slots `[from, to)` of a topic of slots, in order. 'corrupt' where one is missing. */
async function* readPartialSlots(
  log: Log,
  { topic, partitions, from, to }: ColumnsWanted,
): AsyncGenerator<PartialEntry, void> {
  const readers = await Promise.all(
    Array.from({ length: partitions }, async (_, partition) => {
      const offset = await offsetOfSlot(log, topic, partition, partitions, from)
      return readPartially(log, { topic, partition, offset })[Symbol.asyncIterator]()
    }),
  )
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
}

/** Bytes that are read first: the metadata of some sixty columns. */
const headBytes = 16 * 1024

async function readHead(
  entry: PartialEntry,
  layouts: StreamLayouts,
): Promise<{ head: Uint8Array; layout: BatchLayout }> {
  for (let bytes = headBytes; ; bytes *= 4) {
    const head = await entry.readPart(0, Math.min(bytes, entry.length))
    const layout = layouts.read(head, entry.length)
    if (layout) return { head, layout }
  }
}

const noBytes = new Uint8Array(0)

interface Piece {
  readonly at: number
  readonly bytes: Uint8Array
}

/** Bytes that are read along, rather than reading once more. */
const gapBytesMax = 32 * 1024

/** Reads regions, neighbours together. What the head has is not read again. */
async function readRegions(entry: PartialEntry, head: Uint8Array, regions: readonly Region[]): Promise<Piece[]> {
  const outside = regions.filter(({ at, bytes }) => at + bytes > head.length).sort((a, b) => a.at - b.at)
  const spans: { at: number; end: number }[] = []
  for (const { at, bytes } of outside) {
    const last = spans.at(-1)
    if (last && at - last.end <= gapBytesMax) last.end = Math.max(last.end, at + bytes)
    else spans.push({ at, end: at + bytes })
  }
  const read = await Promise.all(spans.map(async ({ at, end }) => ({ at, bytes: await entry.readPart(at, end - at) })))
  return [{ at: 0, bytes: head }, ...read]
}

function viewOf(pieces: readonly Piece[]): ReadAt {
  return (at, length) => {
    const piece = pieces.find(piece => at >= piece.at && at + length <= piece.at + piece.bytes.length)
    if (!piece) throw new RangeError(`bytes ${at} to ${at + length} are missing`)
    return piece.bytes.subarray(at - piece.at, at - piece.at + length)
  }
}

function readInts(readAt: ReadAt, { at, bytes }: Region): Int32Array {
  return new numberArrays.i32(readAt(at, bytes).slice().buffer as ArrayBuffer, 0, bytes / 4)
}

function checkEnds(offsets: Int32Array, bytes: number): Int32Array {
  let isRising = offsets[0] >= 0 && offsets[offsets.length - 1] <= bytes
  for (let row = 1; row < offsets.length; row++) if (offsets[row] < offsets[row - 1]) isRising = false
  if (isRising) return offsets
  throw new HeadraceError('corrupt', 'the lengths of a column are not in order: restore the log from a copy')
}
