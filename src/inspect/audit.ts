import { join } from 'node:path'
import { numbers, stringAt, utf8 } from '../batch/batch.ts'
import { type Address, addressOf } from '../decide/decider.ts'
import { HeadraceError } from '../errors.ts'
import { BlockFile } from '../feed/files/block-file.ts'
import { OpenFiles } from '../feed/files/file-cache.ts'
import { type Head, readHead } from '../feed/files/head.ts'
import { LedgerReader } from '../feed/files/ledger.ts'
import { Masks } from '../feed/files/masks.ts'
import { blockOf, type Step } from '../feed/files/steps.ts'
import type { RunReader } from '../record/run-reader.ts'
import { documentAt, readAddresses, type ShardAddresses } from '../shards/addresses.ts'
import { openShard, type Shard } from '../shards/shard.ts'

/** A piece of a document in a step. `file` and `line` are null where the document's slot was trimmed. */
export interface AuditedPiece {
  /** The sample's number in the step: rank k mod world has it. */
  readonly sample: number
  readonly domain: string
  readonly id: string
  readonly file: string | null
  readonly line: number | null
  readonly slot: number
  readonly row: number
  readonly shard: string
  readonly tokens: number
  readonly masked: 'nothing' | 'targets' | 'all'
}

/** What a feed's step is, and what bound it to what it was made of. */
export interface AuditedStep {
  readonly head: Head
  readonly step: Step
  readonly pieces: readonly Omit<AuditedPiece, 'file' | 'line'>[]
}

/** Reads what a published step holds, and what of it is masked now. Throws `not-found` for a step that is not published. */
export async function auditStep(dir: string, number: number): Promise<AuditedStep> {
  const head = await readHead(dir)
  if (!head) throw new HeadraceError('not-found', `there is no feed in ${dir}`)
  if (number >= head.steps)
    throw new HeadraceError('not-found', `step ${number} is not published: the feed in ${dir} has ${head.steps} steps`)
  const step = await new LedgerReader(dir, head).open(number)
  const masks = new Masks(dir)
  await masks.refresh()
  using shards = new Rows(join(dir, head.shards))
  return { head, step, pieces: [...piecesOf(dir, step, shards, masks)] }
}

function* piecesOf(
  dir: string,
  { step, domains }: Step,
  shards: Rows,
  masks: Masks,
): Generator<AuditedStep['pieces'][0]> {
  let sample = 0
  for (const domain of Object.keys(domains).sort())
    for (const range of domains[domain]) {
      const { from, to } = range
      using file = new BlockFile(dir, blockOf(domain, range))
      const list = file.read(from, to)
      for (let i = 0; i < to - from; i++, sample++)
        for (let piece = list.offsets[i]; piece < list.offsets[i + 1]; piece++) {
          const { path } = file.identity.shards[list.shard[piece]]
          const { shard, row } = shards.find(path, list.start[piece])
          const masked = masks.judge(shard, list.start[piece], step)
          yield { sample, domain, ...row, shard: path, tokens: list.length[piece], masked }
        }
    }
}

/** Shards that are open at once, with 16 bytes a document. */
const shardsMax = 64

interface OpenRows extends Disposable, ShardAddresses {
  readonly shard: Shard
}

/** The documents of shards by their tokens. */
class Rows implements Disposable {
  readonly #dir: string
  readonly #open = new OpenFiles<OpenRows>(shardsMax)

  constructor(dir: string) {
    this.#dir = dir
  }

  find(path: string, token: number): { shard: Shard; row: Pick<AuditedPiece, 'id' | 'slot' | 'row'> } {
    const open = this.#open.get(path, () => this.#read(path))
    const [{ shard, slots, rows }, document] = [open, documentAt(open, token)]
    return { shard, row: { id: shard.idAt(token), slot: slots[document], row: rows[document] } }
  }

  #read(path: string): OpenRows {
    const shard = openShard(join(this.#dir, path))
    return { shard, ...readAddresses(shard), [Symbol.dispose]: () => shard.close() }
  }

  [Symbol.dispose](): void {
    this.#open[Symbol.dispose]()
  }
}

/** Adds each document's file and line, which stand in the run's log: each slot is read once. */
export async function addSources(run: RunReader, pieces: AuditedStep['pieces']): Promise<AuditedPiece[]> {
  const sources = new Map<Address, Pick<AuditedPiece, 'file' | 'line'>>()
  for (const [slot, inSlot] of Map.groupBy(pieces, piece => piece.slot)) {
    if (slot < run.first) continue
    const wanted = new Set(inSlot.map(({ row }) => row))
    const batch = await run.scored(slot)
    const [rows, lines] = [numbers(batch, 'row'), numbers(batch, 'line')]
    for (let i = 0; i < batch.rows; i++)
      if (wanted.has(rows[i]))
        sources.set(addressOf(slot, rows[i]), { file: stringAt(utf8(batch, 'file'), i), line: lines[i] })
  }
  const unknown = { file: null, line: null }
  return pieces.map(piece => ({ ...piece, ...(sources.get(addressOf(piece.slot, piece.row)) ?? unknown) }))
}
