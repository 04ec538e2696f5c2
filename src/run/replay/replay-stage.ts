import { stageFields } from '../../batch/contract.ts'
import { missingColumn } from '../../batch/rows.ts'
import { limits } from '../../limits.ts'
import type { Append, Entry, Owner } from '../../log/log.ts'
import type { Plan } from '../../pipeline/plan.ts'
import { hasFailed } from '../../record/dead-records.ts'
import { decodeEntry } from '../../record/entry.ts'
import { loaderOf } from '../../record/layout.ts'
import { type LoadNote, readLoadNote } from '../../record/notes.ts'
import type { Replayed } from '../../record/run-file.ts'
import type { RunReader } from '../../record/run-reader.ts'
import { columnsOf, encodeScored, splitJoined } from '../../record/scored.ts'
import { endAppends } from '../../record/slots.ts'
import { readSplits, splitAppends } from '../../record/splits.ts'
import type { Chunk, Split } from '../../sources/source.ts'
import type { Priming, RunContext } from '../context.ts'
import { type PendingSlot, SlotWindow } from '../load/slot-window.ts'
import type { StoredSlot } from '../measure/jobs.ts'
import { finishSlot, type SlotWork } from '../measure/slot-work.ts'
import type { SegmentPlan } from './replay-plan.ts'
import { ReplayedEntries, type ReplayedSlot } from './replayed-entries.ts'
import { Standings } from './standings.ts'

/** A replay that is to go on. */
export interface Replay {
  /** The run that it is of. */
  readonly reader: RunReader
  readonly replayed: Replayed
  readonly segments: readonly SegmentPlan[]
  /** Of a recall: the recalls of the same run before it, and what stands in its tables first. Null of any other replay. */
  readonly recalling: { readonly earlier: readonly RunReader[]; readonly priming: Priming } | null
  /** The run that is replayed is a replay, whose entries are joined. */
  readonly isOfReplay: boolean
  /** Entries of this one refer to those of another run. */
  readonly isJoined: boolean
  /** Bytes of input that a slot counts for. */
  bytesOf(slot: number): number
  /** What the note of the run that is replayed says where all of it was. */
  readonly atEnd: Pick<LoadNote, 'load' | 'tombstones'>
}

/** Makes the entries of a slot of what is left to do for it. */
export type EncodeWork = (slot: number, work: SlotWork) => Promise<readonly Append[]>

/**
 * The first stage of a replay, for its owner, in the place of loading: the slots of another run are taken from its log. Where every column
 * holds, an entry says no more than which one it refers to; else what does not is measured: by this process's pool, unless `encode` leaves
 * it to others.
 */
export async function replayAll(
  context: RunContext,
  owner: Owner,
  replay: Replay,
  encode: EncodeWork = (slot, work) => finishSlot(context, slot, work),
): Promise<void> {
  const { log, watch, drain, failed, shape } = context
  const { stage } = loaderOf(shape)
  const { slot, note } = await log.position(stage, 0)
  watch({ kind: 'stage-began', stage, slot, note })
  const begun = readLoadNote({ note })
  if (begun.ended) return
  const stop = AbortSignal.any([drain, failed])
  const { reader, segments } = replay
  const splits = note === '' ? await readSplits(reader.log, reader.run) : null
  const { from, to } = replay.replayed
  const marksOnly = replay.isJoined && !replay.isOfReplay && segments.every(({ kind }) => kind === 'same')
  const needed = { source: context.plan.source, segments, from: Math.max(slot, from), to, marksOnly }
  await using entries = await ReplayedEntries.open(reader, stop, needed)
  await using standings = replay.recalling && (await Standings.open(reader, replay.recalling.earlier, needed.from))
  await new Replayer({ context, owner, replay, encode, stop, standings }, entries, slot, begun, splits).replay()
}

interface Chain {
  readonly context: RunContext
  readonly owner: Owner
  readonly replay: Replay
  readonly encode: EncodeWork
  readonly stop: AbortSignal
  readonly standings: Standings | null
}

interface ReplayingSlot extends PendingSlot {
  readonly slot: number
  readonly note: LoadNote
}

class Replayer {
  readonly #chain: Chain
  readonly #entries: ReplayedEntries
  readonly #window = new SlotWindow<ReplayingSlot>()
  #slot: number
  #note: LoadNote
  #splits: readonly Split[] | null

  constructor(chain: Chain, entries: ReplayedEntries, slot: number, note: LoadNote, splits: readonly Split[] | null) {
    this.#chain = chain
    this.#entries = entries
    this.#slot = slot
    this.#note = note
    this.#splits = splits
  }

  async replay(): Promise<void> {
    const { context, replay, stop } = this.#chain
    const slotsMax = context.pool.size * limits.slotsInFlightPerWorker
    while (this.#slot < replay.replayed.to && !stop.aborted) {
      while (this.#window.length >= slotsMax) await this.#commitReady()
      await context.lead.waitFor(this.#slot, stop)
      const begun = stop.aborted ? null : await this.#begin(this.#slot)
      // Held first: the slot may fail, too, and somebody must be there to be told.
      if (begun) this.#window.push(begun)
      context.failed.throwIfAborted()
      if (!begun) break
      this.#slot++
    }
    while (this.#window.length) await this.#commitReady()
    if (!stop.aborted) await this.#commitEnd()
  }

  /** Begins with a slot; null where reading its records was stopped. */
  async #begin(slot: number): Promise<ReplayingSlot | null> {
    const { context, replay, encode, standings } = this.#chain
    if (slot < replay.replayed.from) return { slot, note: this.#note, result: encode(slot, emptyWork(context.plan)) }
    const replayed = await this.#entries.next(slot)
    const segment = replay.segments.findLast(({ from }) => from <= slot)!
    const chunks = await this.#entries.records(slot, whyRecords(segment, replayed.dead))
    if (!chunks) return null
    const bytes = replay.bytesOf(slot)
    this.#note = { ...this.#note, readBytes: this.#note.readBytes + bytes }
    context.watch({ kind: 'loaded', slot, bytes })
    const canRefer = segment.kind === 'same' && this.#canTake(replayed)
    const told = standings && (await standings.of(slot, replayed.value))
    const work = canRefer ? this.#refer(replayed) : this.#measure(replayed, segment, chunks, told)
    return { slot, note: this.#note, result: encode(slot, work) }
  }

  /** Whether the entry of a slot whose columns all hold can be this run's as it is, or its part that differs from the first run's. */
  #canTake({ value }: ReplayedSlot): boolean {
    const { isJoined, isOfReplay, reader } = this.#chain.replay
    if (isJoined && !isOfReplay) return true
    // What is taken is stored again: not texts, where these are left out.
    const isAlike = (this.#chain.context.plan.storedText === 'all') === (reader.run.storedText === undefined)
    return isAlike && (isJoined || !splitJoined(value))
  }

  /** A slot whose columns all hold. */
  #refer({ headers, value, mark, dead }: ReplayedSlot): SlotWork {
    const { isJoined, isOfReplay } = this.#chain.replay
    const measured = {
      scored: isJoined ? ownOf(value, isOfReplay && headers.base === undefined) : value,
      isJoined,
      dead: dead?.value ?? null,
      rows: Number(headers.rows),
      deadRows: Number(headers.dead),
    }
    return { measured, base: isOfReplay ? headers.base : mark }
  }

  #measure(
    replayed: ReplayedSlot,
    { before, kind }: SegmentPlan,
    chunks: readonly Chunk[],
    standings: Uint8Array | null,
  ): SlotWork {
    const { value, headers, mark, dead } = replayed
    const base = this.#baseOf(replayed)
    const of = { value, dead: dead?.value ?? null, ...(standings && { standings }) }
    const stored: StoredSlot = kind === 'anew' ? { ...of, before: null, base: null } : { ...of, before, base }
    return { chunks, stored, base: base === 'self' ? mark : headers.base }
  }

  #baseOf({ headers }: ReplayedSlot): StoredSlot['base'] {
    const { isJoined, isOfReplay } = this.#chain.replay
    if (!isJoined) return null
    if (!isOfReplay) return 'self'
    return headers.base === undefined ? null : 'joined'
  }

  /** Commits the oldest slot in flight and all that are ready behind it. */
  async #commitReady(): Promise<void> {
    const { slots, appends } = await this.#window.takeReady()
    const last = slots.at(-1)!
    await this.#commit(appends, last.slot + 1, last.note)
  }

  async #commitEnd(): Promise<void> {
    const { context, replay } = this.#chain
    const end = endAppends(loaderOf(context.shape).slots, this.#slot, context.shape.partitions)
    await this.#commit(end, this.#slot + 1, { ...this.#note, ...replay.atEnd, ended: true })
  }

  /** Commits slots up to `slot` (not included); the first time with the splits that they were read from. */
  async #commit(appends: readonly Append[], slot: number, note: LoadNote): Promise<void> {
    const { owner, context } = this.#chain
    const positions = [{ partition: 0, offset: BigInt(slot), slot, note: JSON.stringify(note) }]
    const splits = splitAppends(context.shape, this.#splits ?? [])
    this.#splits = null
    await owner.commit({ positions, appends: [...splits, ...appends] })
  }
}

/** A slot before the first that is replayed. */
function emptyWork(plan: Plan): SlotWork {
  const columns = [...plan.fields, ...stageFields].map(field => [field.name, missingColumn(field, 0)])
  const scored = encodeScored({ rows: 0, columns: Object.fromEntries(columns) }, columnsOf(plan))
  return { measured: { scored, dead: null, rows: 0, deadRows: 0 }, base: undefined }
}

/** Why the records of a slot must be read again, or null. */
function whyRecords({ whySource, retriesFailed }: SegmentPlan, dead: Entry | null): string | null {
  if (whySource !== null || !retriesFailed || !dead) return whySource
  return hasFailed(decodeEntry(dead.value)) ? 'a record that an annotator failed on may be measured now' : null
}

/** What an entry has of its own; all, where it refers to none. */
function ownOf(value: Uint8Array, isWhole: boolean): Uint8Array {
  return isWhole ? value : (splitJoined(value)?.own.slice() ?? new Uint8Array(0))
}
