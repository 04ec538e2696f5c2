import type { LoadPosition } from '../../record/notes.ts'
import { refuseChanged } from '../../record/refusals.ts'
import { type NumberedSplit, readSplitEntries, stampsOf } from '../../record/splits.ts'
import type { Source, Split } from '../../sources/source.ts'
import type { RunContext } from '../context.ts'
import { isRead, type SplitRow } from './lanes.ts'

/** Ranges that were read and are held before it is looked which of them are needed no more. */
const rangesHeldMax = 1000

/**
 * The source's splits in the order in which this run met them, which the log remembers. They are found beside the reading. Of something
 * that grows, which is a range a look for as long as the run follows it, the last range is held, and those that are still to be read.
 */
export class SplitList implements SplitRow {
  /** By their numbers, in rising order. */
  readonly #held = new Map<number, Split>()
  /** The number of the last range of each name. */
  readonly #lastOf = new Map<string, number>()
  #length = 0
  #sweepAt = rangesHeldMax
  /** How far the loader is in them. */
  position: () => LoadPosition
  readonly #source: Source
  #new: Split[] = []
  #wake = () => {}
  #isSearching = true
  #failure: { readonly error: unknown } | null = null

  private constructor(source: Source, position: LoadPosition) {
    this.#source = source
    this.position = () => position
  }

  /** The recorded splits, and how far in them the loader was. */
  static async open(context: RunContext, position: LoadPosition): Promise<SplitList> {
    const list = new SplitList(context.plan.source, position)
    for await (const { isWhole, splits } of readSplitEntries(context.log, context.shape)) {
      if (isWhole) list.#clear()
      list.#put(splits)
      list.forgetRead(position)
    }
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

  /** Those before a number as a list of all, from which `open` begins. */
  numberedBefore(end: number): NumberedSplit[] {
    return [...this.#held].filter(([number]) => number < end).map(([number, split]) => ({ number, ...split }))
  }

  get unread(): Split[] {
    const position = this.position()
    return [...this.#held].flatMap(([index, split]) => (isRead(index, position) ? [] : split))
  }

  /** Lets go of ranges before the committed position `load` that were not the last of theirs. */
  forgetRead(load: LoadPosition): void {
    if (this.#held.size < this.#sweepAt) return
    for (const [index, { range }] of this.#held)
      if (range && this.#lastOf.get(range.of) !== index && isRead(index, load)) this.#held.delete(index)
    this.#sweepAt = 2 * this.#held.size + rangesHeldMax
  }

  /** Checks that the splits are unchanged and lists what a finite source has beyond them; goes on to look for a follower's. */
  async search(stop: AbortSignal): Promise<void> {
    const search = this.#collect(listUnknown(this.#source, this.all, stop))
    if (!this.#source.options.follow) await search
    if (this.#failure) throw this.#failure.error
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
    if (this.#failure) throw this.#failure.error
    const taken = this.#new
    this.#new = []
    return taken
  }

  /** Waits until there are more splits than `known`; false when there will be none. */
  async waitForMore(known: number): Promise<boolean> {
    while (this.#length <= known && this.#isSearching && !this.#failure)
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    if (this.#failure) throw this.#failure.error
    return this.#length > known
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
