import type { ColumnMetaData, PageHeader, SchemaElement } from 'hyparquet'
import { parquetHeader } from 'hyparquet/src/column.js'
import { readVarInt } from 'hyparquet/src/thrift.js'

/** Values of a column's part in one row group, with those of lists: bounds what a page may claim. */
const valuesMax = 64 * 1024 * 1024
/** Writers round a bit-packed run up to whole groups. */
const runSlack = 512

type DecompressPage = (compressed: Uint8Array, length: number) => Uint8Array

/**
 * Throws when decoding these pages could take memory or time beyond what their values need. The decoder trusts counts in page headers
 * and in runs of levels and of dictionary indexes, so that one wrong bit could ask for 2^31 values. `bytes` is the column's part of a
 * row group of `rows` rows, `path` its elements of the schema from the top.
 */
export function checkPages(
  bytes: Uint8Array,
  meta: ColumnMetaData,
  path: readonly SchemaElement[],
  rows: number,
  decompress: DecompressPage,
): void {
  const isNested = path.length > 1 || path[0].repetition_type === 'REPEATED'
  const values = Number(meta.num_values)
  if (!(isNested ? values >= 0 && values <= valuesMax : values === rows))
    throw new Error(`${values} values in a group of ${rows} rows`)
  const levels = {
    definition: bitWidth(path.filter(element => element.repetition_type !== 'REQUIRED').length),
    repetition: bitWidth(path.filter(element => element.repetition_type === 'REPEATED').length),
  }
  const reader = { view: viewOf(bytes), offset: 0 }
  let seen = 0
  while (reader.offset < bytes.length - 1 && (isNested || seen < values)) {
    const header = parquetHeader(reader)
    const size = header.compressed_page_size
    if (!(size >= 0 && reader.offset + size <= bytes.length)) throw new Error(`a page of ${size} bytes`)
    const page = bytes.subarray(reader.offset, reader.offset + size)
    reader.offset += size
    seen += checkPage(page, header, { meta, levels, values: values - seen, decompress })
  }
}

interface PageContext {
  readonly meta: ColumnMetaData
  /** Bits of a level; 0 where there are none. */
  readonly levels: { readonly definition: number; readonly repetition: number }
  /** Values that the column has left. */
  readonly values: number
  readonly decompress: DecompressPage
}

/** Checks one page and returns its number of values. */
function checkPage(page: Uint8Array, header: PageHeader, context: PageContext): number {
  const { data_page_header: v1, data_page_header_v2: v2 } = header
  if (header.type === 'DATA_PAGE' && v1) {
    checkCount(v1.num_values, context.values)
    const reader = readerOf(context.decompress(page, header.uncompressed_page_size))
    if (context.levels.repetition) checkPrefixedRuns(reader, context.levels.repetition, v1.num_values)
    if (context.levels.definition) checkPrefixedRuns(reader, context.levels.definition, v1.num_values)
    if (v1.encoding === 'RLE' && context.meta.type === 'BOOLEAN') checkPrefixedRuns(reader, 1, v1.num_values)
    else if (isIndexed(v1.encoding)) checkIndexes(reader, v1.num_values)
    return v1.num_values
  }
  if (header.type === 'DATA_PAGE_V2' && v2) {
    checkCount(v2.num_values, context.values)
    checkCount(v2.num_nulls, v2.num_values)
    checkCount(v2.num_rows, v2.num_values)
    const [repetition, definition] = [v2.repetition_levels_byte_length, v2.definition_levels_byte_length]
    checkCount(repetition, page.length)
    checkCount(definition, page.length - repetition)
    const reader = readerOf(page)
    if (context.levels.repetition) checkRuns(reader, context.levels.repetition, v2.num_values)
    reader.offset = repetition
    if (context.levels.definition) checkRuns(reader, context.levels.definition, v2.num_values)
    const rest = page.subarray(repetition + definition)
    const length = header.uncompressed_page_size - repetition - definition
    const values = readerOf(v2.is_compressed === false ? rest : context.decompress(rest, length))
    if (v2.encoding === 'RLE') checkPrefixedRuns(values, 1, v2.num_values)
    else if (isIndexed(v2.encoding) && v2.num_values > v2.num_nulls) checkIndexes(values, v2.num_values - v2.num_nulls)
    return v2.num_values
  }
  if (header.dictionary_page_header)
    checkCount(header.dictionary_page_header.num_values, 8 * header.uncompressed_page_size)
  return 0
}

interface Reader {
  readonly view: DataView
  offset: number
}

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
const readerOf = (bytes: Uint8Array): Reader => ({ view: viewOf(bytes), offset: 0 })
const bitWidth = (levels: number) => 32 - Math.clz32(levels)
const isIndexed = (encoding: string) =>
  encoding === 'PLAIN_DICTIONARY' || encoding === 'RLE_DICTIONARY' || encoding === 'RLE'

function checkCount(count: number, countMax: number): void {
  if (!(count >= 0 && count <= countMax)) throw new Error(`a page claims ${count} where at most ${countMax} can be`)
}

/** Runs behind their length in bytes (uint32). */
function checkPrefixedRuns(reader: Reader, width: number, values: number): void {
  const end = reader.offset + 4 + reader.view.getUint32(reader.offset, true)
  reader.offset += 4
  checkRuns(reader, width, values)
  reader.offset = end
}

/** Dictionary indexes: their width in bits (one byte) and runs to the page's end. Missing values have none, so there may be fewer. */
function checkIndexes(reader: Reader, values: number): void {
  if (reader.offset >= reader.view.byteLength) return
  const width = reader.view.getUint8(reader.offset++)
  if (width > 32) throw new Error(`dictionary indexes of ${width} bits`)
  if (width > 0) checkRuns(reader, width, values)
}

/** Runs of the RLE / bit-packing hybrid (Parquet format, Encodings.md) until they have `values` values or the page ends. */
function checkRuns(reader: Reader, width: number, values: number): void {
  for (let seen = 0; seen < values && reader.offset < reader.view.byteLength; ) {
    const header = readVarInt(reader)
    const isPacked = (header & 1) === 1
    const count = isPacked ? (header >>> 1) * 8 : header >>> 1
    checkCount(count, values + runSlack)
    reader.offset += Math.ceil(isPacked ? (count * width) / 8 : width / 8)
    seen += count
  }
}
