import zlib from 'node:zlib'
import {
  type ColumnMetaData,
  type Compressors,
  type FileMetaData,
  parquetMetadataAsync,
  parquetScan,
  parquetSchema,
  type RowGroup,
  type SchemaElement,
  type SchemaTree,
} from 'hyparquet'
import { compressors as portable } from 'hyparquet-compressors'
import type { Columns } from '../fields.ts'
import { BadFileError, type Readable } from '../files/files.ts'
import { checkPages } from './pages.ts'
import type { ColumnValues } from './rows.ts'

/** Decompressed bytes of one page; more is damage, not data. */
const pageBytesMax = 512 * 1024 * 1024

/** A row group; `bytes` is what its chosen columns take in memory. */
export interface Group {
  readonly rows: number
  readonly bytes: number
  readonly columns: readonly ColumnMetaData[]
}

interface ParquetReader {
  readonly groups: readonly Group[]
  /** Decodes a row group, whose first row has the number `start` in the file. */
  readGroup(group: Group, start: number): Promise<ColumnValues>
}

/** Reads the footer and chooses the columns. What is wrong with the file comes as an error of any kind. */
export async function openReader(file: Readable, options: Columns): Promise<ParquetReader> {
  const held: HeldRanges = { buffers: new Map(), pages: new Map() }
  const buffer = { byteLength: file.size, slice: (start: number, end = file.size) => readRange(file, start, end, held) }
  const metadata = await parquetMetadataAsync(buffer, { geoparquet: false })
  const schema = parquetSchema(metadata)
  const names = schema.children.map(({ element }) => element.name)
  if (!names.includes(options.text))
    throw new BadFileError('missing-text', `no column '${options.text}' among ${names.join(', ')}`)
  const { text, id, domain, url, added } = options
  const wanted = new Set([text, id, domain, url, added, ...(options.columns ?? names)])
  const columns = names.filter(name => wanted.has(name))
  // Strings and JSON stay bytes: they are read where they are needed.
  const parsers = { stringFromBytes: (bytes: Uint8Array) => bytes, jsonFromBytes: (bytes: Uint8Array) => bytes }
  const scan = await parquetScan({
    file: buffer,
    metadata,
    columns,
    compressors: withHeldPages(held),
    parsers,
    geoparquet: false,
    useOffsetIndex: false,
  })
  return {
    groups: describeGroups(metadata, columns),
    async readGroup(group, start) {
      const values = new Map<string, ArrayLike<unknown>>()
      for (const column of columns) {
        await holdColumn(file, group, column, schema, held)
        const rows = await scan.readColumn({ column, rowStart: start, rowEnd: start + group.rows })
        if (rows.length !== group.rows) throw new Error(`column '${column}' has ${rows.length} of ${group.rows} rows`)
        values.set(column, rows)
      }
      return values
    },
  }
}

function describeGroups(metadata: FileMetaData, names: readonly string[]): Group[] {
  const describe = (group: RowGroup): Group => {
    const rows = Number(group.num_rows)
    if (!Number.isSafeInteger(rows) || rows < 0) throw new Error(`a row group has ${rows} rows`)
    const all = group.columns.map(column => column.meta_data!)
    const columns = all.filter(meta => names.includes(meta.path_in_schema[0]))
    return { rows, columns, bytes: columns.reduce((sum, meta) => sum + Number(meta.total_uncompressed_size), 0) }
  }
  return metadata.row_groups.map(describe).filter(({ rows }) => rows > 0)
}

/** What a column's check has read and decompressed already, for the decoder that comes after it. */
interface HeldRanges {
  /** By `<start>-<end>` in the file. */
  readonly buffers: Map<string, ArrayBuffer>
  /** By buffer, then by the compressed page's place in it. */
  readonly pages: Map<ArrayBufferLike, Map<number, Uint8Array>>
}

/** Reads a column's part of a row group and checks that its pages are safe to decode. */
async function holdColumn(
  file: Readable,
  group: Group,
  name: string,
  schema: SchemaTree,
  held: HeldRanges,
): Promise<void> {
  held.buffers.clear()
  held.pages.clear()
  for (const meta of group.columns.filter(column => column.path_in_schema[0] === name)) {
    const start = Number(meta.dictionary_page_offset || meta.data_page_offset)
    const end = start + Number(meta.total_compressed_size)
    const buffer = await readRange(file, start, end, held)
    const pages = new Map<number, Uint8Array>()
    held.buffers.set(`${start}-${end}`, buffer)
    held.pages.set(buffer, pages)
    checkPages(new Uint8Array(buffer), meta, pathOf(schema, meta.path_in_schema), group.rows, (input, length) => {
      const page = meta.codec === 'UNCOMPRESSED' ? input : decompress(meta.codec, input, length)
      pages.set(input.byteOffset, page)
      return page
    })
  }
}

function pathOf(schema: SchemaTree, names: readonly string[]): SchemaElement[] {
  let node: SchemaTree | undefined = schema
  return names.map(name => {
    node = node?.children.find(child => child.element.name === name)
    if (!node) throw new Error(`no column ${names.join('.')} in the schema`)
    return node.element
  })
}

/** A range of the file. The rejection is handled here too, as the decoder may start reads that it then does not wait for. */
function readRange(file: Readable, start: number, end: number, held: HeldRanges): Promise<ArrayBuffer> {
  const read = async () => {
    if (!(start >= 0 && start <= end && end <= file.size))
      throw new Error(`bytes ${start} to ${end} are not in the file`)
    return held.buffers.get(`${start}-${end}`) ?? (await file.read(start, end)).buffer
  }
  const range = read()
  range.catch(() => {})
  return range
}

/** Node's own decoders where there are such, as they are several times faster. */
const decoders = {
  SNAPPY: portable.SNAPPY!,
  GZIP: (input: Uint8Array, length: number) => zlib.unzipSync(input, { maxOutputLength: length }),
  BROTLI: (input: Uint8Array, length: number) => zlib.brotliDecompressSync(input, { maxOutputLength: length }),
  ZSTD: (input: Uint8Array, length: number) => zlib.zstdDecompressSync(input, { maxOutputLength: length }),
  LZ4: portable.LZ4!,
  LZ4_RAW: portable.LZ4_RAW!,
}

function decompress(codec: string, input: Uint8Array, length: number): Uint8Array {
  if (!Object.hasOwn(decoders, codec)) throw new Error(`the codec ${codec} is not supported`)
  if (length === 0) return new Uint8Array(0)
  if (!(length > 0 && length <= pageBytesMax)) throw new Error(`a page of ${length} bytes`)
  return decoders[codec as keyof typeof decoders](input, length)
}

function withHeldPages({ pages }: HeldRanges): Compressors {
  const withHeld = (codec: string) => (input: Uint8Array, length: number) =>
    pages.get(input.buffer)?.get(input.byteOffset) ?? decompress(codec, input, length)
  return Object.fromEntries(Object.keys(decoders).map(codec => [codec, withHeld(codec)]))
}
