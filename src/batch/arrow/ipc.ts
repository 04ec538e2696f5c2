import type { FileBlock } from 'apache-arrow/ipc/metadata/file'
import type { BufferRegion, FieldNode, Message } from 'apache-arrow/ipc/metadata/message'
import type { Schema } from 'apache-arrow/schema'
import type { DataType } from 'apache-arrow/type'
import { type Batch, type ColumnKind, type Field, fieldOf, rowsOf } from '../batch.ts'
import { concatArrays } from '../rows.ts'
import type { Metadata } from './layout.ts'
import { packBuffer } from './pack.ts'
import { loadWriter } from './writer.ts'

export { decodeBatch } from './layout.ts'

/**
 * Batches as Arrow IPC (format version 5, little-endian). Arrow's own code writes the metadata; bodies are copied once, straight from a
 * batch's arrays, so this runs at the speed of memory, or are packed buffer by buffer (`pack.ts`). `layout.ts` reads them back.
 *
 *     message  i32 -1, i32 metadata bytes, metadata (FlatBuffers, padded to 8), body (each buffer padded to 8)
 *     stream   schema message, record batch messages, end: i32 -1, i32 0
 *     file     'ARROW1\0\0', stream, footer (FlatBuffers), i32 footer bytes, 'ARROW1'
 */
const fileMagic = Buffer.from('ARROW1\0\0', 'latin1')
export const streamEnd = Uint8Array.of(255, 255, 255, 255, 0, 0, 0, 0)

/** One self-contained stream of one record batch. The bytes own their ArrayBuffer whole, so that it can be transferred. */
export function encodeBatch(batch: Batch, metadata: Metadata = {}): Uint8Array {
  return encodeStream(batch, metadata, false)
}

/** The same, packed with ZSTD. Equal batches have equal bytes only where they were packed by the same version of it. */
export function encodePacked(batch: Batch, metadata: Metadata = {}): Uint8Array {
  return encodeStream(batch, metadata, true)
}

/** What a stream of several batches begins with; `encodeRecordBatch` goes on, and `streamEnd` ends it. */
export function encodeStreamHead(fields: readonly Field[], metadata: Metadata = {}): Uint8Array {
  return encodeMessage(loadWriter().Message.from(schemaFrom(fields, metadata)))
}

/** A batch in a stream whose head has its columns, in parts to be written one after the other. */
export function encodeRecordBatch(batch: Batch): Uint8Array[] {
  const { header, body } = encodeBody(batch, false)
  return [header, ...body]
}

function encodeStream(batch: Batch, metadata: Metadata, isPacked: boolean): Uint8Array {
  const { Message } = loadWriter()
  const schema = encodeMessage(Message.from(schemaOf(batch, metadata)))
  const { header, body } = encodeBody(batch, isPacked)
  return concatArrays([schema, header, ...body, streamEnd])
}

/** A file of these batches, which must have the same columns, in parts to be written one after the other. Same rows, same bytes. */
export function* encodeFile(
  batches: Iterable<Batch>,
  fields: readonly Field[],
  metadata: Metadata = {},
): Generator<Uint8Array> {
  const { FileBlock, Footer, Message } = loadWriter()
  const schema = schemaFrom(fields, metadata)
  const blocks: FileBlock[] = []
  const head = encodeMessage(Message.from(schema))
  yield fileMagic
  yield head
  let at = fileMagic.length + head.length
  for (const batch of batches) {
    const { header, body, bodyBytes } = encodeBody(batch, false)
    blocks.push(new FileBlock(header.length, bodyBytes, at))
    at += header.length + bodyBytes
    yield header
    yield* body
  }
  const footer = Footer.encode(new Footer(schema, undefined, blocks, []))
  yield streamEnd
  yield footer
  yield Buffer.from(Int32Array.of(footer.length).buffer)
  yield fileMagic.subarray(0, 6)
}

function encodeBody(batch: Batch, isPacked: boolean): { header: Uint8Array; body: Uint8Array[]; bodyBytes: number } {
  const { BodyCompression, BufferRegion, CompressionType, FieldNode, Message, RecordBatch } = loadWriter()
  const nodes: FieldNode[] = []
  const regions: BufferRegion[] = []
  const body: Uint8Array[] = []
  let at = 0
  const add = (view: ArrayBufferView | null) => {
    const bytes = view ? new Uint8Array(view.buffer, view.byteOffset, view.byteLength) : new Uint8Array(0)
    const parts = isPacked ? packBuffer(bytes) : [bytes]
    const length = parts.reduce((sum, part) => sum + part.length, 0)
    regions.push(new BufferRegion(at, length))
    const padding = -length & 7
    body.push(...parts, zeros.subarray(0, padding))
    at += length + padding
  }
  for (const [name, column] of Object.entries(batch.columns)) {
    if (rowsOf(column) !== batch.rows)
      throw new TypeError(`column '${name}' has ${rowsOf(column)} values in a batch of ${batch.rows} rows`)
    nodes.push(new FieldNode(batch.rows, 0))
    add(null)
    if (column.kind === 'utf8' || column.kind === 'list<i32>') {
      const [first, last] = [column.offsets[0], column.offsets[batch.rows]]
      add(first === 0 ? column.offsets : column.offsets.map(offset => offset - first))
      if (column.kind === 'list<i32>') {
        nodes.push(new FieldNode(last - first, 0))
        add(null)
      }
      add((column.kind === 'utf8' ? column.bytes : column.values).subarray(first, last))
    } else add(column.kind === 'fixed' ? column.bytes : column.values)
  }
  const compression = isPacked ? new BodyCompression(CompressionType.ZSTD) : null
  const header = encodeMessage(Message.from(new RecordBatch(batch.rows, nodes, regions, compression), at))
  return { header, body, bodyBytes: at }
}

const zeros = new Uint8Array(8)

function encodeMessage(message: Message): Uint8Array {
  const metadata = loadWriter().Message.encode(message)
  const bytes = new Uint8Array((8 + metadata.length + 7) & ~7)
  new Int32Array(bytes.buffer, 0, 2).set([-1, bytes.length - 8])
  bytes.set(metadata, 8)
  return bytes
}

type Writer = ReturnType<typeof loadWriter>

const arrowTypes: Readonly<Record<Exclude<ColumnKind, 'fixed'>, (arrow: Writer) => DataType>> = {
  utf8: arrow => new arrow.Utf8(),
  u8: arrow => new arrow.Uint8(),
  i32: arrow => new arrow.Int32(),
  u32: arrow => new arrow.Uint32(),
  f32: arrow => new arrow.Float32(),
  f64: arrow => new arrow.Float64(),
  'list<i32>': arrow => new arrow.List(new arrow.Field('item', new arrow.Int32(), false)),
}

function schemaOf(batch: Batch, metadata: Metadata): Schema {
  return schemaFrom(
    Object.entries(batch.columns).map(([name, column]) => fieldOf(name, column)),
    metadata,
  )
}

function schemaFrom(fields: readonly Field[], metadata: Metadata): Schema {
  const arrow = loadWriter()
  const typeOf = ({ kind, width }: Field) =>
    kind === 'fixed' ? new arrow.FixedSizeBinary(width ?? 0) : arrowTypes[kind](arrow)
  const typed = fields.map(field => new arrow.Field(field.name, typeOf(field), false))
  return new arrow.Schema(typed, new Map(Object.entries(metadata)))
}
