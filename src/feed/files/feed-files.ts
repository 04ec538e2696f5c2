import { join } from 'node:path'
import { HeadraceError } from '../../errors.ts'
import { documentAt, readAddresses, type ShardAddresses } from '../../shards/addresses.ts'
import { openShard, type Shard } from '../../shards/shard.ts'
import type { BlockRef, BlockShard, SampleList } from '../plan/blocks.ts'
import { checkOf } from './bind.ts'
import { BlockFile } from './block-file.ts'
import { OpenFiles } from './file-cache.ts'
import { type Masked, Masks } from './masks.ts'

/** Samples of a block: their pieces, and the shards that these are of. */
export interface ListedPieces {
  readonly domain: string
  readonly list: SampleList
  readonly shards: readonly BlockShard[]
}

/** What a reader of a feed has open: shards and blocks, `filesMax` at once, and what was taken down. */
export class FeedFiles implements Disposable {
  readonly masks: Masks
  readonly #dir: string
  readonly #shards: string
  readonly #files: OpenFiles<Shard | BlockFile>
  readonly #addresses = new WeakMap<Shard, ShardAddresses>()

  /** `shards` is the shards folder, from `dir`. */
  constructor(dir: string, shards: string, filesMax: number) {
    this.#dir = dir
    this.#shards = join(dir, shards)
    this.#files = new OpenFiles(filesMax)
    this.masks = new Masks(dir)
  }

  shard(shard: BlockShard): Shard {
    return this.#files.get(shard.sha256 + shard.path, () => openShard(join(this.#shards, shard.path), shard))
  }

  /** `sha256`: what the file must have, where that is known and to be checked. */
  block(block: BlockRef, sha256: string | null): BlockFile {
    return this.#files.get(JSON.stringify([block, sha256]), () => {
      const file = new BlockFile(this.#dir, block)
      try {
        if (sha256 !== null) file.checkHash(sha256)
        return file
      } catch (error) {
        file[Symbol.dispose]()
        throw error
      }
    })
  }

  /** The shard of a piece. */
  shardOf({ domain, list, shards }: ListedPieces, piece: number): Shard {
    return this.shard(shardAt(shards, list.shard[piece], domain))
  }

  /** Reads a piece's tokens, and throws `corrupt` where they are not those that the block was cut from. */
  readPiece(part: ListedPieces, piece: number, tokens: Int32Array, isChecked: boolean): void {
    const { start, bound } = part.list
    const shard = this.shardOf(part, piece)
    shard.readTokens(start[piece], tokens)
    if (isChecked && bound && checkOf(tokens) !== bound.check[piece]) throw shard.damagedAt(start[piece], tokens.length)
  }

  /** What of a piece is masked. A block of version 1 does not say which document it is of: its shard does. */
  judge(part: ListedPieces, piece: number, step: number): Masked {
    const { start, bound } = part.list
    if (this.masks.isEmpty) return 'nothing'
    if (bound) return this.masks.judgeRow(bound.slot[piece] >>> 0, bound.row[piece] >>> 0, step)
    return this.masks.judge(this.shardOf(part, piece), start[piece], step)
  }

  /** The slot and row of a piece's document. */
  addressOf(part: ListedPieces, piece: number): [slot: number, row: number] {
    const { start, bound } = part.list
    if (bound) return [bound.slot[piece] >>> 0, bound.row[piece] >>> 0]
    const shard = this.shardOf(part, piece)
    const addresses = this.#addresses.get(shard) ?? readAddresses(shard)
    this.#addresses.set(shard, addresses)
    const document = documentAt(addresses, start[piece])
    return [addresses.slots[document], addresses.rows[document]]
  }

  [Symbol.dispose](): void {
    this.#files[Symbol.dispose]()
  }
}

/** A block's shard by its number in the block, which no checksum protects in a block of version 1. */
export function shardAt(shards: readonly BlockShard[], index: number, domain: string): BlockShard {
  const shard = shards[index]
  if (shard) return shard
  throw new HeadraceError('corrupt', `a block of '${domain}' names shard ${index} and lists ${shards.length}`)
}
