import { join } from 'node:path'
import { openShard, type Shard } from '../../shards/shard.ts'
import type { BlockRef, BlockShard } from '../plan/blocks.ts'
import { BlockFile } from './block-file.ts'
import { OpenFiles } from './file-cache.ts'
import { Masks } from './masks.ts'

/** What a reader of a feed has open: shards and blocks, `filesMax` at once, and what was taken down. */
export class FeedFiles implements Disposable {
  readonly masks: Masks
  readonly #dir: string
  readonly #shards: string
  readonly #files: OpenFiles<Shard | BlockFile>

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

  block(block: BlockRef): BlockFile {
    return this.#files.get(JSON.stringify(block), () => new BlockFile(this.#dir, block))
  }

  [Symbol.dispose](): void {
    this.#files[Symbol.dispose]()
  }
}
