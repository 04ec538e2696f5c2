import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { documentAt, readAddresses } from '../../shards/addresses.ts'
import { openShard, type Shard } from '../../shards/shard.ts'
import {
  type BlockSpec,
  type Bound,
  type CutSamples,
  encodeBlock,
  listSamples,
  type SampleList,
  type SampleOptions,
} from '../plan/blocks.ts'

/** The samples of a block as its file is to have them: bound to their shards, which are read one after another, where the feed binds. */
export function listBlock(spec: BlockSpec, options: SampleOptions, pathOf: (path: string) => string): SampleList {
  const lengths = spec.shards.map(shard => {
    using file = openShard(pathOf(shard.path), shard)
    return file.lengths()
  })
  const samples = listSamples(spec, options, lengths)
  if (options.ledger === undefined) return samples
  const pieces = samples.shard.length
  const bound: Bound = { check: new Int32Array(pieces), slot: new Int32Array(pieces), row: new Int32Array(pieces) }
  for (const [index, own] of groupByShard(samples, spec.shards.length).entries()) {
    if (own.length === 0) continue
    using file = openShard(pathOf(spec.shards[index].path), spec.shards[index])
    bindPieces(file, samples, own, bound, spec.shards[index].slotOffset)
  }
  return { ...samples, bound }
}

/** The SHA-256 that a block's file has, where its feed's ledger asks for it. `rows`: of each record batch. */
export function hashBlock(
  spec: BlockSpec,
  options: SampleOptions,
  samples: SampleList,
  rows?: readonly number[],
): string | null {
  if (options.ledger === undefined) return null
  const hash = createHash('sha256')
  for (const part of encodeBlock(spec, options, samples, rows)) hash.update(part)
  return hash.digest('hex')
}

/** Cuts a block without writing it. */
export function cutUnwritten(spec: BlockSpec, options: SampleOptions, pathOf: (path: string) => string): CutSamples {
  const samples = listBlock(spec, options, pathOf)
  return { tokens: samples.tokens, sha256: hashBlock(spec, options, samples) }
}

/** Of each shard, the numbers of its pieces. */
function groupByShard({ shard }: SampleList, shards: number): Int32Array[] {
  const counts = new Int32Array(shards)
  for (const index of shard) counts[index]++
  const groups = Array.from(counts, count => new Int32Array(count))
  const next = new Int32Array(shards)
  for (const [piece, index] of shard.entries()) groups[index][next[index]++] = piece
  return groups
}

function bindPieces(file: Shard, { start, length }: SampleList, own: Int32Array, bound: Bound, slotOffset = 0): void {
  const tokens = new Int32Array(file.tokens)
  file.readTokens(0, tokens)
  const addresses = readAddresses(file)
  for (const piece of own) {
    const document = documentAt(addresses, start[piece])
    bound.check[piece] = checkOf(tokens.subarray(start[piece], start[piece] + length[piece]))
    bound.slot[piece] = slotOffset + addresses.slots[document]
    bound.row[piece] = addresses.rows[document]
  }
}

/** What a block says of a piece's tokens. */
export function checkOf(tokens: Int32Array): number {
  return crc32(new Uint8Array(tokens.buffer, tokens.byteOffset, tokens.byteLength)) | 0
}
