import { HeadraceError } from '../errors.ts'
import type { Source, Split } from '../sources/source.ts'
import type { RunContext } from './context.ts'
import type { LoadPosition } from './lanes.ts'
import { readSplits, stampsOf } from './redrive.ts'

/** The source's splits in the order in which this run met them, which the log remembers. They are found beside the reading. */
export class SplitList {
  readonly all: Split[]
  /** How far the loader is in them. */
  position: () => LoadPosition
  readonly #source: Source
  #new: Split[] = []
  #wake = () => {}
  #isSearching = true
  #failure: { readonly error: unknown } | null = null

  private constructor(source: Source, known: readonly Split[], position: LoadPosition) {
    this.#source = source
    this.all = [...known]
    this.position = () => position
  }

  /** The recorded splits, and how far in them the loader was. */
  static async open(context: RunContext, position: LoadPosition): Promise<SplitList> {
    return new SplitList(context.plan.source, await readSplits(context.log), position)
  }

  /** Checks that the splits are unchanged and lists what a finite source has beyond them; goes on to look for a follower's. */
  async search(stop: AbortSignal): Promise<void> {
    const search = this.#collect(listUnknown(this.#source, [...this.all], stop))
    if (!this.#source.options.follow) await search
    if (this.#failure) throw this.#failure.error
  }

  add(splits: readonly Split[]): void {
    this.all.push(...splits)
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
    while (this.all.length <= known && this.#isSearching && !this.#failure)
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    if (this.#failure) throw this.#failure.error
    return this.all.length > known
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
    else if (stamp !== split.stamp)
      throw new HeadraceError(
        'source-changed',
        `${split.name} changed since this run began to read it (${stamp} then, ${split.stamp} now): restore it, begin another run with --run NAME, or, if it was mended, have its dead records read again with 'headrace redrive'`,
      )
  }
}
