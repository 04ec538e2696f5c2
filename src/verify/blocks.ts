import { existsSync } from 'node:fs'
import { join, relative } from 'node:path'
import { listFiles } from '../disk/files.ts'
import { HeadraceError } from '../errors.ts'
import { hashBlock, listBlock } from '../feed/files/bind.ts'
import { BlockFile } from '../feed/files/block-file.ts'
import type { Head } from '../feed/files/head.ts'
import { type LetGoBlock, letGoPath, readLetGo } from '../feed/files/let-go-block.ts'
import {
  type BlockSpec,
  blockIdentity,
  blockPath,
  type CutSamples,
  encodeBlock,
  type SampleList,
} from '../feed/plan/blocks.ts'
import { ColumnFile } from '../shards/column-file.ts'
import { advices, byteAt, type Check, feedAdvice, fileAt } from './check.ts'

/**
 * Cuts blocks from their shards as the planner asks for them, and holds the published files against that byte by byte. Where a promotion
 * has taken the place of a block that was cut ahead, the file is that of the block which was cut last.
 */
export class BlockCheck {
  readonly #dir: string
  readonly #folder: string
  readonly #head: Head
  readonly #damaged: ReadonlySet<string>
  readonly #check: Check
  readonly #cut = new Map<string, Compared>()
  readonly #letGo = new Set<string>()

  /** `damaged`: paths of shards that are not what they should be, of which nothing is said once more here. */
  constructor(dir: string, folder: string, { head, damaged }: BlockOrigin, check: Check) {
    this.#dir = dir
    this.#folder = folder
    this.#head = head
    this.#damaged = damaged
    this.#check = check
  }

  /** The samples that the shards give, or, where those can't be read, the block's file. */
  async cutBlock(spec: BlockSpec): Promise<CutSamples> {
    const file = this.#find(spec)
    const identity = blockIdentity(spec, this.#head)
    const known = this.#cut.get(file)
    const isNew = known?.identity !== identity
    if (!known) this.#check.counted++
    if (isNew) this.#cut.set(file, { identity, otherFrom: -1 })
    const restore = 'restore the shard: the block is cut from it'
    const isDamaged = spec.shards.some(({ path }) => this.#damaged.has(path))
    const samples = isDamaged ? null : await this.#check.attempt(fileAt(file), restore, () => this.#list(spec))
    const left = existsSync(join(this.#dir, file)) ? null : this.#findLeft(file)
    if (left) return this.#compareLeft(left, { file, spec, identity, samples })
    const cut = await this.#check.attempt(fileAt(file), feedAdvice, (): CutSamples => {
      using block = new BlockFile(join(this.#dir, this.#folder), spec)
      const found = { tokens: block.tokens(), sha256: block.hash() }
      if (!samples) return found
      if (isNew) this.#cut.set(file, { identity, otherFrom: this.#compare(file, spec, samples) })
      // Another cut of the record batches holds the same samples: the ledger names the file that there is.
      if (this.#cut.get(file)?.otherFrom === -1) return { ...found, tokens: samples.tokens }
      return { tokens: samples.tokens, sha256: hashBlock(spec, this.#head, samples) }
    })
    if (cut) return cut
    if (!samples) throw new TypeError(`block ${file} can't be read, nor cut again`)
    return { tokens: samples.tokens, sha256: hashBlock(spec, this.#head, samples) }
  }

  /** What stays of a block that was let go. Where that is damaged, the block is missing. */
  #findLeft(file: string): LetGoBlock | null {
    const path = letGoPath(relative(this.#folder, file))
    try {
      return readLetGo(join(this.#dir, this.#folder), path)
    } catch (error) {
      if (error instanceof HeadraceError && error.code === 'corrupt') return null
      throw error
    }
  }

  /** The shards must give the block again, byte for byte; one that was cut ahead of a promotion is another, and must not be the last. */
  #compareLeft(left: LetGoBlock, cut: CutBlock): CutSamples {
    const { spec, identity, samples } = cut
    const isThis = JSON.stringify(left.identity) === identity
    this.#cut.set(cut.file, { identity, otherFrom: isThis ? -1 : 0 })
    if (!samples && isThis) return left
    if (!samples) throw new TypeError(`block ${cut.file} was let go, and can't be cut again`)
    const sha256 = hashBlock(spec, this.#head, samples)
    if (!isThis) return { tokens: samples.tokens, sha256 }
    const file = relative(this.#dir, left.path)
    if (!this.#letGo.has(file)) this.#check.counted++
    const isSame = sha256 === left.sha256 && Buffer.compare(bytesOf(samples.tokens), bytesOf(left.tokens)) === 0
    if (!isSame && !this.#letGo.has(file))
      this.#check.fail(fileAt(file), 'the block that was let go is not what its shards give', feedAdvice)
    this.#letGo.add(file)
    return { tokens: samples.tokens, sha256 }
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
    return listBlock(spec, this.#head, path => join(this.#dir, 'shards', path))
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
    if (this.#letGo.size > 0)
      this.#check.note(`${this.#letGo.size} blocks of ${this.#folder} were let go, and the shards give the same again`)
    if (isWhole) await checkStrayBlocks(this.#dir, this.#folder, this.#cut, mayStray, this.#check)
  }
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Int32Array) => new Uint8Array(buffer, byteOffset, byteLength)

/** A block as the plan asks for it, and what the shards give; null where they can't be read. */
interface CutBlock {
  readonly file: string
  readonly spec: BlockSpec
  readonly identity: string
  readonly samples: SampleList | null
}

interface BlockOrigin {
  readonly head: Head
  readonly damaged: ReadonlySet<string>
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
