import { join } from 'node:path'
import { limits } from '../../limits.ts'
import type { Cursor, Entry, Log, Owner, PartialEntry, Position, Topics } from '../log.ts'
import { stageOf, startPosition } from '../log.ts'
import { OpenFiles } from './open-files.ts'
import { Journal, type JournalOptions } from './stage-journal.ts'

/**
 * The embedded log: a folder with one journal a stage, as a stage is the only writer of its topics. A commit is one frame and one
 * fdatasync. To open it writable is to begin a new epoch of each stage that is used (files.ts says how a former process is kept
 * out); others open it to read, and see what was committed when they first asked for the stage.
 *
 * A commit that failed may have happened, as after a crash. The same process commits nothing more to that stage; a new start goes on.
 */
export class JournalLog implements Log, Topics {
  readonly #dir: string
  readonly #options: JournalOptions
  readonly #journals = new Map<string, Promise<Journal>>()

  /**
   * `segmentBytesMax`: where a new file begins, as retention removes whole files. Default limits.segmentBytesMax.
   * `checkOwner`: throws when this process may write no more (its lock is another's); asked before each commit.
   * `openFilesMax`: files that stay open to read. Default limits.logFilesOpenMax.
   */
  constructor(
    dir: string,
    options: {
      readonly writable: boolean
      readonly segmentBytesMax?: number
      readonly checkOwner?: () => void
      readonly openFilesMax?: number
    },
  ) {
    this.#dir = dir
    this.#options = {
      writable: options.writable,
      segmentBytesMax: options.segmentBytesMax ?? limits.segmentBytesMax,
      checkOwner: options.checkOwner ?? (() => {}),
      files: new OpenFiles(options.openFilesMax ?? limits.logFilesOpenMax),
    }
  }

  async *read(from: Cursor, signal: AbortSignal): AsyncIterable<Entry> {
    const journal = await this.#journal(stageOf(from.topic))
    for (let offset = from.offset; ; ) {
      const place = journal.index.place({ ...from, offset })
      if (place) {
        yield await journal.entry({ ...from, offset }, place)
        offset++
      } else if (signal.aborted) return
      // Nothing runs between looking and waiting, so no commit is missed.
      else await journal.waiters.wait(signal)
    }
  }

  async *readPartial(from: Cursor): AsyncIterable<PartialEntry> {
    const journal = await this.#journal(stageOf(from.topic))
    for (let offset = from.offset; ; offset++) {
      const place = journal.index.place({ ...from, offset })
      if (!place) return
      yield await journal.partialEntry({ ...from, offset }, place)
    }
  }

  async bounds(topic: string, partition: number) {
    return (await this.#journal(stageOf(topic))).index.bounds(topic, partition)
  }

  async position(stage: string, partition: number): Promise<Position> {
    return (await this.#journal(stage)).index.positions.get(partition) ?? startPosition(partition)
  }

  async own(stage: string): Promise<Owner> {
    const commit = await (await this.#journal(stage)).own()
    return { commit, [Symbol.asyncDispose]: async () => {} }
  }

  async trim(topic: string, partition: number, before: bigint): Promise<void> {
    await (await this.#journal(stageOf(topic))).trim(topic, partition, before)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // A journal that failed to open has nothing to close, and whoever asked for it has its error.
    for (const journal of this.#journals.values()) await (await journal.catch(() => null))?.close()
    this.#journals.clear()
    await this.#options.files[Symbol.asyncDispose]()
  }

  #journal(stage: string): Promise<Journal> {
    const found = this.#journals.get(stage) ?? Journal.open(join(this.#dir, stage), stage, this.#options)
    this.#journals.set(stage, found)
    return found
  }
}
