import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { BatchLayout } from '../../batch/arrow/layout.ts'
import { numbers } from '../../batch/batch.ts'
import { isCount, isObjectOf } from '../../disk/json-file.ts'
import { HeadraceError } from '../../errors.ts'
import { ColumnFile } from '../../shards/column-file.ts'
import { folderBefore } from '../../shards/folder.ts'
import {
  type BlockIdentity,
  type BlockRef,
  type BlockShard,
  type Bound,
  blockPath,
  type SampleList,
} from '../plan/blocks.ts'
import type { Cut } from '../plan/packed.ts'
import { describeTrim, readTrimNow } from './trim-file.ts'

/** A published block, open for reading ranges of its samples. */
export class BlockFile implements Disposable {
  readonly identity: BlockIdentity
  readonly samples: number
  readonly #file: ColumnFile
  /** Number of each batch's first sample. */
  readonly #starts: number[] = []

  /** `block`: which one, or the path of a file that is whichever it says. */
  constructor(dir: string, block: BlockRef | string) {
    this.#file = typeof block === 'string' ? new ColumnFile(join(dir, block)) : openBlock(dir, block)
    const { batches, metadata } = this.#file.layout
    const identity = parseIdentity(metadata.block)
    const isExpected = identity && (typeof block === 'string' || isSameBlock(identity, block))
    if (!isExpected || !batches.every(batch => hasColumns(batch, identity))) {
      this.#file.close()
      throw this.#file.corrupt(`it is not ${describeBlock(block)}`)
    }
    this.identity = identity
    let samples = 0
    for (const { rows } of batches) {
      this.#starts.push(samples)
      samples += rows
    }
    this.samples = samples
  }

  get path(): string {
    return this.#file.path
  }

  /** Samples `from` to `to` (exclusive), which must be in the block. */
  read(from: number, to: number): SampleList {
    if (from < 0 || to > this.samples) throw this.#file.corrupt(`it has ${this.samples} samples, not ${to}`)
    const parts: SampleList[] = []
    for (const [i, batch] of this.#file.layout.batches.entries()) {
      const [first, last] = [Math.max(from - this.#starts[i], 0), Math.min(to - this.#starts[i], batch.rows)]
      if (first < last) parts.push(this.#readRows(batch, first, last))
    }
    return parts.length === 1 ? parts[0] : joinLists(parts)
  }

  tokens(): Int32Array {
    const all = new Int32Array(this.samples)
    for (const [i, batch] of this.#file.layout.batches.entries())
      all.set(numbers(this.#file.view(batch, ['tokens']), 'tokens'), this.#starts[i])
    return all
  }

  /** Throws `corrupt` unless the whole file is what the ledger says. */
  checkHash(sha256: string): void {
    if (this.#hash() === sha256) return
    const mend = 'restore it from a copy, or see headrace verify for what else is damaged'
    throw this.#file.corrupt(`it has other bytes than the ledger says, by their SHA-256 ${sha256}: ${mend}`)
  }

  /** What it says was cut that would fit a sample, or null. */
  cut(): Cut | null {
    const { cut } = this.#file.layout.metadata
    if (cut === undefined) return null
    try {
      const found: unknown = JSON.parse(cut)
      if (isCut(found)) return found as Cut
    } catch {}
    throw this.#file.corrupt('it does not say what was cut')
  }

  /** What a ledger's form 2 says of it; null for one of another form, which knows nothing of it. */
  hash(): string | null {
    return this.identity.version === 1 ? null : this.#hash()
  }

  [Symbol.dispose](): void {
    this.#file.close()
  }

  #hash(): string {
    const hash = createHash('sha256')
    const { bytes } = this.#file
    for (let at = 0; at < bytes; at += hashBytes) hash.update(this.#file.read(at, Math.min(hashBytes, bytes - at)))
    return hash.digest('hex')
  }

  #readRows(batch: BatchLayout, first: number, last: number): SampleList {
    const column = (name: string) => batch.columns.find(({ field }) => field.name === name)!
    const offsets = this.#file.readInts(column('shard').offsets!.at + 4 * first, last - first + 1)
    const [start, pieces] = [offsets[0], offsets[last - first] - offsets[0]]
    if (start < 0 || pieces < 0 || 4 * (start + pieces) > column('shard').values.bytes)
      throw this.#file.corrupt('its samples are not in order')
    const values = (name: string) => this.#file.readInts(column(name).values.at + 4 * start, pieces)
    return {
      offsets: offsets.map(offset => offset - start),
      shard: values('shard'),
      start: values('start'),
      length: values('length'),
      tokens: this.#file.readInts(column('tokens').values.at + 4 * first, last - first),
      ...(this.identity.version === 2 && { bound: boundBy(this.identity, values) }),
    }
  }
}

/** A feed that was begun under the rule before for names of folders has blocks where that says. Throws `trimmed` for one that was let go. */
function openBlock(dir: string, block: BlockRef): ColumnFile {
  const [path, before] = [blockPath(block), blockPath(block, folderBefore(block.domain))]
  try {
    return new ColumnFile(join(dir, path))
  } catch (missing) {
    if (!isNotFound(missing)) throw missing
    const absent = findReason(dir, block, path) ?? missing
    if (path === before) throw absent
    try {
      return new ColumnFile(join(dir, before))
    } catch (error) {
      throw isNotFound(error) ? absent : error
    }
  }
}

/** Why a block's file is missing, where it was let go. */
function findReason(dir: string, block: BlockRef, path: string): HeadraceError | null {
  const trim = readTrimNow(dir)
  const names = [blockPath(block), blockPath(block, folderBefore(block.domain))]
  if (!trim || !names.some(name => trim.blocks.includes(name))) return null
  return new HeadraceError('trimmed', `${join(dir, path)} was let go: ${describeTrim(dir, trim)}`)
}

function describeBlock(block: BlockRef | string): string {
  if (typeof block === 'string') return 'a block of samples'
  return `block ${block.number} of '${block.domain}', epoch ${block.epoch}${block.cut ? `, cut ${block.cut}` : ''}`
}

const isNotFound = (error: unknown) => error instanceof HeadraceError && error.code === 'not-found'

function parseIdentity(json = 'null'): BlockIdentity | null {
  try {
    const identity = JSON.parse(json) as BlockIdentity | null
    const isKnown = identity?.version === 1 || identity?.version === 2
    return isKnown && Array.isArray(identity.shards) && identity.shards.every(isShard) ? identity : null
  } catch {
    return null
  }
}

/** Read at a time. */
const hashBytes = 1 << 20

const isCut = isObjectOf({ fitting: isCount, cut: isCount })
const isShard = (shard: Partial<BlockShard> | null) =>
  typeof shard?.path === 'string' && typeof shard.sha256 === 'string'
const isSameBlock = (a: BlockRef, b: BlockRef) =>
  a.domain === b.domain && a.number === b.number && a.epoch === b.epoch && a.cut === b.cut

function boundBy(
  { cutTargets }: { cutTargets?: 'next' | undefined },
  values: (name: keyof Bound) => Int32Array,
): Bound {
  const bound = { check: values('check'), slot: values('slot'), row: values('row') }
  return cutTargets ? { ...bound, next: values('next') } : bound
}

const listNames = ['shard', 'start', 'length']
const boundNames = ['check', 'slot', 'row']

function hasColumns(batch: BatchLayout, { version, cutTargets }: BlockIdentity): boolean {
  const has = (name: string, kind: string) =>
    batch.columns.some(({ field }) => field.name === name && field.kind === kind)
  const lists = version === 1 ? listNames : [...listNames, ...boundNames, ...(cutTargets ? ['next'] : [])]
  return lists.every(name => has(name, 'list<i32>')) && has('tokens', 'i32')
}

function joinLists(parts: readonly SampleList[]): SampleList {
  const [first] = parts
  const tokens = joinColumn(parts, part => part.tokens)
  const offsets = new Int32Array(tokens.length + 1)
  let [at, before] = [0, 0]
  for (const part of parts) {
    for (let i = 1; i < part.offsets.length; i++) offsets[++at] = before + part.offsets[i]
    before += part.shard.length
  }
  const joined = (name: 'shard' | 'start' | 'length') => joinColumn(parts, part => part[name])
  const bound = (name: keyof Bound) => joinColumn(parts, part => part.bound![name]!)
  const pieces = { shard: joined('shard'), start: joined('start'), length: joined('length') }
  return {
    offsets,
    ...pieces,
    tokens,
    ...(first?.bound && { bound: boundBy({ cutTargets: first.bound.next && 'next' }, bound) }),
  }
}

function joinColumn(parts: readonly SampleList[], column: (part: SampleList) => Int32Array): Int32Array {
  const all = new Int32Array(parts.reduce((sum, part) => sum + column(part).length, 0))
  let at = 0
  for (const part of parts) {
    all.set(column(part), at)
    at += column(part).length
  }
  return all
}
