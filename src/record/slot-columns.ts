import { type BatchLayout, type ReadAt, type Region, readStreamLayout, viewBatch } from '../batch/arrow/layout.ts'
import { type Batch, numberArrays } from '../batch/batch.ts'
import { HeadraceError } from '../errors.ts'
import { type Log, type PartialEntry, readPartially } from '../log/log.ts'
import { offsetOfSlot } from './slot-reader.ts'

/**
 * Some columns of the slots of a topic, without the others: the texts of a slot are nine tenths of its bytes. Of a log that reads parts of
 * values only what is asked for is read. That is not held against the checksums, which are of whole values: `verify` does that.
 */
export class PartialSlot {
  readonly slot: number
  readonly headers: Readonly<Record<string, string>>
  readonly rows: number
  /** The wanted columns that there are. */
  readonly batch: Batch
  readonly #entry: PartialEntry
  readonly #layout: BatchLayout

  private constructor(entry: PartialEntry, layout: BatchLayout, batch: Batch) {
    this.slot = Number(entry.headers.slot)
    this.headers = entry.headers
    this.rows = layout.rows
    this.batch = batch
    this.#entry = entry
    this.#layout = layout
  }

  static async read(entry: PartialEntry, columns: readonly string[], lengthsOf: readonly string[]) {
    const { head, layout } = await readHead(entry)
    const wanted = layout.columns.filter(({ field }) => columns.includes(field.name))
    const measured = layout.columns.filter(({ field }) => lengthsOf.includes(field.name))
    const offsets = [...wanted, ...measured].flatMap(column => column.offsets ?? [])
    const pieces = await readRegions(entry, head, [...offsets, ...wanted.map(column => column.values)])
    const readAt = viewOf(pieces)
    const batch = viewBatch(layout, readAt, columns)
    const slot = new PartialSlot(entry, layout, batch)
    for (const { field, offsets, values } of measured)
      slot.#offsets.set(field.name, offsets ? checkEnds(readInts(readAt, offsets), values.bytes) : new Int32Array(1))
    return slot
  }

  readonly #offsets = new Map<string, Int32Array>()

  /** Where each row of a column begins that `lengthsOf` named, and the last one ends. */
  offsetsOf(column: string): Int32Array {
    return this.#offsets.get(column) ?? new Int32Array(this.rows + 1)
  }

  /** Reads regions of the values of a column, and returns what gives them. */
  async readValues(column: string, regions: readonly Region[]): Promise<ReadAt> {
    const { values } = this.#layout.columns.find(({ field }) => field.name === column)!
    const read = await readRegions(
      this.#entry,
      noBytes,
      regions.map(({ at, bytes }) => ({ at: values.at + at, bytes })),
    )
    const view = viewOf(read)
    return (at, bytes) => view(values.at + at, bytes)
  }
}

/** The slots `[from, to)` of a topic of slots, in order. 'corrupt' where one is missing. */
export async function* readPartialSlots(
  log: Log,
  place: { readonly topic: string; readonly partitions: number; readonly from: number; readonly to: number },
): AsyncGenerator<PartialEntry, void> {
  const { topic, partitions, from, to } = place
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

async function readHead(entry: PartialEntry): Promise<{ head: Uint8Array; layout: BatchLayout }> {
  for (let bytes = headBytes; ; bytes *= 4) {
    const head = await entry.readPart(0, Math.min(bytes, entry.length))
    const layout = readStreamLayout(head, entry.length)
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
