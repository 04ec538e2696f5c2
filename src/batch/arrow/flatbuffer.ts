import { HeadraceError } from '../../errors.ts'

/**
 * Reads FlatBuffers tables (google/flatbuffers, "Internals"), as far as Arrow's metadata needs them. Every read is checked: an offset
 * outside the bytes throws a RangeError, which `guardCorrupt` turns into a typed error, and a vector is never longer than the bytes left.
 *
 *     table   i32 distance back to its vtable, then the fields
 *     vtable  u16 its bytes, u16 the table's bytes, then u16 a field: the field's offset in the table, or 0 when it is absent
 *     vector  u32 length, then the items; string: a vector of bytes; reference: u32 distance forward
 */
export interface Table {
  readonly view: DataView
  readonly at: number
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

export function rootTable(bytes: Uint8Array): Table {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return { view, at: view.getUint32(0, true) }
}

/** Where field `index` lies, or 0 when it has its default. */
export function fieldAt({ view, at }: Table, index: number): number {
  const vtable = at - view.getInt32(at, true)
  if (4 + 2 * index >= view.getUint16(vtable, true)) return 0
  const offset = view.getUint16(vtable + 4 + 2 * index, true)
  return offset === 0 ? 0 : at + offset
}

function numberField(read: (view: DataView, at: number) => number): (table: Table, index: number) => number {
  return (table, index) => {
    const at = fieldAt(table, index)
    return at === 0 ? 0 : read(table.view, at)
  }
}
export const byteField = numberField((view, at) => view.getUint8(at))
export const shortField = numberField((view, at) => view.getInt16(at, true))
export const intField = numberField((view, at) => view.getInt32(at, true))
export const longField = numberField(longAt)

/** A count or an offset of 64 bits, which must be one that a number holds exactly. */
export function longAt(view: DataView, at: number): number {
  const value = view.getInt32(at + 4, true) * 2 ** 32 + view.getUint32(at, true)
  if (value < 0 || value > Number.MAX_SAFE_INTEGER) throw new RangeError(`${value} is no length`)
  return value
}

export function tableField(table: Table, index: number): Table | null {
  const at = fieldAt(table, index)
  return at === 0 ? null : reference(table.view, at)
}

export function stringField(table: Table, index: number): string {
  const { view, at, length } = vectorField(table, index, 1)
  return decoder.decode(new Uint8Array(view.buffer, view.byteOffset + at, length))
}

/** A vector's first item and length; `width` is the bytes of an item. Absent is empty. */
export function vectorField(table: Table, index: number, width: number): Table & { readonly length: number } {
  const { view } = table
  const field = fieldAt(table, index)
  if (field === 0) return { view, at: 0, length: 0 }
  const { at } = reference(view, field)
  const length = view.getUint32(at, true)
  if (length * width > view.byteLength - at - 4)
    throw new RangeError(`a vector of ${length} items ends after the bytes`)
  return { view, at: at + 4, length }
}

export function tablesField(table: Table, index: number): Table[] {
  const { view, at, length } = vectorField(table, index, 4)
  return Array.from({ length }, (_, i) => reference(view, at + 4 * i))
}

function reference(view: DataView, at: number): Table {
  return { view, at: at + view.getUint32(at, true) }
}

/** Runs `read` over bytes that may be damaged: what it can't read is a `corrupt` error that says where. */
export function guardCorrupt<T>(what: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new HeadraceError('corrupt', `${what} is damaged: ${error.message}`, error)
  }
}
