import type { Append } from '../../log/log.ts'
import type { LoadPosition } from '../../record/notes.ts'
import {
  type NumberedSplit,
  type ReadSplit,
  type RecordedSplit,
  readAppends,
  readSplitEntries,
  splitAppends,
  splitsAgain,
  withSeen,
} from '../../record/splits.ts'
import type { Split } from '../../sources/source.ts'
import type { RunContext } from '../context.ts'
import { checkUnread, findSplits } from './find-splits.ts'
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
  readonly #context: RunContext
  /** By their numbers, in rising order. */
  readonly #held = new Map<number, RecordedSplit>()
  /** What was read of splits to their end, that are not held yet. */
  readonly #seen = new Map<number, string>()
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

  private constructor(context: RunContext) {
    this.#context = context
  }

  /** The recorded splits, of which a loader at `position` needs those that it has not read. */
  static async open(context: RunContext, position: LoadPosition): Promise<SplitList> {
    const list = new SplitList(context)
    for await (const { isWhole, splits, read } of readSplitEntries(context.log, context.shape)) {
      if (isWhole) list.#clear()
      list.#put(splits)
      list.#putRead(read)
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

  /** Checks that the splits are there and unchanged and lists what a finite source has beyond them; goes on to look for a follower's. */
  async search(position: LoadPosition, stop: AbortSignal): Promise<void> {
    const { plan, watch } = this.#context
    const { source } = plan
    if (source.options.follow) await checkUnread(source, this.unread(position))
    const search = this.#collect(findSplits(source, this.all, watch, stop))
    if (!source.options.follow) await search
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

  /**
   * The entries that record `fresh`, which are the next that `takeNew` gave, and those that were `read` to their end; with `isWhole` a list
   * of all that are recorded then.
   */
  record(fresh: readonly Split[], read: readonly ReadSplit[], isWhole: boolean): Append[] {
    const { shape } = this.#context
    this.#recorded += fresh.length
    this.#putRead(read)
    const appends = [...splitAppends(shape, fresh), ...readAppends(shape, read)]
    if (!isWhole) return appends
    const recorded = [...this.#held].filter(([number]) => number < this.#recorded)
    const numbered = recorded.map(([number, split]) => ({ number, ...split }))
    return [...appends, ...splitsAgain(shape, numbered)]
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
      this.#held.set(number, withSeen(split, this.#seen.get(number)))
      this.#seen.delete(number)
      this.#length = number + 1
    }
  }

  #putRead(read: readonly ReadSplit[]): void {
    for (const { number, seen } of read) {
      const split = this.#held.get(number)
      if (split) this.#held.set(number, withSeen(split, seen))
      else if (number >= this.#length) this.#seen.set(number, seen)
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
