import { setTimeout as sleep } from 'node:timers/promises'
import { limits } from '../../limits.ts'
import type { Append, Owner, Position } from '../../log/log.ts'
import { loaderOf, topics } from '../../record/layout.ts'
import { type LoadNote, type LoadPosition, readLoadNote } from '../../record/notes.ts'
import { refuseFollow } from '../../record/refusals.ts'
import { endAppends, slotAppend } from '../../record/slots.ts'
import { readSplits, splitAppends, splitsAgain } from '../../record/splits.ts'
import type { Split } from '../../sources/source.ts'
import type { RunContext } from '../context.ts'
import { annotatedAppends } from '../measure/annotated.ts'
import { encodeRaw } from '../spread/raw.ts'
import { Lanes, type LoadedSlot, startLoadPosition } from './lanes.ts'
import { RedriveInbox } from './redrive-inbox.ts'
import { type PendingSlot, SlotWindow } from './slot-window.ts'
import { SplitList } from './split-list.ts'

/** Commits slots up to `slot` (not included) with the splits that they were the first to be read from. */
type CommitSlots = (fresh: readonly Split[], appends: readonly Append[], slot: number, after: LoadNote) => Promise<void>

interface LoadingSlot extends PendingSlot {
  readonly slot: number
  readonly note: LoadNote
  readonly splits: readonly Split[]
}

/**
 * The loading and annotating stage. It cuts the input into slots, has the pool measure them in any order, and commits them in slot
 * order with the loader's position. A finite source ends with the `end` slot; a drain or a follower does not, so it can go on.
 * In a spread run it loads only: slots are committed as they were read, for whoever annotates them.
 */
export async function runLoadStage(context: RunContext, wantsAllSplits = () => false): Promise<void> {
  await using owner = await context.log.own(loaderOf(context.shape).stage)
  context.checkOwner()
  await loadAll(context, owner, wantsAllSplits)
}

/** The same for who owns the stage already. `wantsAllSplits`: see `Retention.takeSplitsWish`. */
export async function loadAll(context: RunContext, owner: Owner, wantsAllSplits = () => false): Promise<void> {
  const loader = loaderOf(context.shape)
  const position = await context.log.position(loader.stage, 0)
  const note = readLoadNote(position)
  const tell = (slot: number) => {
    if (!context.shape.spread) context.progress.annotated = slot
  }
  tell(position.slot)
  context.progress.readBytes = context.progress.readBytesBefore = note.readBytes
  if (note.ended) {
    if (context.plan.source.options.follow) throw refuseFollow(context.dir)
    context.progress.laterSplits = await countLaterSplits(context)
    return
  }
  const stop = AbortSignal.any([context.drain, context.failed])
  const load = note.load ?? startLoadPosition(context.shape.lanes)
  const splits = await SplitList.open(context, load)
  let recorded = splits.length
  await using inbox = await RedriveInbox.open(context, splits, stop)
  await splits.search(stop)
  const window = new SlotWindow<LoadingSlot>()
  const lanes = new Lanes(context.plan.source, splits, load, stop)
  splits.position = () => lanes.position()
  const commit: CommitSlots = async (fresh, appends, slot, after) => {
    const positions: Position[] = [{ partition: 0, offset: BigInt(slot), slot, note: JSON.stringify(after) }]
    recorded += fresh.length
    const all = wantsAllSplits() ? splitsAgain(context.shape, splits.numberedBefore(recorded)) : []
    await owner.commit({ positions, appends: [...splitAppends(context.shape, fresh), ...all, ...appends] })
    tell(slot)
    await inbox.settle(fresh)
    splits.forgetRead(after.load!)
  }
  /** A follower that waits has its position kept past the files that it has read to their end, as these may be mended now. */
  const commitPosition = async (load: LoadPosition, before: LoadNote) => {
    if (!context.plan.source.options.follow || JSON.stringify(load) === JSON.stringify(before.load)) return before
    const after = { ...before, load }
    await commit(splits.takeNew(), [], slot, after)
    return after
  }
  let slot = position.slot
  let last = note
  for (;;) {
    while (window.length >= context.pool.size * limits.slotsInFlightPerWorker) await commitReady(window, commit)
    await waitForReaders(context, slot, stop)
    const known = splits.length
    const loaded = stop.aborted ? null : await lanes.next()
    context.failed.throwIfAborted()
    // What was cut while the drain began may be short; it is read again later.
    if (loaded && !stop.aborted) {
      last = noteAfter(last, loaded)
      context.progress.readBytes = last.readBytes
      context.watch?.({ kind: 'loaded', slot, bytes: bytesOf(loaded) })
      window.push(begin(context, slot++, loaded, last, splits.takeNew()))
      continue
    }
    while (window.length) await commitReady(window, commit)
    if (stop.aborted) return
    last = await commitPosition(lanes.position(), last)
    if (!(await splits.waitForMore(known)) && !(await inbox.takeLast())) break
  }
  if (stop.aborted) return
  const end = endAppends(context.shape.spread ? topics.raw : topics.scored, slot, context.shape.partitions)
  await commit(splits.takeNew(), end, slot + 1, { ...last, ended: true })
}

async function countLaterSplits({ log, plan, drain, shape }: RunContext): Promise<number> {
  const splits = await readSplits(log, shape)
  const known = new Set(splits.map(split => split.name))
  let count = 0
  for await (const split of plan.source.splits(drain, splits)) if (!known.has(split.name)) count++
  return count
}

function noteAfter(last: LoadNote, loaded: LoadedSlot): LoadNote {
  return { load: loaded.after, readBytes: last.readBytes + bytesOf(loaded), ended: false }
}

function bytesOf({ chunks }: LoadedSlot): number {
  return chunks.reduce((sum, chunk) => sum + chunk.bytes.length, 0)
}

function begin(
  context: RunContext,
  slot: number,
  { chunks }: LoadedSlot,
  note: LoadNote,
  splits: readonly Split[],
): LoadingSlot {
  const { partitions, spread } = context.shape
  const result = spread
    ? Promise.resolve([slotAppend(topics.raw, slot, partitions, encodeRaw(chunks), rawHeaders(context))])
    : annotatedAppends(context, slot, chunks)
  return { slot, result, note, splits }
}

/** Commits the oldest slot in flight and all that are ready behind it. */
async function commitReady(window: SlotWindow<LoadingSlot>, commit: CommitSlots): Promise<void> {
  const { slots, appends } = await window.takeReady()
  const last = slots.at(-1)!
  const fresh = slots.flatMap(({ splits }) => splits)
  await commit(fresh, appends, last.slot + 1, last.note)
}

/** Who annotates must be of the pipeline that loaded. */
function rawHeaders({ plan }: RunContext): Record<string, string> {
  return { fingerprint: plan.annotateFingerprint }
}

/** Holds back the loader while a later stage is far behind: the log between them is disk that nobody has read yet. */
async function waitForReaders({ progress, plan }: RunContext, slot: number, stop: AbortSignal): Promise<void> {
  const slowest = () => (plan.tokenizer ? Math.min(progress.decided, progress.sharded) : progress.decided)
  // A stage takes tens of milliseconds a slot, so that asking now and then costs nothing and needs no one to tell.
  while (slot - slowest() > limits.stageLeadSlotsMax && !stop.aborted)
    await sleep(waitMs, undefined, { signal: stop }).catch(() => {})
}
const waitMs = 20
