import { setTimeout as sleep } from 'node:timers/promises'
import { HeadraceError } from '../errors.ts'
import { limits } from '../limits.ts'
import { type Append, type Log, type Position, readCommitted } from '../log/log.ts'
import type { Source, Split } from '../sources/source.ts'
import { type RunContext, topics } from './context.ts'
import type { AnnotateResult } from './jobs.ts'
import { Lanes, type LoadedSlot, type LoadPosition, startLoadPosition } from './lanes.ts'
import { endAppends, slotAppend } from './slots.ts'

interface LoadNote {
  readonly load: LoadPosition
  readonly readBytes: number
  readonly ended: boolean
}

interface InFlight {
  readonly slot: number
  readonly result: Promise<AnnotateResult>
  readonly note: LoadNote
  readonly splits: readonly Split[]
  isSettled: boolean
}

/**
 * The loading and annotating stage. It cuts the input into slots, has the pool measure them in any order, and commits them in slot
 * order with the loader's position. A finite source ends with the `end` slot; a drain or a follower does not, so it can go on.
 */
export async function runLoadStage(context: RunContext): Promise<void> {
  await using owner = await context.log.own('annotate')
  const position = await context.log.position('annotate', 0)
  const note: LoadNote = position.note
    ? JSON.parse(position.note)
    : { load: startLoadPosition(context.shape.lanes), readBytes: 0, ended: false }
  context.progress.annotated = position.slot
  context.progress.readBytes = context.progress.readBytesBefore = note.readBytes
  if (note.ended) {
    checkMayEnd(context)
    context.progress.laterSplits = await countLaterSplits(context)
    return
  }
  const stop = AbortSignal.any([context.drain, context.failed])
  const splits = await SplitList.open(context, stop)
  const window: InFlight[] = []
  const lanes = new Lanes(context.plan.source, splits.all, note.load, stop)
  const commit = (appends: Append[], slot: number, after: LoadNote) => {
    const positions: Position[] = [{ partition: 0, offset: BigInt(slot), slot, note: JSON.stringify(after) }]
    return owner.commit({ positions, appends }).then(() => {
      context.progress.annotated = slot
    })
  }
  let slot = position.slot
  let last = note
  for (;;) {
    while (window.length >= context.pool.size * limits.slotsInFlightPerWorker)
      await commitReady(context, window, commit)
    await waitForReaders(context, slot, stop)
    const known = splits.all.length
    const loaded = stop.aborted ? null : await lanes.next()
    context.failed.throwIfAborted()
    // What was cut while the drain began may be short; it is read again later.
    if (loaded && !stop.aborted) {
      last = noteAfter(last, loaded)
      context.progress.readBytes = last.readBytes
      window.push(sendToPool(context, slot++, loaded, last, splits.takeNew()))
      continue
    }
    while (window.length) await commitReady(context, window, commit)
    if (stop.aborted) return
    if (!(await splits.waitForMore(known))) break
  }
  if (stop.aborted) return
  const unread = splits.takeNew()
  const end = endAppends(topics.scored, slot, context.shape.partitions)
  await commit([...splitAppends(unread), ...end], slot + 1, { ...last, ended: true })
}

/** A run that has ended has closed its topics: what reads them, a trainer among them, has taken the end as final. */
function checkMayEnd({ plan, dir }: RunContext): void {
  if (plan.source.options.follow)
    throw new HeadraceError(
      'bad-option',
      `the run in ${dir} has ended and can't follow further files: begin another with --run NAME, with --follow from its start`,
    )
}

async function countLaterSplits({ log, plan, drain }: RunContext): Promise<number> {
  const known = new Set((await readSplits(log)).map(split => split.name))
  let count = 0
  for await (const split of plan.source.splits(drain)) if (!known.has(split.name)) count++
  return count
}

/** The splits that the run has met, in that order. */
async function readSplits(log: Log): Promise<Split[]> {
  const splits: Split[] = []
  for await (const entry of readCommitted(log, topics.splits))
    splits.push(...(JSON.parse(Buffer.from(entry.value).toString()) as Split[]))
  return splits
}

function noteAfter(last: LoadNote, { chunks, after }: LoadedSlot): LoadNote {
  const readBytes = last.readBytes + chunks.reduce((sum, chunk) => sum + chunk.bytes.length, 0)
  return { load: after, readBytes, ended: false }
}

function sendToPool(
  { pool }: RunContext,
  slot: number,
  { chunks }: LoadedSlot,
  note: LoadNote,
  splits: readonly Split[],
): InFlight {
  const entry = { slot, result: pool.annotate(slot, chunks), note, splits, isSettled: false }
  const settle = () => {
    entry.isSettled = true
  }
  entry.result.then(settle, settle)
  return entry
}

/** Commits the oldest slot in flight and all that are ready behind it. */
async function commitReady(
  context: RunContext,
  window: InFlight[],
  commit: (appends: Append[], slot: number, note: LoadNote) => Promise<void>,
): Promise<void> {
  const appends: Append[] = []
  let bytes = 0
  let last: InFlight | undefined
  do {
    last = window[0]
    const result = await last.result
    window.shift()
    bytes += result.scored.length
    appends.push(...splitAppends(last.splits), ...slotAppends(context, last.slot, result))
  } while (window[0]?.isSettled && bytes < limits.commitBytesMax / 2)
  await commit(appends, last.slot + 1, last.note)
}

function slotAppends(context: RunContext, slot: number, result: AnnotateResult): Append[] {
  const headers = {
    rows: String(result.rows),
    dead: String(result.deadRows),
    contract: 'document.v1',
    fingerprint: context.plan.annotateFingerprint,
  }
  const scored = slotAppend(topics.scored, slot, context.shape.partitions, result.scored, headers)
  if (!result.dead) return [scored]
  return [scored, { topic: topics.dead, partition: 0, headers: { slot: String(slot) }, value: result.dead }]
}

function splitAppends(splits: readonly Split[]): Append[] {
  if (splits.length === 0) return []
  return [{ topic: topics.splits, partition: 0, headers: {}, value: Buffer.from(JSON.stringify(splits)) }]
}

/** Holds back the loader while a later stage is far behind: the log between them is disk that nobody has read yet. */
async function waitForReaders({ progress, plan }: RunContext, slot: number, stop: AbortSignal): Promise<void> {
  const slowest = () => (plan.tokenizer ? Math.min(progress.decided, progress.sharded) : progress.decided)
  // A stage takes tens of milliseconds a slot, so that asking now and then costs nothing and needs no one to tell.
  while (slot - slowest() > limits.stageLeadSlotsMax && !stop.aborted)
    await sleep(waitMs, undefined, { signal: stop }).catch(() => {})
}
const waitMs = 20

/** The source's splits in the order in which this run met them, which the log remembers. They are found beside the reading. */
class SplitList {
  readonly all: Split[]
  #new: Split[] = []
  #wake = () => {}
  readonly #search: Promise<void>
  #isSearching = true
  #failure: { readonly error: unknown } | null = null

  private constructor(known: readonly Split[], found: AsyncIterable<Split>) {
    this.all = [...known]
    this.#search = this.#collect(found)
  }

  /** Reads the recorded splits, checks that they are unchanged, and lists what a finite source has beyond them. */
  static async open(context: RunContext, stop: AbortSignal): Promise<SplitList> {
    const known = await readSplits(context.log)
    const list = new SplitList(known, listUnknown(context.plan.source, known, stop))
    if (!context.plan.source.options.follow) await list.#search
    if (list.#failure) throw list.#failure.error
    return list
  }

  /** The splits found since the last call. Throws what the search for more has failed with. */
  takeNew(): Split[] {
    if (this.#failure) throw this.#failure.error
    const taken = this.#new
    this.#new = []
    return taken
  }

  /** Waits until there are more splits than `known`; false when there will be none. */
  async waitForMore(known: number): Promise<boolean> {
    while (this.all.length <= known && this.#isSearching)
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    if (this.#failure) throw this.#failure.error
    return this.all.length > known
  }

  async #collect(found: AsyncIterable<Split>): Promise<void> {
    try {
      for await (const split of found) {
        this.all.push(split)
        this.#new.push(split)
        this.#wake()
      }
    } catch (error) {
      this.#failure = { error }
    }
    this.#isSearching = false
    this.#wake()
  }
}

/** Yields what the run has not met yet; a known split that changed under its name is refused. */
async function* listUnknown(source: Source, known: readonly Split[], signal: AbortSignal): AsyncGenerator<Split, void> {
  const stamps = new Map(known.map(split => [split.name, split.stamp]))
  for await (const split of source.splits(signal)) {
    const stamp = stamps.get(split.name)
    if (stamp === undefined) yield split
    else if (stamp !== split.stamp)
      throw new HeadraceError(
        'source-changed',
        `${split.name} changed since this run began to read it (${stamp} then, ${split.stamp} now): restore it, or begin another run with --run NAME`,
      )
  }
}
