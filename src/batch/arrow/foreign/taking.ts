import * as flat from '../flatbuffer.ts'
import type { ForeignBody } from './body.ts'
import type { ForeignField } from './schema.ts'

/** Text and bytes are views; decimals and times are strings; whole numbers that a float64 can't hold are bigints. */
export type ArrowValue = null | boolean | number | bigint | string | Uint8Array | readonly ArrowValue[] | ArrowStruct

/** Named values: a struct's, or a map's. */
export class ArrowStruct {
  readonly entries: readonly (readonly [name: string, value: ArrowValue])[]

  constructor(entries: ArrowStruct['entries']) {
    this.entries = entries
  }
}

/** The value of a row. */
export type ValueAt = (row: number) => ArrowValue

/** What columns are read with besides their body. */
export interface ValueContext {
  readonly body: ForeignBody
  /** A dictionary's value by its index. */
  dictionary(id: number, index: number): ArrowValue
  /** Told of the bytes of each value that is given out, as dictionaries and views may give the same bytes over and over. */
  spend(bytes: number): void
  /** Takes a column within another. */
  take(field: ForeignField, rows: number): Taken
}

/** A column whose nodes and buffers are taken; opening it decodes them. */
export type Taken = () => ValueAt
export type Taker = (field: ForeignField, context: ValueContext, rows: number) => Taken

/** The node and, where there is one, the bitmap of those that are not null. */
export function takeValidity({ body }: ValueContext, rows: number): () => (row: number) => boolean {
  const node = body.takeNode()
  if (node.rows < rows) throw new RangeError(`it has ${node.rows} of ${rows} rows`)
  const buffer = body.takeBuffer()
  return () => {
    const bits = node.nulls === 0 ? new Uint8Array(0) : buffer(0)
    if (bits.length === 0) return () => true
    buffer(Math.ceil(rows / 8))
    return row => isSet(bits, row)
  }
}

export const isSet = (bits: Uint8Array, row: number) => ((bits[row >> 3] >> (row & 7)) & 1) === 1

/** A column of one buffer besides its bitmap, of `width` bits a value. */
export function taking(widthOf: (field: ForeignField) => number, read: (field: ForeignField) => FixedReader): Taker {
  return (field, context, rows) => {
    const validity = takeValidity(context, rows)
    const buffer = context.body.takeBuffer()
    return () => {
      const isValid = validity()
      const at = read(field)(buffer(Math.ceil((rows * widthOf(field)) / 8)), context)
      return row => (isValid(row) ? at(row) : null)
    }
  }
}
export type FixedReader = (bytes: Uint8Array, context: ValueContext) => ValueAt

export const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
export type Span = readonly [start: number, end: number]

/** Reads where a row's items begin and end among `items`, by offsets of 4 or 8 bytes. */
export function spansOf(offsets: Uint8Array, width: 4 | 8, items: number): (row: number) => Span {
  const view = viewOf(offsets)
  const read = (at: number) => (width === 4 ? view.getInt32(at, true) : flat.longAt(view, at))
  return row => checkSpan(read(row * width), read((row + 1) * width), items)
}

export function checkSpan(start: number, end: number, items: number): Span {
  if (start >= 0 && start <= end && end <= items) return [start, end]
  throw new RangeError(`its offsets ${start} and ${end} are not in order within ${items}`)
}

/** A writer may leave the one offset of an empty column out. */
export const offsetBytes = (rows: number, width: number) => (rows === 0 ? 0 : (rows + 1) * width)
