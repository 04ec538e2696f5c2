import { HeadraceError } from '../../errors.ts'
import { refuseChanged } from '../../record/refusals.ts'
import type { RunReader } from '../../record/run-reader.ts'
import { type RecordedSplit, readSplits } from '../../record/splits.ts'
import type { Chunk, Source } from '../../sources/source.ts'
import { checkThere } from '../load/find-splits.ts'
import { Lanes, startLoadPosition } from '../load/lanes.ts'

/** Cuts the source of a run into its slots once more. */
export class SourceSlots {
  readonly #lanes: Lanes
  readonly #splits: readonly RecordedSplit[]
  #slot = 0

  private constructor(lanes: Lanes, splits: readonly RecordedSplit[]) {
    this.#lanes = lanes
    this.#splits = splits
  }

  /** Throws where what the run has read is gone or changed, or can't be cut again as it was. `why`: what it is needed for. */
  static async open(
    { log, run, dir }: RunReader,
    source: Source,
    why: string,
    stop: AbortSignal,
  ): Promise<SourceSlots> {
    const splits = await readSplits(log, run)
    const growing = splits.find(({ again, range }) => again ?? range)
    if (growing || source.options.follow)
      throw new HeadraceError(
        'bad-pipeline',
        `${why}, and the input of the run in ${dir} can't be read again as it was read: which slot a record is in depended on when ${growing?.name ?? 'its files'} came; run the pipeline over it as another run`,
      )
    await checkThere(source, splits, splits.length)
    return new SourceSlots(new Lanes(source, splits, startLoadPosition(run.lanes), stop), splits)
  }

  /** The records of a slot; slots are asked for in rising order. Null when reading was stopped. */
  async read(slot: number, stop: AbortSignal): Promise<readonly Chunk[] | null> {
    for (;;) {
      const loaded = await this.#lanes.next()
      if (stop.aborted) return null
      this.#checkRead()
      if (!loaded)
        throw new HeadraceError(
          'source-changed',
          `the input has no slot ${slot} any more: it is not what the run has read`,
        )
      if (this.#slot++ === slot) return loaded.chunks
    }
  }

  close(): Promise<void> {
    return this.#lanes.close()
  }

  /** A split that was read to its end must be what the run has read. */
  #checkRead(): void {
    for (const { number, seen } of this.#lanes.takeRead()) {
      const split = this.#splits[number]
      if (split.seen !== undefined && split.seen !== seen) throw refuseChanged({ ...split, stamp: seen }, split.seen)
    }
  }
}
