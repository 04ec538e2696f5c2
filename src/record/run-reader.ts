import { stat } from 'node:fs/promises'
import { type Batch, numbers, stringAt, utf8 } from '../batch/batch.ts'
import { type Address, rowOf, slotOf } from '../decide/decider.ts'
import { HeadraceError } from '../errors.ts'
import type { Entry, Log } from '../log/log.ts'
import { Ahead } from './ahead.ts'
import { bindingOf } from './binding.ts'
import { decodeEntry } from './entry.ts'
import { decodeKept, joinKept } from './kept.ts'
import { deadPartitionsOf, topics } from './layout.ts'
import { type ChoosePlace, openLogToRead, takePlace } from './open-log.ts'
import { type RunFile, readRunFile } from './run-file.ts'
import { decodeScored } from './scored.ts'
import { positionsAt, readBySlot, readSlot, SlotReader } from './slots.ts'
import { readTrimmed } from './trimmed.ts'

/** Bytes of ids kept for look-ups of duplicates' originals: those of some 4,000 slots. */
const idBytesMax = 64 * 1024 * 1024

/** One decided slot with all that is recorded of it. */
export interface RecordedSlot {
  readonly slot: number
  readonly scored: Batch
  readonly drops: Batch | null
  readonly dead: Batch | null
}

/** Reads a run's log, while it goes or afterwards, without touching it. */
export class RunReader implements AsyncDisposable {
  readonly dir: string
  readonly run: RunFile
  readonly log: Log
  /** The first slot that the run still keeps whole: those before it were trimmed, and are passed over. */
  readonly first: number
  readonly #choosePlace: ChoosePlace
  readonly #ids = new Map<number, Batch>()
  #idBytes = 0

  private constructor(dir: string, run: RunFile, log: Log, first: number, choosePlace: ChoosePlace) {
    this.dir = dir
    this.run = run
    this.log = log
    this.first = first
    this.#choosePlace = choosePlace
  }

  /** `choosePlace` says where the log is, of which the run's file may be somebody else's word; by default it is where that says. */
  static async open(dir: string, choosePlace: ChoosePlace = takePlace): Promise<RunReader> {
    const recorded = await readRunFile(dir)
    if (recorded) {
      const place = await choosePlace(dir, recorded)
      const run = { ...recorded, log: place.log, logConfig: place.logConfig }
      const log = await openLogToRead(dir, run, choosePlace)
      return new RunReader(dir, run, log, await readTrimmed(dir, bindingOf(run)), choosePlace)
    }
    const exists = await stat(dir).catch(() => null)
    const what = exists ? `${dir} holds no run (no run.json)` : `there is no run ${dir}: see 'headrace run --help'`
    throw new HeadraceError('not-found', what)
  }

  /** Opens another run, which a file of this one names: whether its log's place is trusted is asked as it was for this one. */
  openOther(dir: string): Promise<RunReader> {
    return RunReader.open(dir, this.#choosePlace)
  }

  /** All slots that were decided and not trimmed, in order. */
  async *slots(): AsyncIterable<RecordedSlot> {
    // Asked first: what the deciding stage has committed, the journals opened after it hold.
    const { slot: end } = await this.log.position('decide', 0)
    await using drops = new Ahead(readBySlot(this.log, topics.drops, 1))
    await using dead = new Ahead(readBySlot(this.log, topics.dead, deadPartitionsOf(this.run)))
    const start = await positionsAt(this.log, topics.scored, this.run.partitions, this.first)
    await using reader = new SlotReader(this.log, topics.scored, start, AbortSignal.abort())
    for (let entry = await reader.next(); entry && !entry.isEnd && entry.slot < end; entry = await reader.next()) {
      const { slot } = entry
      const scored = decodeScored(entry.value)
      this.#keepIds(slot, scored)
      yield { slot, scored, drops: await batchAt(drops, slot), dead: await batchAt(dead, slot) }
    }
  }

  /** The scored rows of a slot. `trimmed` when the run no longer has it. */
  async scored(slot: number): Promise<Batch> {
    if (slot < this.first)
      throw new HeadraceError('trimmed', `slot ${slot} of ${this.dir} was trimmed: slots before ${this.first} are gone`)
    const entry = await readSlot(this.log, topics.scored, this.run.partitions, slot)
    if (entry && !entry.headers.end) return decodeScored(entry.value)
    throw new HeadraceError('not-found', `slot ${slot} is not in the log of ${this.dir}`)
  }

  /** The kept rows of a slot as they went on to the shards, or null where it is not decided. */
  async kept(slot: number): Promise<Batch | null> {
    const entry = await readSlot(this.log, topics.kept, this.run.partitions, slot)
    return entry && !entry.headers.end ? joinKept(await this.scored(slot), decodeKept(entry.value)) : null
  }

  /** The row of a batch that stands at an address, with its batch. */
  async find(address: Address): Promise<{ batch: Batch; index: number }> {
    const batch = await this.scored(slotOf(address))
    return { batch, index: this.#indexOf(batch, address) }
  }

  /** The id of the document at an address, or null when its slot was trimmed. */
  async idAt(address: Address): Promise<string | null> {
    const slot = slotOf(address)
    if (slot < this.first) return null
    const ids = this.#ids.get(slot) ?? this.#keepIds(slot, await this.scored(slot))
    return stringAt(utf8(ids, 'id'), this.#indexOf(ids, address))
  }

  #indexOf(batch: Batch, address: Address): number {
    const rows = numbers(batch, 'row')
    // Rows rise; dead ones are left out, so that a row stands at its number or before it.
    let index = Math.min(rowOf(address), rows.length - 1)
    while (index >= 0 && rows[index] > rowOf(address)) index--
    if (index >= 0 && rows[index] === rowOf(address)) return index
    throw new HeadraceError('not-found', `slot ${slotOf(address)} has no row ${rowOf(address)}`)
  }

  /** Keeps a slot's ids, as a duplicate names its original's; the oldest make room. */
  #keepIds(slot: number, scored: Batch): Batch {
    const known = this.#ids.get(slot)
    if (known) return known
    const { offsets, bytes } = utf8(scored, 'id')
    // Copied, as the slot's bytes are many times these.
    const columns = {
      id: { kind: 'utf8' as const, offsets: offsets.slice(), bytes: bytes.slice() },
      row: { kind: 'u32' as const, values: numbers(scored, 'row').slice() },
    }
    const ids = { rows: scored.rows, columns }
    this.#ids.set(slot, ids)
    this.#idBytes += bytesOfIds(ids)
    for (const [oldest, batch] of this.#ids) {
      if (this.#idBytes <= idBytesMax || oldest === slot) break
      this.#ids.delete(oldest)
      this.#idBytes -= bytesOfIds(batch)
    }
    return ids
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.log[Symbol.asyncDispose]()
  }
}

function bytesOfIds(ids: Batch): number {
  return utf8(ids, 'id').bytes.length + 8 * ids.rows
}

/** The batch that a topic has for this slot, or null: it has entries for some slots only. Slots are asked for in rising order. */
export async function batchAt(entries: Ahead<Entry>, slot: number): Promise<Batch | null> {
  for (let next = await entries.peek(); next; next = await entries.peek()) {
    const found = Number(next.headers.slot)
    if (found > slot) return null
    await entries.take()
    if (found === slot) return decodeEntry(next.value)
  }
  return null
}
