import type { Batch, Column, ColumnKind, Field, NumberArray, NumberKind } from '../batch.ts'
import { numberArrays } from '../batch.ts'
import * as flat from './flatbuffer.ts'
import { isPackedBody, makeLater, type ReadAt, type Region, readRegion, unpackedRegions } from './region.ts'

export type { ReadAt, Region } from './region.ts'

/**
 * Finds the batches and columns of Arrow IPC streams and files (drawn in `ipc.ts`) and gives them as views. It trusts no byte: every
 * length is held against what is there, so that damage is a `corrupt` error and never a crash or an allocation that damage asked for.
 */
export type Metadata = Readonly<Record<string, string>>

const fileMagic = Buffer.from('ARROW1\0\0', 'latin1')
const schemaMessage = 1
const recordBatchMessage = 3

/** Where a column's values lie in a file: byte offset and bytes. `offsets` has rows + 1 int32 for strings and lists. */
export interface ColumnLayout {
  readonly field: Field
  readonly offsets: Region | null
  readonly values: Region
}
export interface BatchLayout {
  readonly rows: number
  readonly columns: readonly ColumnLayout[]
}
/** Where a column's buffers are stored, packed or not; `items` of a list. */
export interface StoredColumn {
  readonly field: Field
  readonly items: number | null
  readonly offsets: Region | null
  readonly values: Region
}
/** A batch as its metadata tells of it. How much packed buffers make stands before each of them. */
export interface StoredBatch {
  readonly rows: number
  readonly isPacked: boolean
  readonly columns: readonly StoredColumn[]
}
export interface FileLayout {
  readonly fields: readonly Field[]
  readonly metadata: Metadata
  readonly batches: readonly BatchLayout[]
}
/** Finds a file's batches without reading their values. A file that is cut or damaged throws `corrupt`. */
export function readFileLayout(readAt: ReadAt, size: number): FileLayout {
  return flat.guardCorrupt('an Arrow file', () => {
    if (size < 32 || !fileMagic.subarray(0, 6).equals(readAt(size - 6, 6)))
      throw new RangeError('its end mark is missing')
    if (!fileMagic.equals(readAt(0, 8))) throw new RangeError('its start mark is missing')
    const length = intAt(readAt(size - 10, 4), 0)
    if (length < 8 || length > size - 18) throw new RangeError(`its footer has ${length} bytes`)
    const footer = flat.rootTable(aligned(readAt(size - 10 - length, length)))
    const schema = flat.tableField(footer, 1)
    if (!schema) throw new RangeError('it has no schema')
    const { fields, metadata } = readSchema(schema)
    const blocks = flat.vectorField(footer, 3, 24)
    const batches = Array.from({ length: blocks.length }, (_, i) => readBlock(blocks, i, fields, readAt, size))
    return { fields, metadata, batches }
  })
}

/** A batch's columns, read with `readAt`. Only those of `names`, when given. What is packed is unpacked when it is asked for. */
export function viewBatch(layout: BatchLayout, readAt: ReadAt, names?: readonly string[]): Batch {
  return flat.guardCorrupt('an Arrow batch', () => {
    const columns: Record<string, Column> = {}
    for (const column of layout.columns) {
      const { name } = column.field
      if (names && !names.includes(name)) continue
      if (Object.hasOwn(columns, name)) throw new RangeError(`two of its columns are named '${name}'`)
      const view = () => viewColumn(column, layout.rows, readAt)
      if (column.offsets?.packed) makeLater(columns, name, view)
      else columns[name] = view()
    }
    return { rows: layout.rows, columns }
  })
}

/** The batch of a stream that `encodeBatch` or another Arrow writer made. Columns are views of `bytes`, or of a copy when unaligned. */
export function decodeBatch(bytes: Uint8Array): { batch: Batch; metadata: Metadata } {
  if (bytes.byteOffset % 8 !== 0) bytes = bytes.slice()
  return flat.guardCorrupt('an Arrow message', () => {
    const schema = readMessage(bytes, 0, schemaMessage)
    const { fields, metadata } = readSchema(schema.table)
    const message = readMessage(bytes, schema.end, recordBatchMessage)
    if (message.end > bytes.length) throw new RangeError(`it ends at byte ${bytes.length} of ${message.end}`)
    const readAt: ReadAt = (at, length) => bytes.subarray(at, at + length)
    return { batch: viewBatch(layOut(findColumns(message, fields), readAt), readAt), metadata }
  })
}

/** Lays a batch's columns out, those of `names` when given; reads what is before packed buffers. */
export function layOut(
  { rows, isPacked, columns }: StoredBatch,
  readAt: ReadAt,
  names?: readonly string[],
): BatchLayout {
  return flat.guardCorrupt('an Arrow batch', () => {
    const regionOf = isPacked ? unpackedRegions(readAt) : (stored: Region) => stored
    const wanted = columns.filter(({ field }) => !names || names.includes(field.name))
    return { rows, columns: wanted.map(column => layOutColumn(column, rows, regionOf)) }
  })
}

function layOutColumn(
  { field, items, offsets, values }: StoredColumn,
  rows: number,
  regionOf: (stored: Region) => Region,
): ColumnLayout {
  const ends = offsets && cut(regionOf(offsets), 4 * (rows + 1), field)
  if (field.kind === 'utf8') return { field, offsets: ends, values: regionOf(values) }
  return {
    field,
    offsets: ends,
    values: cut(regionOf(values), items === null ? rows * widthOf(field) : 4 * items, field),
  }
}

/** Where each row of a column of strings or lists begins, and the last one ends: rows + 1 numbers, in order. */
export function viewOffsets({ field, offsets, values }: ColumnLayout, rows: number, readAt: ReadAt): Int32Array {
  return flat.guardCorrupt('an Arrow batch', () => {
    const ends = offsets ? (asNumbers('i32', readRegion(offsets, readAt)) as Int32Array) : new Int32Array(1)
    checkOffsets(ends, rows, field.kind === 'utf8' ? values.bytes : values.bytes / 4, field.name)
    return ends
  })
}

/** Finds the batches of streams of which only the first bytes are there. Streams mostly have the same schema, which is read once. */
export class StreamLayouts {
  #schema: Uint8Array = new Uint8Array(0)
  #fields: readonly Field[] = []
  #metadata: Metadata = {}

  /** That of the schema of the batch that was found last. */
  get metadata(): Metadata {
    return this.#metadata
  }

  /** Of `size` bytes these are the first. Null when the metadata goes on behind them, and a longer head is needed. */
  read(bytes: Uint8Array, size: number): StoredBatch | null {
    return flat.guardCorrupt('an Arrow message', () => {
      const schemaEnd = metadataEnd(bytes, 0)
      if (Math.max(schemaEnd, metadataEnd(bytes, schemaEnd)) > bytes.length && bytes.length < size) return null
      const fields = this.#readFields(bytes, schemaEnd)
      const message = readMessage(bytes, schemaEnd, recordBatchMessage)
      if (message.end > size) throw new RangeError(`it ends at byte ${size} of ${message.end}`)
      return findColumns(message, fields)
    })
  }

  #readFields(bytes: Uint8Array, end: number): readonly Field[] {
    if (Buffer.compare(bytes.subarray(0, end), this.#schema) === 0) return this.#fields
    const { fields, metadata } = readSchema(readMessage(bytes, 0, schemaMessage).table)
    this.#fields = fields
    this.#metadata = metadata
    this.#schema = bytes.slice(0, end)
    return this.#fields
  }
}

/** Where the metadata of the message at `at` ends; infinite where its length is not there. */
function metadataEnd(bytes: Uint8Array, at: number): number {
  return at + 8 > bytes.length ? Number.POSITIVE_INFINITY : at + 8 + intAt(bytes, at + 4)
}

// Reading. Numbers are the field's places in Arrow's Message.fbs, Schema.fbs and File.fbs.

interface Body {
  readonly table: flat.Table
  readonly bodyAt: number
  readonly bodyBytes: number
}
interface FoundMessage extends Body {
  readonly end: number
}

function readMessage(bytes: Uint8Array, at: number, type: number): FoundMessage {
  const length = intAt(bytes, at + 4)
  if (intAt(bytes, at) !== -1) throw new RangeError(`no message begins at byte ${at}`)
  if (length < 8 || length % 8 !== 0 || length > bytes.length - at - 8)
    throw new RangeError(`its message at byte ${at} has ${length} bytes of metadata`)
  const message = flat.rootTable(bytes.subarray(at + 8, at + 8 + length))
  const table = flat.tableField(message, 2)
  if (flat.byteField(message, 1) !== type || !table)
    throw new RangeError(`its message at byte ${at} is not of type ${type}`)
  const [bodyAt, bodyBytes] = [at + 8 + length, flat.longField(message, 3)]
  return { table, bodyAt, bodyBytes, end: bodyAt + bodyBytes }
}

function readBlock(
  blocks: flat.Table,
  index: number,
  fields: readonly Field[],
  readAt: ReadAt,
  size: number,
): BatchLayout {
  const block = blocks.at + 24 * index
  const at = flat.longAt(blocks.view, block)
  const metadataBytes = blocks.view.getInt32(block + 8, true)
  const bodyBytes = flat.longAt(blocks.view, block + 16)
  if (metadataBytes < 16 || at + metadataBytes + bodyBytes > size)
    throw new RangeError(`its batch ${index} lies after its end`)
  const message = readMessage(aligned(readAt(at, metadataBytes)), 0, recordBatchMessage)
  const stored = findColumns({ table: message.table, bodyAt: at + metadataBytes, bodyBytes }, fields)
  // Trainers map files into memory.
  if (stored.isPacked) throw new RangeError(`its batch ${index} is compressed`)
  return layOut(stored, readAt)
}

function readSchema(schema: flat.Table): { fields: Field[]; metadata: Metadata } {
  const pairs = flat.tablesField(schema, 2).map(pair => [flat.stringField(pair, 0), flat.stringField(pair, 1)])
  return { fields: flat.tablesField(schema, 1).map(readField), metadata: Object.fromEntries(pairs) }
}

function readField(table: flat.Table): Field {
  const name = flat.stringField(table, 0)
  const kind = readKind(table)
  if (flat.fieldAt(table, 4) !== 0 || kind === null)
    throw new RangeError(`its column '${name}' has a type that no batch has`)
  if (kind !== 'fixed') return { name, kind }
  const width = flat.intField(flat.tableField(table, 3)!, 0)
  if (width < 1) throw new RangeError(`its column '${name}' has a width of ${width}`)
  return { name, kind, width }
}

/** Bits and whether signed. */
const intKinds: Readonly<Record<string, ColumnKind>> = { '8,0': 'u8', '32,1': 'i32', '32,0': 'u32' }

function readKind(table: flat.Table): ColumnKind | null {
  const type = flat.tableField(table, 3)
  if (!type) return null
  switch (flat.byteField(table, 2)) {
    case 2:
      return intKinds[`${flat.intField(type, 0)},${flat.byteField(type, 1)}`] ?? null
    case 3:
      return ([null, 'f32', 'f64'] as const)[flat.shortField(type, 0)] ?? null
    case 5:
      return 'utf8'
    case 12: {
      const [item] = flat.tablesField(table, 5)
      return item && readKind(item) === 'i32' ? 'list<i32>' : null
    }
    case 15:
      return 'fixed'
    default:
      return null
  }
}

function findColumns({ table, bodyAt, bodyBytes }: Body, fields: readonly Field[]): StoredBatch {
  const rows = flat.longField(table, 0)
  // Columns bound the number of rows by their bytes; without any, it could be anything.
  if (fields.length === 0 && rows !== 0) throw new RangeError(`it has ${rows} rows and no column`)
  const [nodes, buffers] = [flat.vectorField(table, 1, 16), flat.vectorField(table, 2, 16)]
  let [node, buffer] = [0, 0]
  const nextNode = (name: string): number => {
    if (node >= nodes.length) throw new RangeError(`its column '${name}' is missing`)
    const at = nodes.at + 16 * node++
    if (flat.longAt(nodes.view, at + 8) !== 0) throw new RangeError(`its column '${name}' has nulls`)
    return flat.longAt(nodes.view, at)
  }
  const nextBuffer = (name: string): Region => {
    if (buffer >= buffers.length) throw new RangeError(`a buffer of its column '${name}' is missing`)
    const at = buffers.at + 16 * buffer++
    const [offset, bytes] = [flat.longAt(buffers.view, at), flat.longAt(buffers.view, at + 8)]
    if (offset % 8 !== 0 || offset + bytes > bodyBytes)
      throw new RangeError(`a buffer of its column '${name}' lies outside`)
    return { at: bodyAt + offset, bytes }
  }
  const columns = fields.map((field): StoredColumn => {
    if (nextNode(field.name) !== rows) throw new RangeError(`its column '${field.name}' has not ${rows} rows`)
    nextBuffer(field.name)
    if (field.kind !== 'utf8' && field.kind !== 'list<i32>')
      return { field, items: null, offsets: null, values: nextBuffer(field.name) }
    const offsets = nextBuffer(field.name)
    const items = field.kind === 'list<i32>' ? nextNode(field.name) : null
    if (items !== null) nextBuffer(field.name)
    // A writer may leave the one offset of an empty column out.
    const isEmpty = rows === 0 && offsets.bytes < 4
    return { field, items, offsets: isEmpty ? null : offsets, values: nextBuffer(field.name) }
  })
  return { rows, isPacked: isPackedBody(table), columns }
}

/** The region's first `bytes`: what follows is padding. */
function cut(region: Region, bytes: number, field: Field): Region {
  if (bytes > region.bytes) throw new RangeError(`its column '${field.name}' has ${region.bytes} bytes of ${bytes}`)
  return { ...region, bytes }
}

function widthOf({ kind, width }: Field): number {
  return kind === 'fixed' ? (width ?? 0) : kind === 'u8' ? 1 : kind === 'f64' ? 8 : 4
}

function viewColumn(column: ColumnLayout, rows: number, readAt: ReadAt): Column {
  const { field, values } = column
  const { kind } = field
  // Of which kind a column is, and how long texts are, is asked more often than what they are.
  const read = <T extends object, K extends string, V>(target: T, name: K, make: () => V) =>
    values.packed ? makeLater(target, name, make) : ({ ...target, [name]: make() } as T & Record<K, V>)
  const readBytes = () => readRegion(values, readAt)
  if (kind === 'fixed') return read({ kind, width: field.width ?? 0 }, 'bytes', readBytes)
  if (kind !== 'utf8' && kind !== 'list<i32>') return read({ kind }, 'values', () => asNumbers(kind, readBytes()))
  const ends = { kind, offsets: viewOffsets(column, rows, readAt) }
  if (kind === 'utf8') return read({ ...ends, kind }, 'bytes', readBytes)
  return read({ ...ends, kind }, 'values', () => asNumbers('i32', readBytes()) as Int32Array)
}

function checkOffsets(offsets: Int32Array, rows: number, items: number, name: string): void {
  let isRising = offsets[0] >= 0 && offsets[rows] <= items
  for (let row = 0; row < rows; row++) if (offsets[row] > offsets[row + 1]) isRising = false
  if (!isRising) throw new RangeError(`the offsets of its column '${name}' are not in order`)
}

function asNumbers(kind: NumberKind, bytes: Uint8Array): NumberArray {
  const { buffer, byteOffset, length } = aligned(bytes)
  return new numberArrays[kind](buffer as ArrayBuffer, byteOffset, length / numberArrays[kind].BYTES_PER_ELEMENT)
}

function aligned(bytes: Uint8Array): Uint8Array {
  return bytes.byteOffset % 8 === 0 ? bytes : new Uint8Array(bytes)
}

function intAt(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getInt32(at, true)
}
