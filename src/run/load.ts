import { HeadraceError } from '../errors.ts'
import { limits } from '../limits.ts'
import { type Append, type Position, readCommitted } from '../log/log.ts'
import type { Source, Split } from '../sources/source.ts'
import { type RunContext, topics } from './context.ts'
import type { AnnotateResult } from './jobs.ts'
import { Lanes, type LoadPosition, startLoadPosition } from './lanes.ts'
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
  if (note.ended) return
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
    await waitForReaders(context, slot)
    const loaded = stop.aborted ? null : await lanes.next()
    context.failed.throwIfAborted()
    if (loaded) {
      const readBytes = last.readBytes + loaded.chunks.reduce((sum, chunk) => sum + chunk.bytes.length, 0)
      last = { load: loaded.after, readBytes, ended: false }
      context.progress.readBytes = readBytes
      const entry = {
        slot,
        result: context.pool.annotate(slot, loaded.chunks),
        note: last,
        splits: splits.takeNew(),
        isSettled: false,
      }
      entry.result.then(
        () => (entry.isSettled = true),
        () => (entry.isSettled = true),
      )
      window.push(entry)
      slot++
    } else {
      while (window.length) await commitReady(context, window, commit)
      if (stop.aborted) return
      if (!(await splits.waitForMore())) break
    }
  }
  if (stop.aborted) return
  const unread = splits.takeNew()
  const end = endAppends(topics.scored, slot, context.shape.partitions)
  await commit([...splitAppends(unread), ...end], slot + 1, { ...last, ended: true })
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
async function waitForReaders(context: RunContext, slot: number): Promise<void> {
  const { progress, plan, failed } = context
  const slowest = () => (plan.tokenizer ? Math.min(progress.decided, progress.sharded) : progress.decided)
  while (slot - slowest() > limits.stageLeadSlotsMax && !failed.aborted)
    await new Promise(resolve => setTimeout(resolve, 20))
}

/** The source's splits in the order in which this run met them, which the log remembers. */
class SplitList {
  readonly all: Split[]
  #new: Split[] = []
  readonly #discovered: AsyncIterator<Split>

  private constructor(all: Split[], discovered: AsyncIterator<Split>) {
    this.all = all
    this.#discovered = discovered
  }

  /** Reads the recorded splits, checks that they are unchanged, and lists what a finite source has beyond them. */
  static async open(context: RunContext, stop: AbortSignal): Promise<SplitList> {
    const known: Split[] = []
    for await (const entry of readCommitted(context.log, topics.splits))
      known.push(...(JSON.parse(Buffer.from(entry.value).toString()) as Split[]))
    const list = new SplitList([...known], listUnknown(context.plan.source, known, stop))
    if (!context.plan.source.options.follow) while (await list.waitForMore());
    return list
  }

  takeNew(): Split[] {
    const taken = this.#new
    this.#new = []
    return taken
  }

  /** Waits for another split; false when there will be none. */
  async waitForMore(): Promise<boolean> {
    const { done, value } = await this.#discovered.next()
    if (done) return false
    this.all.push(value)
    this.#new.push(value)
    return true
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
