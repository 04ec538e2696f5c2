import type { Append } from '../../log/log.ts'
import type { RunShape } from '../../record/layout.ts'
import type { LoadPosition } from '../../record/notes.ts'
import { refuseChanged } from '../../record/refusals.ts'
import { type NumberedSplit, readSplitEntries, splitAppends, splitsAgain, stampsOf } from '../../record/splits.ts'
import type { Source, Split } from '../../sources/source.ts'
import type { RunContext } from '../context.ts'
import { isRead, type SplitRow } from './lanes.ts'

/** Begins to add what is asked for beside the source to `splits`; `position` is how far these are read. */
export type OpenMore = (splits: SplitList, position: () => LoadPosition, stop: AbortSignal) => Promise<MoreSplits>

export interface MoreSplits extends AsyncDisposable {
  /** Told which splits were recorded. */
  settle(splits: readonly Split[]): Promise<void>
  /** Adds what was asked for until now; when that is nothing, none is added from then on, and the answer is false. */
  addLast(): Promise<boolean>
}

/** Read ranges that are held before those that nobody needs are let go of. */
const rangesHeldMax = 1000

/**
 * The splits of a run in the order in which it met them, which the log remembers. The source's are found while others are read. A file
 * that grows is a new range at each look: of these, the last and those that are still to be read are held.
 */
export class SplitList implements SplitRow {
  readonly #source: Source
  readonly #shape: RunShape
  /** By their numbers, in rising order. */
  readonly #held = new Map<number, Split>()
  /** The number of the last range of each name. */
  readonly #lastOf = new Map<string, number>()
  #length = 0
  /** How many the log has, or is being given. */
  #recorded = 0
  #sweepAt = rangesHeldMax
  #new: Split[] = []
  #wake = () => {}
  #isSearching = true
  #failure: { readonly error: unknown } | null = null

  private constructor(source: Source, shape: RunShape) {
    this.#source = source
    this.#shape = shape
  }

  /** The recorded splits, of which a loader at `position` needs those that it has not read. */
  static async open({ plan, log, shape }: RunContext, position: LoadPosition): Promise<SplitList> {
    const list = new SplitList(plan.source, shape)
    for await (const { isWhole, splits } of readSplitEntries(log, shape)) {
      if (isWhole) list.#clear()
      list.#put(splits)
      list.forgetRead(position)
    }
    list.#recorded = list.#length
    return list
  }

  /** How many the run has met, those that are held no more among them. */
  get length(): number {
    return this.#length
  }

  at(index: number): Split | undefined {
    return this.#held.get(index)
  }

  /** Those that are held. */
  get all(): Split[] {
    return [...this.#held.values()]
  }

  /** Those that a loader at `position` has not read to their end. */
  unread(position: LoadPosition): Split[] {
    return [...this.#held].flatMap(([index, split]) => (isRead(index, position) ? [] : split))
  }

  /** Lets go of ranges before the committed `position` that were not the last of theirs. */
  forgetRead(position: LoadPosition): void {
    if (this.#held.size < this.#sweepAt) return
    for (const [index, { range }] of this.#held)
      if (range && this.#lastOf.get(range.of) !== index && isRead(index, position)) this.#held.delete(index)
    this.#sweepAt = 2 * this.#held.size + rangesHeldMax
  }

  /** Checks that the splits are unchanged and lists what a finite source has beyond them; goes on to look for a follower's. */
  async search(stop: AbortSignal): Promise<void> {
    const search = this.#collect(listUnknown(this.#source, this.all, stop))
    if (!this.#source.options.follow) await search
    this.#checkFailure()
  }

  add(splits: readonly Split[]): void {
    this.#put(splits)
    this.#new.push(...splits)
    this.#wake()
  }

  /** Says that no more can be found for this reason. */
  fail(error: unknown): void {
    this.#failure ??= { error }
    this.#wake()
  }

  /** The splits found since the last call. Throws what the search for more has failed with. */
  takeNew(): Split[] {
    this.#checkFailure()
    return this.#new.splice(0)
  }

  /** The entries that record `fresh`, which are the next that `takeNew` gave; with `isWhole` a list of all that are recorded then. */
  record(fresh: readonly Split[], isWhole: boolean): Append[] {
    this.#recorded += fresh.length
    const appends = splitAppends(this.#shape, fresh)
    if (!isWhole) return appends
    const recorded = [...this.#held].filter(([number]) => number < this.#recorded)
    const numbered = recorded.map(([number, split]) => ({ number, ...split }))
    return [...appends, ...splitsAgain(this.#shape, numbered)]
  }

  /** Waits until there are more splits than `known`; false when the source will give no more. */
  async waitForMore(known: number): Promise<boolean> {
    while (this.#length <= known && this.#isSearching && !this.#failure)
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    this.#checkFailure()
    return this.#length > known
  }

  #checkFailure(): void {
    if (this.#failure) throw this.#failure.error
  }

  #put(splits: readonly NumberedSplit[]): void {
    for (const { number = this.#length, ...split } of splits) {
      if (split.range) this.#lastOf.set(split.range.of, number)
      this.#held.set(number, split)
      this.#length = number + 1
    }
  }

  #clear(): void {
    this.#held.clear()
    this.#lastOf.clear()
    this.#length = 0
  }

  async #collect(found: AsyncIterable<Split>): Promise<void> {
    try {
      for await (const split of found) this.add([split])
    } catch (error) {
      this.fail(error)
    }
    this.#isSearching = false
    this.#wake()
  }
}

/** Yields what the run has not met yet; a known split that changed under its name is refused. */
async function* listUnknown(source: Source, known: readonly Split[], signal: AbortSignal): AsyncGenerator<Split, void> {
  const stamps = stampsOf(known)
  for await (const split of source.splits(signal, known)) {
    const stamp = stamps.get(split.name)
    if (stamp === undefined) yield split
    else if (stamp !== split.stamp) throw refuseChanged(split, stamp)
  }
}
