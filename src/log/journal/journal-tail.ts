import { type FileHandle, open } from 'node:fs/promises'
import { readNow } from '../../disk/transfer.ts'
import { type Position, startPosition } from '../log.ts'
import { type Chain, chainFiles, type JournalFile, listJournal } from './files.ts'
import { checkValue, type Span } from './frame.ts'
import { damagedError, type Frame, FrameReader, readHistory } from './segment.ts'

/** An entry of the topic that is followed. */
export interface TailEntry {
  readonly topic: string
  readonly headers: Readonly<Record<string, string>>
  readonly value: Uint8Array
}

/** A stage commits a few times a second: what came since the last look mostly is one read. */
const aheadBytes = 64 * 1024

/**
 * Follows from outside what a stage commits: its position, and the entries of one topic of it. It begins with the last files and then reads
 * what was added, so a look costs what is new and not what there is, and it keeps no index. No value of another topic is read.
 *
 * As any reader beside the owner it may see a last commit that is not done yet and never will be. A frame that is not whole is met again by
 * the next look; whether what is there is damaged is for `verify` to say.
 */
export class JournalTail {
  /** Whether no file stands before those that are read: what is not met here is nowhere. */
  readonly isWhole: boolean
  /** Of partition 0; the start before the first commit. */
  position: Position = startPosition(0)
  readonly #dir: string
  readonly #topic: string | null
  readonly #epochs: readonly Span[]
  readonly #epoch: number
  /** The file that is read, the byte to go on at, and the commit that stands there. */
  #file: JournalFile
  #at = 0
  #next = -1

  private constructor(
    dir: string,
    topic: string | null,
    { epochs, epoch, file, isWhole }: { epochs: readonly Span[]; epoch: number; file: JournalFile; isWhole: boolean },
  ) {
    this.#dir = dir
    this.#topic = topic
    this.#epochs = epochs
    this.#epoch = epoch
    this.#file = file
    this.isWhole = isWhole
  }

  /** Begins with the last `files` files of a stage's folder; null where it has none. ENOENT where one of them goes meanwhile. */
  static async open(dir: string, topic: string | null, files: number): Promise<JournalTail | null> {
    const found = (await listJournal(dir)).files
    const newest = found.at(-1)
    if (!newest) return null
    const epochs = await useFile(newest.path, handle => readHistory(handle))
    const chain = epochs ? chainFiles(found, epochs).files : []
    if (!epochs || chain.length === 0) throw damagedError(newest.path, 0)
    const file = chain.at(-files) ?? chain[0]
    return new JournalTail(dir, topic, { epochs, epoch: newest.epoch, file, isWhole: file === chain[0] })
  }

  /** Reads what was committed since. False where another process has begun an epoch: it must be opened anew. */
  async look(onEntry: (entry: TailEntry) => void): Promise<boolean> {
    const { files } = await listJournal(this.#dir)
    if (files.at(-1)?.epoch !== this.#epoch) return false
    const chain = chainFiles(files, this.#epochs).files
    const first = chain.findIndex(({ path }) => path === this.#file.path)
    if (first < 0) return false
    for (const file of chain.slice(first)) {
      if (file.path !== this.#file.path) [this.#file, this.#at] = [file, 0]
      await useFile(file.path, handle => this.#scan(handle, file, onEntry))
    }
    return true
  }

  async #scan(handle: FileHandle, { path, end }: Chain['files'][number], onEntry: (entry: TailEntry) => void) {
    const { size } = await handle.stat()
    const reader = new FrameReader(handle, size, aheadBytes, readNow)
    while (this.#at < size && !(this.#at > 0 && this.#next >= end)) {
      const frame = await reader.frame(this.#at)
      if (!frame && end < Number.POSITIVE_INFINITY) throw damagedError(path, this.#at)
      if (!frame) return
      if (!this.#isExpected(frame)) throw damagedError(path, this.#at)
      this.#readEntries(handle, frame, onEntry)
      for (const position of frame.header.positions)
        if (position.partition === 0) this.position = { ...position, offset: BigInt(position.offset) }
      this.#at = frame.end
      this.#next = frame.header.commit + (frame.header.base ? 0 : 1)
    }
  }

  /** A file begins with a base frame, which has the number of the commit behind it. */
  #isExpected({ header: { base, commit } }: Frame): boolean {
    const isBase = base !== undefined
    return isBase === (this.#at === 0) && (this.#next < 0 || commit === this.#next)
  }

  #readEntries(handle: FileHandle, { header, bodyAt, at: frameAt }: Frame, onEntry: (entry: TailEntry) => void): void {
    let at = bodyAt
    for (const append of header.appends) {
      if (append.topic === this.#topic) {
        const value = readNow(handle, at, append.length)
        checkValue(append, value, `an entry of ${append.topic} at byte ${frameAt} of ${this.#file.path}`)
        onEntry({ topic: append.topic, headers: append.headers, value })
      }
      at += append.length
    }
  }
}

async function useFile<T>(path: string, work: (handle: FileHandle) => Promise<T>): Promise<T> {
  const handle = await open(path, 'r')
  try {
    return await work(handle)
  } finally {
    await handle.close()
  }
}
