import { dirname, join } from 'node:path'
import { encodeFile } from '../../batch/arrow/ipc.ts'
import type { Metadata } from '../../batch/arrow/layout.ts'
import { type Column, fieldOf } from '../../batch/batch.ts'
import { makeFolder, type OnEffect, writeDurably } from '../../disk/durable-file.ts'
import { limits } from '../../limits.ts'
import { folderOf } from '../../shards/folder.ts'
import type { ManifestEntry } from '../../shards/manifest.ts'
import type { FeedSettings, LaterSettings } from '../options.ts'
import { packDocuments } from './pack.ts'
import { type Cut, countCut } from './packed.ts'
import { permute } from './permute.ts'
import { leaveFed, type Stretches } from './rest.ts'

/** A shard as a block names it: enough to find it and to refuse another. */
export interface BlockShard extends Pick<ManifestEntry, 'path' | 'sha256' | 'bytes' | 'rows' | 'tokens'> {
  /** Of a feed of several runs: what is added to the slots of its rows, so that the feed has each address once. */
  readonly slotOffset?: number
  /** SHA-256 of the bits that say which of its rows the block has; absent where it has all. */
  readonly selected?: string
}

/** A shard as a block is cut from it: with the bits themselves, row 0 in the lowest bit of the first byte. */
export interface CutShard extends BlockShard {
  readonly bits?: Uint8Array
}

/**
 * Names a block in one pass over its domain; `epoch` counts passes from 0. `cut` is how often the length of samples had changed before
 * the block was cut; absent before the first change.
 */
export interface BlockRef {
  readonly domain: string
  readonly number: number
  readonly epoch: number
  readonly cut?: number
}

/** What was fed of a block in samples of another length: the first `samples` ones of `length` tokens of what was left then. */
export interface FedPart {
  readonly cut: number
  readonly length: number
  readonly samples: number
}

/** A run of one domain's shards that is shuffled as one, and cut into samples of `length` tokens: whole, or what earlier cuts left of it. */
export interface BlockSpec extends BlockRef {
  readonly shards: readonly CutShard[]
  readonly length: number
  /** What was fed of it before its length changed, the oldest first; absent where nothing was. */
  readonly fed?: readonly FedPart[]
}

/** How blocks are cut into samples; the same for a whole feed. Those of a feed whose ledger is of form 2 are bound to what they list. */
export type SampleOptions = Pick<FeedSettings, 'packing' | 'seed' | keyof LaterSettings> & {
  readonly ledger?: 2
}

/** What a block file says about itself, as JSON under the metadata key `block`. Version 2 has the columns of `Bound`. */
export type BlockIdentity = BlockRef &
  Omit<SampleOptions, 'ledger'> &
  Pick<BlockSpec, 'length' | 'fed'> & {
    readonly version: 1 | 2
    readonly shards: readonly BlockShard[]
  }

/** The tokens of each sample of a block, and the SHA-256 of its file; null where no ledger asks for it. */
export interface CutSamples {
  readonly tokens: Int32Array
  readonly sha256: string | null
}

/** Cuts a block into samples, and makes it last where it is to be published. The same block gives the same samples. */
export type CutBlock = (spec: BlockSpec) => Promise<CutSamples>

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
  /** Absent in a block of version 1. */
  readonly bound?: Bound
  /** Only of a whole block that is packed `best-fit-filled`. */
  readonly cut?: Cut
}

/**
 * What binds pieces to what they are of: the CRC-32 of each one's tokens as they lie in the shard, 4 bytes each, and the slot and row of its
 * document. Whoever reads a piece checks that alone, however large the shard is.
 */
export interface Bound {
  readonly check: Int32Array
  readonly slot: Int32Array
  readonly row: Int32Array
  /** The token behind each piece in its document, or -1 where that ends; only with `cutTargets`. */
  readonly next?: Int32Array
}

/** A block's file below the feed folder; `folder` is its domain's. */
export function blockPath({ domain, number, epoch, cut = 0 }: BlockRef, folder = folderOf(domain)): string {
  const pass = epoch === 0 ? '' : `.${epoch}`
  return `blocks/${folder}/${String(number).padStart(8, '0')}${pass}${cut === 0 ? '' : `.cut${cut}`}.arrow`
}

/** The samples of a block, given the tokens of each document of each of its shards. A pure function. */
export function listSamples(
  spec: BlockSpec,
  options: SampleOptions,
  lengthsByShard: readonly Int32Array[],
): SampleList {
  let stretches: Stretches = flatten(spec.shards, lengthsByShard)
  for (const { cut, length, samples } of spec.fed ?? []) {
    const before = cutStretches(stretches, { ...spec, cut, length }, options)
    stretches = leaveFed(stretches, before, samples)
  }
  return cutStretches(stretches, spec, options)
}

function cutStretches({ lengths, shardOf, startOf }: Stretches, spec: BlockSpec, options: SampleOptions): SampleList {
  const { domain, number, epoch, cut: cutNumber = 0, length: tokensOfSample } = spec
  const key = JSON.stringify([options.seed, domain, number, epoch, ...(cutNumber > 0 ? [cutNumber] : [])])
  const order = permute(lengths.length, `documents ${key}`)
  const packed = packDocuments(lengths, order, { ...options, length: tokensOfSample })
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
  const cut = options.packing === 'best-fit-filled' ? { cut: countCut(packed, lengths, tokensOfSample) } : {}
  return { offsets, shard, start, length, tokens, ...cut }
}

export function hasBit(bits: Uint8Array, at: number): boolean {
  return (bits[at >>> 3] & (1 << (at & 7))) !== 0
}

/**
 * Of each document of the block's shards: its tokens, its shard, and the token of the shard that it begins at. One that the block has not
 * has no tokens here, so that no piece of it is in a sample.
 */
function flatten(shards: readonly CutShard[], lengthsByShard: readonly Int32Array[]): Stretches {
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
 * Writes a block: an Arrow IPC file, a row a sample, columns `shard`, `start`, `length` and those of `Bound` (list<int32>), and `tokens`
 * (int32). Its metadata are `block`, a `BlockIdentity`, and `cut` where there is one, as JSON. Same spec, options and shards, same bytes.
 */
export async function writeBlock(
  dir: string,
  spec: BlockSpec,
  options: SampleOptions,
  samples: SampleList,
  onEffect?: OnEffect,
): Promise<string> {
  const path = join(dir, blockPath(spec))
  await makeFolder(dirname(path))
  return (await writeDurably(path, encodeBlock(spec, options, samples), onEffect)).sha256
}

/** A block's bytes. `rows`: of each record batch; by default what a batch may have. */
export function encodeBlock(
  spec: BlockSpec,
  options: SampleOptions,
  samples: SampleList,
  rows: readonly number[] = cutRows(samples),
): Iterable<Uint8Array> {
  const fields = Object.entries(columnsOf(samples, 0, 0)).map(([name, column]) => fieldOf(name, column))
  let at = 0
  const batches = rows.map(count => {
    at += count
    return { rows: count, columns: columnsOf(samples, at - count, at) }
  })
  const cut: Metadata = samples.cut ? { cut: JSON.stringify(samples.cut) } : {}
  return encodeFile(batches, fields, { block: blockIdentity(spec, options), ...cut })
}

/** What the file of a block says that it is: another text, another block. */
export function blockIdentity(spec: BlockSpec, { packing, seed, ledger, ...others }: SampleOptions): string {
  const { domain, number, epoch, cut, length, fed } = spec
  const shards = spec.shards.map(({ path, sha256, bytes, rows, tokens, slotOffset, selected }) => {
    const offset = slotOffset !== undefined && { slotOffset }
    return { path, sha256, bytes, rows, tokens, ...offset, ...(selected !== undefined && { selected }) }
  })
  const identity: BlockIdentity = {
    version: ledger ?? 1,
    domain,
    number,
    epoch,
    ...(cut !== undefined && { cut }),
    ...(fed !== undefined && { fed }),
    length,
    packing,
    seed,
    ...laterOf(others),
    shards,
  }
  return JSON.stringify(identity)
}

/** What of these a feed says: see `LaterSettings`. */
function laterOf({ cutMax, align, cutTargets }: LaterSettings): LaterSettings {
  return { ...(cutMax !== undefined && { cutMax }), ...(align && { align }), ...(cutTargets && { cutTargets }) }
}

/** How many samples each record batch has. */
function cutRows(samples: SampleList): number[] {
  const rows = samples.tokens.length
  const cut: number[] = []
  // All columns but `tokens` are of pieces.
  const bytesOfPiece = 4 * (Object.keys(columnsOf(samples, 0, 0)).length - 1)
  for (let from = 0; from < rows; ) {
    let to = from + 1
    const bytesTo = (row: number) => bytesOfPiece * (samples.offsets[row] - samples.offsets[from]) + 16 * (row - from)
    while (to < rows && bytesTo(to + 1) <= limits.recordBatchBytesMax) to++
    cut.push(to - from)
    from = to
  }
  return cut
}

function columnsOf(samples: SampleList, from: number, to: number): Record<string, Column> {
  const { shard, start, length, bound } = samples
  const offsets = samples.offsets.subarray(from, to + 1)
  const lists = Object.entries({ shard, start, length, ...bound }).map(([name, values]): [string, Column] => [
    name,
    { kind: 'list<i32>', offsets, values },
  ])
  return { ...Object.fromEntries(lists), tokens: { kind: 'i32', values: samples.tokens.subarray(from, to) } }
}
