import { guardCorrupt } from '../batch/arrow/flatbuffer.ts'
import {
  layOut,
  type Metadata,
  type ReadAt,
  type Region,
  type StoredBatch,
  type StoredColumn,
  type StreamLayouts,
  viewBatch,
  viewOffsets,
} from '../batch/arrow/layout.ts'
import { prefixBytes } from '../batch/arrow/pack.ts'
import { readRegion } from '../batch/arrow/region.ts'
import type { Batch } from '../batch/batch.ts'
import { type Parts, readRegions } from './parts.ts'

/** Columns that were read, and of one more how long its rows are. */
export interface ReadColumns {
  readonly batch: Batch
  /** Where each row of that one begins, and the last ends; null where it is not there. */
  readonly offsets: Int32Array | null
  /** Reads regions of its values, and returns what gives them; null where they are not stored. */
  readonly readValues: ((regions: readonly Region[]) => Promise<ReadAt>) | null
  /** The bytes of a column's values as they are stored, packed or not; null where they are not stored as one. Equal ones are equal values. */
  readonly storedOf: (column: string) => Uint8Array | null
}

/** Bytes that are read first: the metadata of some sixty columns. */
export const headBytes = 16 * 1024

/** An Arrow message of which some columns are read. */
export class MessageColumns {
  readonly rows: number
  readonly names: readonly string[]
  readonly metadata: Metadata
  readonly #parts: Parts
  readonly #head: Uint8Array
  readonly #stored: StoredBatch

  private constructor(parts: Parts, head: Uint8Array, stored: StoredBatch, metadata: Metadata) {
    this.rows = stored.rows
    this.names = stored.columns.map(({ field }) => field.name)
    this.metadata = metadata
    this.#parts = parts
    this.#head = head
    this.#stored = stored
  }

  /** `head`: the first bytes, where they were read already. */
  static async open(parts: Parts, layouts: StreamLayouts, head?: Uint8Array): Promise<MessageColumns> {
    for (let bytes = headBytes; ; bytes *= 4) {
      const first = head ?? (await parts.readPart(0, Math.min(bytes, parts.length)))
      const stored = layouts.read(first, parts.length)
      if (stored) return new MessageColumns(parts, first, stored, layouts.metadata)
      head = undefined
    }
  }

  /** `lengthsOf`: the column of which the lengths are read at first, and values where they are asked for. */
  async read(columns: readonly string[], lengthsOf?: string): Promise<ReadColumns> {
    const stored = this.#stored
    const wanted = stored.columns.filter(({ field }) => columns.includes(field.name))
    const measured = stored.columns.find(({ field }) => field.name === lengthsOf)
    const regions = [...wanted.flatMap(regionsOf), ...(measured ? regionsOfLengths(measured, stored.isPacked) : [])]
    const readAt = await readRegions(this.#parts, this.#head, regions)
    const layout = layOut(stored, readAt, lengthsOf === undefined ? columns : [...columns, lengthsOf])
    const batch = viewBatch(layout, readAt, columns)
    const lengths = layout.columns.find(({ field }) => field.name === lengthsOf)
    const storedOf = (column: string) => {
      const found = wanted.find(({ field }) => field.name === column)
      return found ? readAt(found.values.at, found.values.bytes) : null
    }
    if (!lengths) return { batch, offsets: null, readValues: null, storedOf }
    const offsets = viewOffsets(lengths, stored.rows, readAt)
    return { batch, offsets, readValues: this.#readerOf(lengths.values), storedOf }
  }

  #readerOf(values: Region): (regions: readonly Region[]) => Promise<ReadAt> {
    let unpacked: Promise<Uint8Array> | null = null
    if (!values.packed)
      return async regions => {
        const moved = regions.map(({ at, bytes }) => ({ at: values.at + at, bytes }))
        const readAt = await readRegions(this.#parts, noBytes, moved)
        return (at, bytes) => readAt(values.at + at, bytes)
      }
    return async () => {
      unpacked ??= this.#unpack(values)
      const bytes = await unpacked
      return (at, length) => bytes.subarray(at, at + length)
    }
  }

  async #unpack(values: Region): Promise<Uint8Array> {
    const stored = await this.#parts.readPart(values.at, values.packed!.stored)
    return guardCorrupt('an Arrow batch', () => readRegion(values, () => stored))
  }
}

const noBytes = new Uint8Array(0)

function regionsOf({ offsets, values }: StoredColumn): Region[] {
  return offsets ? [offsets, values] : [values]
}

/** What tells how long rows are: of packed values, too, how many there are. */
function regionsOfLengths({ offsets, values }: StoredColumn, isPacked: boolean): Region[] {
  const ends = offsets ? [offsets] : []
  return isPacked ? [...ends, { at: values.at, bytes: Math.min(prefixBytes, values.bytes) }] : ends
}
