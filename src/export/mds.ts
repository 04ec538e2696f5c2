import { limits } from '../limits.ts'
import { bytesOfField, bytesOfInts, type FieldName, fieldBytesMax, fieldNames, kindOf, readField } from './fields.ts'
import type { Format, Part } from './format.ts'
import type { OutFolder } from './out-folder.ts'
import { partName } from './part-name.ts'
import type { Sample } from './sample.ts'

/**
 * MDS version 2 (`streaming/base/format/mds/reader.py`). A sample is a row.
 *
 *     shard.N.mds  u32 rows, u32 offsets[rows + 1] from the file's beginning, config (JSON, for who lost the index), rows
 *     row          u32 size of each field that has no fixed one, then the values, both in the order of names
 *     index.json   of each shard what its config has, with rows, bytes and hashes
 *
 * Its reader takes no key in a shard's entry that it doesn't know, and checks neither `bytes` nor, unless it copies the files, hashes.
 */
export const mds: Format = {
  name: 'mds',
  about: 'MDS shards, a row for each sample, as MosaicML Streaming reads them',
  fileBytes: { default: limits.exportChunkBytes, max: limits.exportAddressedBytesMax },
  tokenBytes: [4],
  fields: fieldNames,
  hasPadding: true,
  advise: (_, { stepSamplesMin, stepSamplesMax }) => [
    `StreamingDataset(local=DIR, shuffle=False, num_canonical_nodes=1, batch_size=${stepSamplesMin} / ranks) keeps the steps: a global batch of all ranks is a step. With shuffle=True, or more canonical nodes, they are lost.`,
    ...(stepSamplesMin < stepSamplesMax
      ? [
          `Steps have ${stepSamplesMin} to ${stepSamplesMax} samples, and its batches are all alike: export each size for itself by --steps.`,
        ]
      : []),
    "validate_hash='sha256' is checked where files are copied from a remote, not where DIR itself is read.",
  ],
  open: (folder, { length, fields }) => {
    const columns = [...fields].sort().map(name => columnOf(name, length))
    const shards: unknown[] = []
    return {
      bytesMaxOf: sample => 4 + fieldBytesMax(sample, fields),
      openPart: number => openPart(folder, `shard.${partName(number, 5)}.mds`, columns, shard => shards.push(shard)),
      finish: async () => {
        await folder.write('index.json', `${JSON.stringify({ version: 2, shards })}\n`)
      },
    }
  },
}

interface Column {
  readonly name: FieldName
  readonly encoding: string
  /** Bytes of every value; null where they differ. */
  readonly size: number | null
}

function columnOf(name: FieldName, length: number): Column {
  switch (kindOf(name)) {
    case 'row':
      return { name, encoding: `ndarray:int32:${length}`, size: 4 * length }
    case 'ints':
      return { name, encoding: 'ndarray:int32', size: null }
    case 'text':
      return { name, encoding: 'str', size: null }
    case 'int':
      return { name, encoding: 'int', size: 8 }
  }
}

function rowOf(sample: Sample, columns: readonly Column[]): Uint8Array[] {
  const sizes: number[] = []
  const values: Uint8Array[] = []
  for (const { name, size } of columns) {
    const value = readField(sample, name)
    const parts =
      kindOf(name) === 'ints' ? [arrayHead((value as Int32Array).length), bytesOfField(value)] : [bytesOfField(value)]
    values.push(...parts)
    if (size === null) sizes.push(parts.reduce((sum, part) => sum + part.length, 0))
  }
  return [bytesOfInts(Uint32Array.from(sizes)), ...values]
}

/** How many values an array of one dimension has: u8 (dimensions << 2 | log2 of the bytes of the count), then the count. */
function arrayHead(count: number): Uint8Array {
  if (count < 256) return Uint8Array.of(1 << 2, count)
  if (count < 65_536) return Uint8Array.of((1 << 2) | 1, count & 255, count >> 8)
  const head = Buffer.alloc(5)
  head.writeUInt8((1 << 2) | 2)
  head.writeUInt32LE(count, 1)
  return head
}

const algorithm = 'sha256'

function configOf(columns: readonly Column[]) {
  return {
    column_encodings: columns.map(column => column.encoding),
    column_names: columns.map(column => column.name),
    column_sizes: columns.map(column => column.size),
    compression: null,
    format: 'mds',
    hashes: [algorithm],
    size_limit: null,
    version: 2,
  }
}

async function openPart(
  folder: OutFolder,
  name: string,
  columns: readonly Column[],
  onClose: (shard: unknown) => void,
): Promise<Part> {
  const body = await folder.spool(name)
  const ends: number[] = []
  return {
    get bytes() {
      return body.bytes + 4 * ends.length
    },
    write: async sample => {
      await body.append(...rowOf(sample, columns))
      ends.push(body.bytes)
    },
    close: async () => {
      const config = configOf(columns)
      const text = Buffer.from(JSON.stringify(config))
      const first = 4 + 4 * (ends.length + 1) + text.length
      const file = await folder.create(name)
      await file.append(bytesOfInts(Uint32Array.from([ends.length, first, ...ends.map(end => first + end)])), text)
      for await (const bytes of body.read()) await file.append(bytes)
      await file.close()
      await body.remove()
      const { path, bytes, sha256 } = folder.file(name)
      const raw = { basename: path, bytes, hashes: { [algorithm]: sha256 } }
      onClose({ ...config, raw_data: raw, samples: ends.length, zip_data: null })
    },
  }
}
