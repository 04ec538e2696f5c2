import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { tableFromIPC } from 'apache-arrow'
import type { FieldName } from '../../src/export/fields.ts'

/** A row or piece as it was read back; fields that the format has, under our names. */
export type ReadRow = Readonly<Partial<Record<FieldName, unknown>>>

/** What a folder holds by its bytes alone, read without our writers' code: rows that are samples, or pieces of documents. */
export interface ReadBack {
  readonly rows: readonly ReadRow[]
  /** Where spans end, in tokens of all files, where the format has that. */
  readonly ends?: readonly number[]
  /** Ids of documents with the bounds that the format gives them. */
  readonly documents?: readonly string[]
}

const read = (dir: string, name: string) => readFileSync(join(dir, name))
const named = (dir: string, pattern: RegExp) =>
  readdirSync(dir)
    .filter(name => pattern.test(name))
    .sort()
const ints = (bytes: Buffer, width = 4): number[] =>
  Array.from({ length: bytes.length / width }, (_, i) =>
    width === 4 ? bytes.readInt32LE(4 * i) : bytes.readUInt16LE(2 * i),
  )
const longs = (bytes: Buffer) =>
  Array.from({ length: bytes.length / 8 }, (_, i) => Number(bytes.readBigUInt64LE(8 * i)))
const cut = (values: readonly number[], length: number): ReadRow[] =>
  Array.from({ length: values.length / length }, (_, i) => ({ tokens: values.slice(i * length, (i + 1) * length) }))

export type Reader = (dir: string, shape: { readonly length: number; readonly tokenBytes: 2 | 4 }) => ReadBack

export const readers: Readonly<Record<string, Reader>> = {
  mds: dir => {
    const { version, shards } = JSON.parse(read(dir, 'index.json').toString())
    if (version !== 2) throw new Error('not MDS version 2')
    return { rows: shards.flatMap((shard: MdsShard) => readMds(dir, shard)) }
  },
  megatron: (dir, { tokenBytes }) => ({
    rows: named(dir, /\.idx$/).flatMap(name => readMegatron(dir, name.slice(0, -4), tokenBytes)),
  }),
  datatrove: (dir, { length, tokenBytes }) => {
    const files = named(dir, /\.ds$/)
    const ends: number[] = []
    const rows = files.flatMap(name => {
      const before = ends.at(-1) ?? 0
      ends.push(...longs(read(dir, `${name}.index`)).map(end => before + end))
      return cut(ints(read(dir, name), tokenBytes), length)
    })
    return { rows, ends }
  },
  olmo: (dir, { length, tokenBytes }) => {
    const documents: string[] = []
    const ends: number[] = []
    let before = 0
    const rows = named(dir, /\.npy$/).flatMap(name => {
      const values = ints(read(dir, name), tokenBytes)
      const csv = gunzipSync(read(dir, name.replace(/npy$/, 'csv.gz'))).toString()
      for (const [, start, end, id] of csv.matchAll(/^(\d+),(\d+),("(?:[^"]|"")*"|[^",\n]*),/gm)) {
        if (Number(start) >= Number(end)) throw new Error(`bounds ${start} to ${end}`)
        documents.push(id.startsWith('"') ? id.slice(1, -1).replaceAll('""', '"') : id)
        ends.push(before + Number(end))
      }
      before += values.length
      return cut(values, length)
    })
    return { rows, ends, documents }
  },
  hf: dir => {
    const { _data_files } = JSON.parse(read(dir, 'state.json').toString())
    return { rows: _data_files.flatMap(({ filename }: { filename: string }) => readArrow(read(dir, filename))) }
  },
  webdataset: dir => ({ rows: named(dir, /\.tar$/).flatMap(name => readTar(read(dir, name))) }),
  litdata: (dir, { length }) => {
    const { chunks, config } = JSON.parse(read(dir, 'index.json').toString())
    if (config.data_format[0] !== 'no_header_tensor:16') throw new Error('not int32')
    return { rows: chunks.flatMap((chunk: LitChunk) => readChunk(read(dir, chunk.filename), chunk, length)) }
  },
  internevo: dir => {
    const folder = join(dir, 'train', 'headrace')
    return {
      rows: named(folder, /\.bin$/).flatMap(name => readLines(read(folder, name), read(folder, `${name}.meta`))),
    }
  },
}

const fieldOf: Readonly<Record<string, string>> = { input_ids: 'tokens', position_ids: 'positions' }

function readArrow(bytes: Buffer): ReadRow[] {
  return tableFromIPC(bytes)
    .toArray()
    .map(row => {
      const values = Object.entries(row.toJSON()).map(([name, value]) => {
        if (name === 'documents') return [name, JSON.parse(String(value))]
        return [fieldOf[name] ?? name, typeof value === 'object' ? [...(value as Iterable<number>)] : value]
      })
      return Object.fromEntries(values)
    })
}

interface MdsShard {
  readonly column_names: readonly FieldName[]
  readonly column_sizes: readonly (number | null)[]
  readonly column_encodings: readonly string[]
  readonly samples: number
  readonly raw_data: { readonly basename: string; readonly bytes: number }
}

function readMds(
  dir: string,
  { column_names, column_sizes, column_encodings, samples, raw_data }: MdsShard,
): ReadRow[] {
  const bytes = read(dir, raw_data.basename)
  const count = bytes.readUInt32LE(0)
  if (count !== samples || bytes.length !== raw_data.bytes) throw new Error('the index says something else')
  return Array.from({ length: count }, (_, i) => {
    let at = bytes.readUInt32LE(4 * (i + 1))
    const sizes = column_sizes.map(size => {
      if (size !== null) return size
      at += 4
      return bytes.readUInt32LE(at - 4)
    })
    const row: Record<string, unknown> = {}
    for (const [column, name] of column_names.entries()) {
      row[name] = decodeMds(bytes.subarray(at, at + sizes[column]), column_encodings[column], name)
      at += sizes[column]
    }
    if (at !== bytes.readUInt32LE(4 * (i + 2))) throw new Error(`row ${i} ends elsewhere`)
    return row
  })
}

function decodeMds(bytes: Buffer, encoding: string, name: string): unknown {
  if (encoding === 'int') return Number(bytes.readBigInt64LE(0))
  if (encoding === 'str') return name === 'documents' ? JSON.parse(bytes.toString()) : bytes.toString()
  if (encoding !== 'ndarray:int32') return ints(bytes)
  const width = 1 << (bytes[0] & 3)
  if (bytes[0] >> 2 !== 1 || bytes.readUIntLE(1, width) * 4 !== bytes.length - 1 - width)
    throw new Error('a wrong array')
  return ints(bytes.subarray(1 + width))
}

/** Every number of the index is looked at: the official reader checks neither offsets nor the data's length. */
function readMegatron(dir: string, prefix: string, tokenBytes: 2 | 4): ReadRow[] {
  const [data, index] = [read(dir, `${prefix}.bin`), read(dir, `${prefix}.idx`)]
  if (index.toString('latin1', 0, 9) !== 'MMIDIDX\0\0' || longs(index.subarray(9, 17))[0] !== 1)
    throw new Error('no index')
  if (index[17] !== (tokenBytes === 2 ? 8 : 4)) throw new Error('a wrong type')
  const [sequences, documents] = longs(index.subarray(18, 34))
  if (index.length !== 34 + 12 * sequences + 8 * documents) throw new Error('a wrong length of the index')
  const lengths = ints(index.subarray(34, 34 + 4 * sequences))
  const pointers = longs(index.subarray(34 + 4 * sequences, 34 + 12 * sequences))
  const bounds = longs(index.subarray(34 + 12 * sequences))
  if (bounds.some((bound, i) => bound !== i) || bounds.length !== sequences + 1) throw new Error('wrong documents')
  let at = 0
  const rows = lengths.map((length, i) => {
    if (pointers[i] !== at) throw new Error(`sequence ${i} begins elsewhere`)
    at += length * tokenBytes
    return { tokens: ints(data.subarray(pointers[i], at), tokenBytes) }
  })
  if (at !== data.length) throw new Error('the data is longer')
  return rows
}

interface LitChunk {
  readonly chunk_bytes: number
  readonly chunk_size: number
  readonly dim: number
  readonly filename: string
}

function readChunk(bytes: Buffer, { chunk_bytes, chunk_size, dim }: LitChunk, length: number): ReadRow[] {
  const offsets = ints(bytes.subarray(4, 4 + 4 * (chunk_size + 1)))
  const expected = offsets.map((_, i) => 4 * (chunk_size + 2) + 4 * length * i)
  if (bytes.length !== chunk_bytes || bytes.readUInt32LE(0) !== chunk_size || dim !== chunk_size * length)
    throw new Error('the index says something else')
  if (offsets.join() !== expected.join() || offsets.at(-1) !== bytes.length) throw new Error('wrong offsets')
  return cut(ints(bytes.subarray(offsets[0])), length)
}

function readLines(lines: Buffer, meta: Buffer): ReadRow[] {
  const head = meta.toString('latin1', 10, 10 + meta.readUInt16LE(8))
  const found = /'descr': '<i8', 'fortran_order': False, 'shape': \((\d+), 2\)/.exec(head)
  const table = longs(meta.subarray(10 + head.length))
  if (!found || meta.toString('latin1', 0, 8) !== '\x93NUMPY\x01\0' || (10 + head.length) % 64 !== 0)
    throw new Error('no .npy')
  if (table.length !== 2 * Number(found[1])) throw new Error('the head says something else')
  const rows = Array.from({ length: table.length / 2 }, (_, i) => {
    const at = table[2 * i]
    const end = lines.indexOf(10, at)
    const row = JSON.parse(lines.toString('utf8', at, end))
    if (row.tokens.length !== table[2 * i + 1] || end + 1 !== (table[2 * i + 2] ?? lines.length))
      throw new Error('a wrong line')
    return row
  })
  return rows
}

function readTar(bytes: Buffer): ReadRow[] {
  const rows = new Map<string, Record<string, unknown>>()
  let at = 0
  while (bytes[at] !== 0) {
    const header = bytes.subarray(at, at + 512)
    const sum = header.reduce((total, byte, i) => total + (i >= 148 && i < 156 ? 32 : byte), 0)
    if (Number.parseInt(header.toString('latin1', 148, 154), 8) !== sum) throw new Error('a wrong sum')
    const [name] = header.toString('latin1', 0, 100).split('\0')
    const size = Number.parseInt(header.toString('latin1', 124, 135), 8)
    const content = bytes.subarray(at + 512, at + 512 + size)
    const [key, field, extension] = name.split('.')
    const row = rows.get(key) ?? {}
    rows.set(key, row)
    if (extension === 'npy') row[field] = ints(content.subarray(10 + content.readUInt16LE(8)))
    else Object.assign(row, JSON.parse(content.toString()))
    at += 512 + Math.ceil(size / 512) * 512
  }
  if (bytes.length !== at + 1024 || bytes.subarray(at).some(byte => byte !== 0)) throw new Error('a wrong end')
  return [...rows.values()]
}
