import { HeadraceError } from '../../errors.ts'
import { limits } from '../../limits.ts'
import type { Append, Owner } from '../../log/log.ts'
import { loaderOf } from '../../record/layout.ts'
import { type LoadNote, readLoadNote } from '../../record/notes.ts'
import { refuseFollow } from '../../record/refusals.ts'
import { endAppends } from '../../record/slots.ts'
import { readSplits } from '../../record/splits.ts'
import type { LeftOut } from '../../sources/left-out.ts'
import type { Chunk, Source, Split } from '../../sources/source.ts'
import type { RunContext } from '../context.ts'
import { Lanes, type LoadedSlot, startLoadPosition } from './lanes.ts'
import { type PendingSlot, SlotWindow } from './slot-window.ts'
import { type MoreSplits, type OpenMore, SplitList } from './split-list.ts'

/** What a loader is handed, which differs between a run of one process and one that several share. */
export interface LoadParts {
  /** Makes the entries of a slot: measured, or as it was read. */
  readonly encode: (slot: number, chunks: readonly Chunk[]) => Promise<readonly Append[]>
  readonly openMore: OpenMore
  /** Whether the next commit shall list all splits again, so that what stands before it can be trimmed. Default never. */
  readonly wantsAllSplits?: () => boolean
}

/**
 * The stage that loads, for its owner. Splits, in the order in which the run met them, are read by lanes, chunk by chunk. Chunks make
 * slots, which are encoded in any order and committed in their own with the loader's position. A finite source ends with the `end` slot;
 * a drain or a follower does not, so it can go on.
 */
export async function loadAll(context: RunContext, owner: Owner, parts: LoadParts): Promise<void> {
  const { stage } = loaderOf(context.shape)
  const { slot, note } = await context.log.position(stage, 0)
  context.watch({ kind: 'stage-began', stage, slot, note })
  const begun = readLoadNote({ note })
  if (begun.ended) return tellLaterSplits(context)
  const stop = AbortSignal.any([context.drain, context.failed])
  const position = begun.load ?? startLoadPosition(context.shape.lanes)
  const splits = await SplitList.open(context, position)
  const tell = (waiting: string) => context.watch({ kind: 'source-waits', waiting })
  const lanes = new Lanes(context.plan.source, splits, position, stop, tell)
  await using more = await parts.openMore(splits, () => lanes.position(), stop)
  await splits.search(position, stop)
  await new Loader({ context, owner, parts, splits, lanes, more, stop }, slot, begun).load()
}

/** A run that has ended has closed its topics: what reads them, a trainer among them, has taken the end as final. */
async function tellLaterSplits({ log, plan, drain, shape, dir, watch }: RunContext): Promise<void> {
  if (plan.source.options.follow) throw refuseFollow(dir)
  const known = await readSplits(log, shape)
  const names = new Set(known.map(split => split.name))
  let count = 0
  for await (const name of listNames(plan.source, drain, known)) if (!names.has(name)) count++
  watch({ kind: 'later-splits', splits: count })
}

/** Where reading begins again changes what is told, which must change no bytes. */
const withoutNotes = (chunk: Chunk): Chunk => (chunk.notes ? { ...chunk, notes: undefined } : chunk)
/** The names of what a source has now. Nothing is read any more, so that an input that is gone is no fault. */
async function* listNames(source: Source, signal: AbortSignal, known: readonly Split[]): AsyncGenerator<string, void> {
  try {
    if (source.names) yield* await source.names()
    else for await (const { name } of source.splits(signal, known)) yield name
  } catch (error) {
    if (!(error instanceof HeadraceError) || error.code !== 'not-found') throw error
  }
}

/** What a loader reads from and commits to. */
interface Chain {
  readonly context: RunContext
  readonly owner: Owner
  readonly parts: LoadParts
  readonly splits: SplitList
  readonly lanes: Lanes
  readonly more: MoreSplits
  readonly stop: AbortSignal
}

interface LoadingSlot extends PendingSlot {
  readonly slot: number
  readonly note: LoadNote
  /** The splits that it is the first to be read from. */
  readonly splits: readonly Split[]
}

class Loader {
  readonly #chain: Chain
  readonly #window = new SlotWindow<LoadingSlot>()
  /** The slot that is cut next, and the note of the one before it. */
  #slot: number
  #note: LoadNote
  /** What this process has told that lies beside the files; null where only another process has. */
  #leftOut: readonly LeftOut[] | null

  constructor(chain: Chain, slot: number, note: LoadNote) {
    this.#chain = chain
    this.#slot = slot
    this.#note = note
    this.#leftOut = note.leftOut ? null : []
  }

  /** Loads until the source has ended and nothing more is asked for, or the run stops. */
  async load(): Promise<void> {
    const { splits, more, stop } = this.#chain
    await this.#lookBeside()
    for (;;) {
      const known = await this.#cutSlots()
      while (this.#window.length) await this.#commitReady()
      if (stop.aborted) return
      await this.#commitPosition()
      if (!(await splits.waitForMore(known)) && !(await more.addLast())) break
    }
    if (!stop.aborted) await this.#commitEnd()
  }

  /** Cuts slots until there is nothing to read now, or the run stops. Returns how many splits it knew of then. */
  async #cutSlots(): Promise<number> {
    const { context, splits, lanes, stop } = this.#chain
    for (;;) {
      await this.#makeRoom()
      await context.lead.waitFor(this.#slot, stop)
      const known = splits.length
      const loaded = stop.aborted ? null : await lanes.next()
      context.failed.throwIfAborted()
      // What was cut while the drain began may be short; it is read again later.
      if (!loaded || stop.aborted) return known
      this.#begin(loaded)
    }
  }

  async #makeRoom(): Promise<void> {
    const slotsMax = this.#chain.context.pool.size * limits.slotsInFlightPerWorker
    while (this.#window.length >= slotsMax) await this.#commitReady()
  }

  #begin({ chunks, after }: LoadedSlot): void {
    const { context, parts, splits } = this.#chain
    const slot = this.#slot++
    const bytes = chunks.reduce((sum, chunk) => sum + chunk.bytes.length, 0)
    const tombstones = chunks.reduce((sum, chunk) => sum + (chunk.tombstones ?? 0), this.#note.tombstones)
    this.#note = { ...this.#note, load: after, readBytes: this.#note.readBytes + bytes, tombstones, ended: false }
    context.watch({ kind: 'loaded', slot, bytes })
    for (const { split, notes = [] } of chunks)
      for (const what of notes) context.watch({ kind: 'passed-over', split, what })
    const fresh = splits.takeNew()
    this.#window.push({ slot, note: this.#note, splits: fresh, result: parts.encode(slot, chunks.map(withoutNotes)) })
  }

  /** Commits the oldest slot in flight and all that are ready behind it. */
  async #commitReady(): Promise<void> {
    const { slots, appends } = await this.#window.takeReady()
    const last = slots.at(-1)!
    const fresh = slots.flatMap(({ splits }) => splits)
    await this.#commit(fresh, appends, last.slot + 1, last.note)
  }

  /** A follower that waits has its position kept past the files that it has read to their end, as these may be mended now. */
  async #commitPosition(): Promise<void> {
    const { context, splits, lanes } = this.#chain
    const load = lanes.position()
    if (!context.plan.source.options.follow) return
    await this.#lookBeside()
    if (JSON.stringify(load) === JSON.stringify(this.#note.load)) return
    this.#note = { ...this.#note, load }
    await this.#commit(splits.takeNew(), [], this.#slot, this.#note)
  }

  /** Tells what lies beside the files that were listed, and notes it with the next commit. */
  async #lookBeside(): Promise<void> {
    const { plan, watch } = this.#chain.context
    const leftOut = (await plan.source.leftOut?.()) ?? []
    if (JSON.stringify(leftOut) === JSON.stringify(this.#leftOut)) return
    this.#leftOut = leftOut
    this.#note = { ...this.#note, leftOut }
    watch({ kind: 'left-out', leftOut })
  }

  async #commitEnd(): Promise<void> {
    const { context, splits } = this.#chain
    const end = endAppends(loaderOf(context.shape).slots, this.#slot, context.shape.partitions)
    await this.#commit(splits.takeNew(), end, this.#slot + 1, { ...this.#note, ended: true })
  }

  /** Commits slots up to `slot` (not included) with the splits that they were the first to be read from. */
  async #commit(fresh: readonly Split[], appends: readonly Append[], slot: number, note: LoadNote): Promise<void> {
    const { owner, parts, splits, lanes, more } = this.#chain
    const positions = [{ partition: 0, offset: BigInt(slot), slot, note: JSON.stringify(note) }]
    const recording = splits.record(fresh, lanes.takeRead(), parts.wantsAllSplits?.() ?? false)
    await owner.commit({ positions, appends: [...recording, ...appends] })
    await more.settle(fresh)
    splits.forgetRead(note.load!)
  }
}
