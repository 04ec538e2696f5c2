import { encodeFile } from '../batch/arrow/ipc.ts'
import type { BatchLayout, ColumnLayout, Metadata } from '../batch/arrow/layout.ts'
import { type Batch, fieldOf } from '../batch/batch.ts'
import { concatBatches } from '../batch/rows.ts'
import { type OnEffect, writeDurably } from '../disk/durable-file.ts'
import { HeadraceError } from '../errors.ts'
import { limits } from '../limits.ts'
import { ColumnFile } from './column-file.ts'

/**
 * A shard holds documents of one domain: an uncompressed Arrow IPC file, a row a document. Columns: `tokens` list<int32>, `id` utf8,
 * `slot` and `row` uint32 (the document's address), and whatever scores it was given. Record batches have at most 64 MB.
 */

/** Writes a shard so that a crash leaves all of it or nothing. Same rows and metadata, same bytes. `bytesMax`: of a record batch. */
export async function writeShard(
  path: string,
  batches: readonly Batch[],
  metadata: Metadata,
  { bytesMax = limits.recordBatchBytesMax, onEffect }: { bytesMax?: number; onEffect?: OnEffect } = {},
): Promise<{ bytes: number; sha256: string }> {
  const fields = Object.entries(batches[0].columns).map(([name, column]) => fieldOf(name, column))
  return writeDurably(path, encodeFile(groupBatches(batches, bytesMax), fields, metadata), onEffect)
}

/** Neighbours joined into batches of at most `bytesMax`; one that is larger by itself stays as it is. */
function* groupBatches(batches: readonly Batch[], bytesMax: number): Generator<Batch> {
  let group: Batch[] = []
  let bytes = 0
  for (const batch of batches) {
    const size = bytesOf(batch)
    if (group.length > 0 && bytes + size > bytesMax) {
      yield concatBatches(group)
      group = []
      bytes = 0
    }
    group.push(batch)
    bytes += size
  }
  if (group.length > 0) yield concatBatches(group)
}

function bytesOf(batch: Batch): number {
  let bytes = 0
  for (const column of Object.values(batch.columns)) {
    if ('offsets' in column) bytes += column.offsets.byteLength
    bytes += 'values' in column ? column.values.byteLength : column.bytes.length
  }
  return bytes
}

/** What a shard must be, as its manifest entry or its block says. */
export interface ShardIdentity {
  readonly bytes: number
  readonly rows: number
  readonly tokens: number
}

/** Opens a shard for positioned reads. A missing file throws `not-found`; a torn one, or another than `expected`, `corrupt`. */
export function openShard(path: string, expected?: ShardIdentity): Shard {
  const shard = new Shard(path)
  if (expected) {
    const [is, was] = [shard, expected].map(
      ({ bytes, rows, tokens }) => `${bytes} bytes, ${rows} rows, ${tokens} tokens`,
    )
    if (is !== was) {
      shard.close()
      throw new HeadraceError('corrupt', `shard ${path} has ${is}; its manifest entry says ${was}`)
    }
  }
  return shard
}

interface Part {
  readonly layout: BatchLayout
  readonly tokens: ColumnLayout
  readonly firstRow: number
  readonly firstToken: number
  readonly ids: ColumnLayout
  /** Where each row's tokens begin, read when first asked for. */
  starts: Int32Array | null
}

/** An open shard: one file descriptor and, once asked for, 4 bytes a document. Tokens are numbered through all its documents. */
export class Shard implements Disposable {
  readonly bytes: number
  readonly rows: number
  readonly tokens: number
  readonly metadata: Metadata
  readonly #file: ColumnFile
  readonly #parts: readonly Part[]

  constructor(path: string) {
    this.#file = new ColumnFile(path)
    this.bytes = this.#file.bytes
    this.metadata = this.#file.layout.metadata
    this.#parts = partsOf(this.#file)
    const last = this.#parts.at(-1)
    this.rows = last ? last.firstRow + last.layout.rows : 0
    this.tokens = last ? last.firstToken + last.tokens.values.bytes / 4 : 0
  }

  close(): void {
    this.#file.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  /** Tokens of each document, read without the tokens. */
  lengths(): Int32Array {
    const lengths = new Int32Array(this.rows)
    for (const part of this.#parts) {
      const offsets = this.#offsetsOf(part)
      for (let row = 0; row < part.layout.rows; row++) lengths[part.firstRow + row] = offsets[row + 1] - offsets[row]
    }
    return lengths
  }

  /** Fills `target` with the tokens from `start` on. They must lie in the shard. */
  readTokens(start: number, target: Int32Array): void {
    for (let done = 0; done < target.length; ) {
      const part = this.#partAt(start + done)
      const from = start + done - part.firstToken
      const count = Math.min(target.length - done, part.tokens.values.bytes / 4 - from)
      const bytes = new Uint8Array(target.buffer, target.byteOffset + 4 * done, 4 * count)
      this.#file.readInto(bytes, part.tokens.values.at + 4 * from)
      done += count
    }
  }

  /** What to throw where tokens are not those that a block lists. */
  damagedAt(start: number, tokens: number): HeadraceError {
    const part = this.#partAt(start)
    const byte = part.tokens.values.at + 4 * (start - part.firstToken)
    return this.#file.corrupt(
      `its tokens ${start} to ${start + tokens - 1}, from byte ${byte} on, are not those that its block was cut from: restore it from a copy, and see headrace verify for what else is damaged`,
    )
  }

  /** The id of the document that holds token `token`. */
  idAt(token: number): string {
    const part = this.#partAt(token)
    const row = lastAtMost(this.#offsetsOf(part), token - part.firstToken)
    const { ids } = part
    const [from, to] = this.#file.readInts(ids.offsets!.at + 4 * row, 2)
    if (from < 0 || to < from || to > ids.values.bytes) throw this.#file.corrupt('its ids are damaged')
    return decoder.decode(this.#file.read(ids.values.at + from, to - from))
  }

  /** All rows of the columns `names`, or of all columns, batch by batch. */
  *batches(names?: readonly string[]): Generator<Batch> {
    for (const part of this.#parts) yield this.#file.view(part.layout, names)
  }

  #partAt(token: number): Part {
    const part = this.#parts.findLast(part => part.firstToken <= token && part.tokens.values.bytes > 0)
    if (!part || token < 0 || token >= this.tokens)
      throw this.#file.corrupt(`token ${token} lies outside its ${this.tokens} tokens`)
    return part
  }

  #offsetsOf(part: Part): Int32Array {
    if (part.starts) return part.starts
    const { offsets, values } = part.tokens
    const starts = offsets ? this.#file.readInts(offsets.at, offsets.bytes / 4) : new Int32Array(1)
    let isRising = starts[0] === 0 && starts.at(-1) === values.bytes / 4
    for (let row = 1; row < starts.length; row++) if (starts[row] < starts[row - 1]) isRising = false
    if (!isRising) throw this.#file.corrupt('its document lengths are not in order')
    part.starts = starts
    return starts
  }
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

function partsOf(file: ColumnFile): Part[] {
  let [firstRow, firstToken] = [0, 0]
  return file.layout.batches.map(layout => {
    const tokens = layout.columns.find(({ field }) => field.name === 'tokens' && field.kind === 'list<i32>')
    const ids = layout.columns.find(({ field }) => field.name === 'id' && field.kind === 'utf8')
    if (!tokens || !ids) throw file.corrupt("it has no columns 'tokens' (list<int32>) and 'id' (utf8)")
    const part = { layout, tokens, ids, firstRow, firstToken, starts: null }
    firstRow += layout.rows
    firstToken += tokens.values.bytes / 4
    return part
  })
}

/** The last row that begins at `token` or before it and is not empty. */
function lastAtMost(offsets: Int32Array, token: number): number {
  let [low, high] = [0, offsets.length - 2]
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (offsets[middle] <= token) low = middle
    else high = middle - 1
  }
  return low
}
