import { dirname, join } from 'node:path'
import { encodeFile } from '../../batch/arrow/ipc.ts'
import type { Metadata } from '../../batch/arrow/layout.ts'
import type { Batch } from '../../batch/batch.ts'
import { makeFolder, type OnEffect, writeDurably } from '../../disk/durable-file.ts'
import { limits } from '../../limits.ts'
import { folderOf } from '../../shards/folder.ts'
import type { ManifestEntry } from '../../shards/manifest.ts'
import type { FeedSettings } from '../options.ts'
import { packDocuments } from './pack.ts'
import { permute } from './permute.ts'

/** A shard as a block names it: enough to find it and to refuse another. */
export interface BlockShard extends Pick<ManifestEntry, 'path' | 'sha256' | 'bytes' | 'rows' | 'tokens'> {
  /** SHA-256 of the bits that say which of its rows the block has; absent where it has all. */
  readonly selected?: string
}

/** A shard as a block is cut from it: with the bits themselves, row 0 in the lowest bit of the first byte. */
export interface CutShard extends BlockShard {
  readonly bits?: Uint8Array
}

/** Names a block in one pass over its domain; `epoch` counts passes from 0. */
export interface BlockRef {
  readonly domain: string
  readonly number: number
  readonly epoch: number
}

/** A run of one domain's shards that is shuffled as one. */
export interface BlockSpec extends BlockRef {
  readonly shards: readonly CutShard[]
}

/** How blocks are cut into samples; the same for a whole feed. */
export type SampleOptions = Pick<FeedSettings, 'length' | 'packing' | 'seed'>

/** What a block file says about itself, as JSON under the metadata key `block`. */
export type BlockIdentity = BlockRef & SampleOptions & { readonly version: 1; readonly shards: readonly BlockShard[] }

/**
 * Samples of a block in the order in which they are fed. Sample i is the pieces from `offsets[i]` to `offsets[i + 1]`; a piece is `length`
 * tokens of shard `shard` (its number in the block) from token `start` on, counted through the shard. `tokens` is each sample's sum.
 */
export interface SampleList {
  readonly offsets: Int32Array
  readonly shard: Int32Array
  readonly start: Int32Array
  readonly length: Int32Array
  readonly tokens: Int32Array
}

/** A block's file below the feed folder; `folder` is its domain's. */
export function blockPath({ domain, number, epoch }: BlockRef, folder = folderOf(domain)): string {
  const pass = epoch === 0 ? '' : `.${epoch}`
  return `blocks/${folder}/${String(number).padStart(8, '0')}${pass}.arrow`
}

/** The samples of a block, given the tokens of each document of each of its shards. A pure function. */
export function listSamples(
  spec: BlockSpec,
  options: SampleOptions,
  lengthsByShard: readonly Int32Array[],
): SampleList {
  const { lengths, shardOf, startOf } = flatten(spec.shards, lengthsByShard)
  const key = JSON.stringify([options.seed, spec.domain, spec.number, spec.epoch])
  const order = permute(lengths.length, `documents ${key}`)
  const packed = packDocuments(lengths, order, options.length, options.packing)
  const rank = permute(packed.samples, `samples ${key}`)
  const offsets = new Int32Array(packed.samples + 1)
  for (let piece = 0; piece < packed.pieces; piece++) offsets[rank[packed.sample[piece]] + 1]++
  for (let i = 0; i < packed.samples; i++) offsets[i + 1] += offsets[i]
  const next = offsets.slice(0, packed.samples)
  const [shard, start, length] = [0, 1, 2].map(() => new Int32Array(packed.pieces))
  const tokens = new Int32Array(packed.samples)
  for (let piece = 0; piece < packed.pieces; piece++) {
    const sample = rank[packed.sample[piece]]
    const at = next[sample]++
    const document = packed.document[piece]
    shard[at] = shardOf[document]
    start[at] = startOf[document] + packed.start[piece]
    length[at] = packed.length[piece]
    tokens[sample] += packed.length[piece]
  }
  return { offsets, shard, start, length, tokens }
}

export function hasBit(bits: Uint8Array, at: number): boolean {
  return (bits[at >>> 3] & (1 << (at & 7))) !== 0
}

/**
 * Of each document of the block's shards: its tokens, its shard, and the token of the shard that it begins at. One that the block has not
 * has no tokens here, so that no piece of it is in a sample.
 */
function flatten(shards: readonly CutShard[], lengthsByShard: readonly Int32Array[]) {
  const documents = lengthsByShard.reduce((sum, lengths) => sum + lengths.length, 0)
  const [lengths, shardOf, startOf] = [0, 1, 2].map(() => new Int32Array(documents))
  let at = 0
  for (const [shard, lengthsOfOne] of lengthsByShard.entries()) {
    const { bits } = shards[shard]
    let start = 0
    for (const [row, tokens] of lengthsOfOne.entries()) {
      lengths[at] = bits && !hasBit(bits, row) ? 0 : tokens
      shardOf[at] = shard
      startOf[at++] = start
      start += tokens
    }
  }
  return { lengths, shardOf, startOf }
}

/**
 * Writes a block: an Arrow IPC file, a row a sample, columns `shard`, `start`, `length` (list<int32>) and `tokens` (int32).
 * Same spec, options and shards, same bytes.
 */
export async function writeBlock(
  dir: string,
  spec: BlockSpec,
  options: SampleOptions,
  samples: SampleList,
  onEffect?: OnEffect,
): Promise<void> {
  const path = join(dir, blockPath(spec))
  await makeFolder(dirname(path))
  const fields = [
    ...(['shard', 'start', 'length'] as const).map(name => ({ name, kind: 'list<i32>' as const })),
    { name: 'tokens', kind: 'i32' as const },
  ]
  await writeDurably(path, encodeFile(sampleBatches(samples), fields, blockMetadata(spec, options)), onEffect)
}

export function blockMetadata(spec: BlockSpec, { length, packing, seed }: SampleOptions): Metadata {
  const { domain, number, epoch } = spec
  const shards = spec.shards.map(({ path, sha256, bytes, rows, tokens, selected }) => {
    return { path, sha256, bytes, rows, tokens, ...(selected !== undefined && { selected }) }
  })
  const identity: BlockIdentity = { version: 1, domain, number, epoch, length, packing, seed, shards }
  return { block: JSON.stringify(identity) }
}

function* sampleBatches(samples: SampleList): Generator<Batch> {
  const rows = samples.tokens.length
  for (let from = 0; from < rows; ) {
    let to = from + 1
    const bytesTo = (row: number) => 12 * (samples.offsets[row] - samples.offsets[from]) + 16 * (row - from)
    while (to < rows && bytesTo(to + 1) <= limits.recordBatchBytesMax) to++
    const offsets = samples.offsets.subarray(from, to + 1)
    const column = (values: Int32Array) => ({ kind: 'list<i32>' as const, offsets, values })
    const columns = {
      shard: column(samples.shard),
      start: column(samples.start),
      length: column(samples.length),
      tokens: { kind: 'i32' as const, values: samples.tokens.subarray(from, to) },
    }
    yield { rows: to - from, columns }
    from = to
  }
}
