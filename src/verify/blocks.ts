import { join, relative } from 'node:path'
import { encodeFile } from '../batch/arrow/ipc.ts'
import { fieldOf } from '../batch/batch.ts'
import { listFiles } from '../disk/files.ts'
import { BlockFile } from '../feed/files/block-file.ts'
import type { Head } from '../feed/files/head.ts'
import { type BlockSpec, blockMetadata, blockPath, listSamples, type SampleList } from '../feed/plan/blocks.ts'
import { ColumnFile } from '../shards/column-file.ts'
import { openShard } from '../shards/shard.ts'
import { advices, byteAt, type Check, feedAdvice, fileAt } from './check.ts'

/**
 * Cuts blocks from their shards as the planner asks for them, and holds the published files against that byte by byte. Where a promotion
 * has taken the place of a block that was cut ahead, the file is that of the block which was cut last.
 */
export class BlockCheck {
  readonly #dir: string
  readonly #folder: string
  readonly #head: Head
  readonly #check: Check
  readonly #cut = new Map<string, Compared>()

  constructor(dir: string, folder: string, head: Head, check: Check) {
    this.#dir = dir
    this.#folder = folder
    this.#head = head
    this.#check = check
  }

  /** Tokens of each sample: from the shards, or, where those can't be read, from the block's file. */
  async cutBlock(spec: BlockSpec): Promise<Int32Array> {
    const file = this.#find(spec)
    const identity = blockMetadata(spec, this.#head).block
    const known = this.#cut.get(file)
    const isNew = known?.identity !== identity
    if (!known) this.#check.counted++
    if (isNew) this.#cut.set(file, { identity, otherFrom: -1 })
    const restore = 'restore the shard: the block is cut from it'
    const samples = await this.#check.attempt(fileAt(file), restore, () => this.#list(spec))
    const tokens = await this.#check.attempt(fileAt(file), feedAdvice, () => {
      using block = new BlockFile(join(this.#dir, this.#folder), spec)
      const tokens = block.tokens()
      if (isNew && samples) this.#cut.set(file, { identity, otherFrom: this.#compare(file, spec, samples) })
      return tokens
    })
    const found = samples?.tokens ?? tokens
    if (!found) throw new TypeError(`block ${file} can't be read, nor cut again`)
    return found
  }

  /** The block's file, from the run's folder: where it is, or else where it should be. */
  #find(spec: BlockSpec): string {
    try {
      using block = new BlockFile(join(this.#dir, this.#folder), spec)
      return relative(this.#dir, block.path)
    } catch {
      return join(this.#folder, blockPath(spec))
    }
  }

  #list(spec: BlockSpec): SampleList {
    const lengths = spec.shards.map(shard => {
      using open = openShard(join(this.#dir, 'shards', shard.path), shard)
      return open.lengths()
    })
    return listSamples(spec, this.#head, lengths)
  }

  #compare(file: string, spec: BlockSpec, samples: SampleList): number {
    using found = new ColumnFile(join(this.#dir, file))
    return findOther(found, spec, this.#head, samples)
  }

  /** Says which files are not what was cut last. `mayStray` is of files that nothing was cut for. */
  async end(isWhole: boolean, mayStray: boolean): Promise<void> {
    for (const [file, { otherFrom }] of this.#cut)
      if (otherFrom >= 0)
        this.#check.fail(byteAt(file, otherFrom), 'from there on it is not what its shards give', feedAdvice)
    if (isWhole) await checkStrayBlocks(this.#dir, this.#folder, this.#cut, mayStray, this.#check)
  }
}

/** What a block's file was held against, and from which byte on it is another, or -1. */
interface Compared {
  readonly identity: string
  readonly otherFrom: number
}

/** The first byte in which a block's file is not what its shards give, or -1. */
function findOther(file: ColumnFile, spec: BlockSpec, head: Head, samples: SampleList): number {
  const rows = file.layout.batches.map(batch => batch.rows)
  let at = 0
  for (const part of encodeBlock(spec, head, samples, rows)) {
    const found = file.read(at, Math.min(part.length, file.bytes - at))
    if (Buffer.compare(part, found) !== 0) {
      const other = part.findIndex((byte, i) => byte !== found[i])
      return at + Math.max(0, other)
    }
    at += part.length
  }
  return at < file.bytes ? at : -1
}

/** A block's bytes, in record batches of these rows. */
function* encodeBlock(
  spec: BlockSpec,
  head: Head,
  samples: SampleList,
  rows: readonly number[],
): Generator<Uint8Array> {
  const columns = (from: number, to: number) => {
    const offsets = samples.offsets.subarray(from, to + 1)
    const column = (values: Int32Array) => ({ kind: 'list<i32>' as const, offsets, values })
    return {
      shard: column(samples.shard),
      start: column(samples.start),
      length: column(samples.length),
      tokens: { kind: 'i32' as const, values: samples.tokens.subarray(from, to) },
    }
  }
  const fields = Object.entries(columns(0, 0)).map(([name, column]) => fieldOf(name, column))
  let at = 0
  const batches = rows.map(count => {
    at += count
    return { rows: count, columns: columns(at - count, at) }
  })
  yield* encodeFile(batches, fields, blockMetadata(spec, head))
}

/** Blocks that no published step needed: cut ahead of steps to come, or of steps that a promotion took the place of, or not ours. */
async function checkStrayBlocks(
  dir: string,
  feed: string,
  cut: ReadonlyMap<string, unknown>,
  mayStray: boolean,
  check: Check,
): Promise<void> {
  const folder = join(feed, 'blocks')
  for (const name of await listFiles(join(dir, folder))) {
    const file = join(folder, name)
    if (cut.has(file)) continue
    if (!mayStray) check.fail(fileAt(file), 'no step of the feed needs it', advices.stray)
    else check.note(`${file} is of steps that are not published`)
  }
}
