import type { FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { makeFolder, syncFolder } from '../../disk/durable-file.ts'
import { copyBytes, readBytes, readNow, writeBytes } from '../../disk/transfer.ts'
import { HeadraceError, wrapDiskError } from '../../errors.ts'
import { limits } from '../../limits.ts'
import { fencedError } from '../errors.ts'
import type { Commit, Cursor, Entry, PartialEntry } from '../log.ts'
import { Waiters } from '../waiters.ts'
import { JournalIndex, type Place, type Segment } from './entry-index.ts'
import type { Chain, Claim, JournalFile } from './files.ts'
import { bearFile, chainFiles, claimEpoch, journalName, listJournal, removeFile } from './files.ts'
import { checkValue, type EncodedFrame, encodeBase, encodeFrame, type FrameAppend, type Span } from './frame.ts'
import type { OpenFiles } from './open-files.ts'
import { damagedError, type Frame, FrameReader, readHistory, scanFile } from './segment.ts'

export interface JournalOptions {
  readonly writable: boolean
  readonly segmentBytesMax: number
  readonly checkOwner: () => void
  readonly files: OpenFiles
}

/** The last file that a start found, and those of its commits that the start's own file begins with. */
interface Carried {
  readonly segment: Segment
  readonly frames: readonly Frame[]
}

const openTriesMax = 20
/** A frame's header has a note, and mostly fits. */
const partialAheadBytes = 24 * 1024

/** One stage's journal: its files, an index of its entries, and its positions. */
export class Journal {
  readonly #dir: string
  readonly #stage: string
  readonly #options: JournalOptions
  readonly #segments: Segment[] = []
  readonly index = new JournalIndex()
  readonly waiters = new Waiters()
  /** Counts the owners within this process. */
  #owners = 0
  /** Whose commits are whose; the last is this process's when it writes. */
  #epochs: readonly Span[] = []
  #claim: Claim | null = null
  #tail: FileHandle | null = null
  #kept: string | null = null
  /** The frame of the entry that was read last. */
  #lastRead: { readonly segment: Segment; readonly frame: Frame; readonly reader: FrameReader } | null = null
  /** The tail of the queue of commits: each waits for the one before, so that frames are in the order of the calls. */
  #queue: Promise<unknown> = Promise.resolve()
  #broken: unknown = null

  private constructor(dir: string, stage: string, options: JournalOptions) {
    this.#dir = dir
    this.#stage = stage
    this.#options = options
  }

  static async open(dir: string, stage: string, options: JournalOptions): Promise<Journal> {
    try {
      return options.writable
        ? await Journal.#openToWrite(dir, stage, options)
        : await Journal.#openToRead(dir, stage, options)
    } catch (error) {
      throw wrapDiskError(error, `opening ${dir}`)
    }
  }

  /** Reads again while files vanish or a new epoch begins, so that what is read is one moment's history. */
  static async #openToRead(dir: string, stage: string, options: JournalOptions): Promise<Journal> {
    for (let tries = 1; ; tries++) {
      const { files } = await listJournal(dir)
      const journal = new Journal(dir, stage, options)
      const error = await journal.#load(files).then(
        () => null,
        error => error,
      )
      const isLast = tries === openTriesMax || (await listJournal(dir)).files.at(-1)?.epoch === files.at(-1)?.epoch
      if (isLast && !error) return journal
      await journal.close()
      if (error && (tries === openTriesMax || (isLast && error.code !== 'ENOENT'))) throw error
    }
  }

  static async #openToWrite(dir: string, stage: string, options: JournalOptions): Promise<Journal> {
    await makeFolder(dir)
    options.checkOwner()
    const claim = await claimEpoch(dir, stage)
    const { files, drafts } = await listJournal(dir)
    const journal = new Journal(dir, stage, options)
    try {
      const { chain, carried } = await journal.#load(files)
      await journal.#begin(claim, carried)
      for (const file of chain.ignored) await removeFile(file.path)
      for (const draft of drafts) await removeFile(join(dir, draft))
      return journal
    } catch (error) {
      await journal.close()
      throw causeOf(error, claim)
    }
  }

  entry(cursor: Cursor, place: Place): Promise<Entry> {
    return this.#use(place, async reader => {
      const { append, at } = await this.#findAppend(reader, place)
      const value = await readBytes(reader.handle, at, append.length)
      checkValue(append, value, `entry ${cursor.topic}/${cursor.partition}:${cursor.offset} in ${place.segment.path}`)
      return { ...cursor, headers: append.headers, value }
    })
  }

  /** The entry without its value, parts of which can be read as long as the log is open. */
  async partialEntry(cursor: Cursor, place: Place): Promise<PartialEntry> {
    const { append, at, reader } = await this.#use(place, ({ handle, size }) =>
      this.#findAppend(new FrameReader(handle, size, partialAheadBytes, readNow), place),
    )
    const { headers, length } = append
    const readPart = async (from: number, bytes: number) =>
      reader.readAhead(at + from, bytes) ??
      (await this.#use(place, ({ handle }) => {
        const part = readNow(handle, at + from, bytes)
        if (part.length < bytes) throw damagedError(place.segment.path, at + from + part.length)
        return part
      }))
    return { ...cursor, headers, length, readPart }
  }

  /** Of neighbours in one frame, its header is read once. */
  async #findAppend(reader: FrameReader, place: Place): Promise<FoundAppend & { readonly reader: FrameReader }> {
    const { segment, frameAt } = place
    if (this.#lastRead?.segment !== segment || this.#lastRead.frame.at !== frameAt)
      this.#lastRead = { segment, reader, frame: await readFrame(reader, place) }
    return { ...findAppend(this.#lastRead.frame, place), reader: this.#lastRead.reader }
  }

  async #use<T>({ segment }: Place, work: (reader: FrameReader) => T | Promise<T>): Promise<T> {
    const { path, size } = segment
    try {
      return await this.#options.files.use(path, async handle => work(new FrameReader(handle, size)))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw wrapDiskError(error, `reading ${path}`)
      this.#claim?.check()
      throw new HeadraceError('trimmed', `${path} was removed since this log was opened: open it again`, error)
    }
  }

  /** A new owner within this process. What the former one began is done, or will fail, before this resolves. */
  async own(): Promise<(commit: Commit) => Promise<void>> {
    const owner = ++this.#owners
    await this.#queue
    return commit =>
      this.#enqueue(() => {
        if (this.#owners !== owner) throw fencedError(this.#stage)
        return this.#write(commit)
      })
  }

  /** Unlinks the oldest files that no partition needs any more. */
  trim(topic: string, partition: number, before: bigint): Promise<void> {
    return this.#enqueue(async () => {
      this.#claimed().check()
      this.index.release(topic, partition, before)
      while (this.#segments.length > 1 && this.index.isUnneeded(this.#segments[0])) {
        const segment = this.#segments.shift()!
        this.index.drop(segment)
        await this.#remove(segment)
        // One by one, so that after a power failure no file is missing between others.
        await syncFolder(this.#dir)
      }
    })
  }

  async close(): Promise<void> {
    await this.#queue
    await this.#tail?.close()
    this.#tail = null
    if (this.#kept) await this.#options.files.drop(this.#kept)
    this.#kept = null
  }

  #enqueue<T>(work: () => T | Promise<T>): Promise<T> {
    const done = this.#queue.then(work)
    this.#queue = done.catch(() => {})
    return done
  }

  async #load(files: readonly JournalFile[]): Promise<{ chain: Chain; carried: Carried | null }> {
    const newest = files.at(-1)
    this.#epochs = newest ? ((await this.#options.files.use(newest.path, readHistory)) ?? []) : []
    const chain = chainFiles(files, this.#epochs)
    let carried: Carried | null = null
    for (const file of chain.files) carried = await this.#loadFile(file, file === chain.files.at(-1))
    if (newest && !carried) throw damagedError(newest.path, 0)
    return { chain, carried }
  }

  async #loadFile(file: Chain['files'][number], isLast: boolean): Promise<Carried> {
    const { path, commit, epoch, end } = file
    if (isLast) await this.#keep(path)
    // Who only reads has nothing else to do meanwhile.
    const readAt = this.#options.writable ? readBytes : readNow
    const { frames, size, rest } = await this.#options.files.use(path, file => scanFile(file, commit, end, readAt))
    if (rest === 'damaged') throw damagedError(path, size)
    const segment = { path, commit, epoch, size }
    const [base, ...commits] = frames
    this.index.applyBase(base.header, base.header.base!)
    const carried = isLast && this.#options.writable ? await this.#choose(segment, commits) : []
    for (const frame of commits.slice(0, commits.length - carried.length))
      this.index.applyCommit(frame.header, segment, frame.at)
    this.#segments.push(segment)
    return { segment, frames: carried }
  }

  /** Which commits to carry over: the last, as it may not be synced, or all of a small file that is whole. */
  #choose(segment: Segment, commits: readonly Frame[]): Promise<readonly Frame[]> {
    return this.#options.files.use(segment.path, async handle => {
      if (segment.size > limits.journalCopyBytesMax) return commits.slice(-1)
      const reader = new FrameReader(handle, segment.size)
      for (const frame of commits) if (!(await reader.isWhole(frame))) return commits.slice(-1)
      return commits
    })
  }

  /** Begins this process's epoch with a file of its own, which from then on says what the stage's history is. */
  async #begin(claim: Claim, carried: Carried | null): Promise<void> {
    const commit = this.index.commits
    const superseded = carried && carried.segment.commit === commit ? this.#segments.pop() : undefined
    const kept = new Set(this.#segments.map(({ epoch }) => epoch))
    this.#epochs = [...this.#epochs.filter(({ epoch }) => kept.has(epoch)), { epoch: claim.epoch, commit }]
    await this.#addFile(claim.epoch, carried)
    claim.check()
    this.#claim = claim
    if (superseded) await this.#remove(superseded)
  }

  async #addFile(epoch: number, carried: Carried | null): Promise<void> {
    const { index } = this
    const commit = index.commits
    const base = encodeBase(commit, [...index.positions.values()], { next: index.next(), epochs: this.#epochs })
    const baseBytes = lengthOf(base)
    const from = carried?.frames[0]?.at ?? 0
    const to = carried?.frames.at(-1)?.end ?? 0
    const tail = await bearFile(this.#dir, this.#stage, { epoch, commit }, async handle => {
      await writeAll(handle, 0, base)
      if (carried) await this.#copy(carried.segment.path, from, to, handle, baseBytes)
    })
    await this.#tail?.close()
    this.#tail = tail
    const path = join(this.#dir, journalName(commit, epoch))
    await this.#keep(path)
    const segment = { path, commit, epoch, size: baseBytes + to - from }
    if (carried && this.#segments.at(-1) === carried.segment) carried.segment.size = from
    this.#segments.push(segment)
    for (const { header, at } of carried?.frames ?? []) index.applyCommit(header, segment, baseBytes + at - from)
  }

  async #copy(path: string, from: number, to: number, target: FileHandle, targetAt: number): Promise<void> {
    const copied = await this.#options.files.use(path, handle => copyBytes(handle, from, to, target, targetAt))
    if (copied < to - from) throw damagedError(path, from + copied)
  }

  async #write(commit: Commit): Promise<void> {
    if (this.#broken) throw this.#broken
    const claim = this.#claimed()
    const { header, buffers } = this.#encode(commit)
    try {
      claim.check()
      this.#options.checkOwner()
      if (this.#segments.at(-1)!.size >= this.#options.segmentBytesMax) await this.#addFile(claim.epoch, null)
      await writeAll(this.#tail!, this.#segments.at(-1)!.size, buffers)
      await this.#tail!.datasync()
      // Whoever began an epoch before this moment may not have seen the frame.
      claim.check()
    } catch (error) {
      // What stands behind the last commit is unknown from here on: the next start finds out.
      this.#broken = wrapDiskError(causeOf(error, claim), `writing ${this.#segments.at(-1)!.path}`)
      throw this.#broken
    }
    const segment = this.#segments.at(-1)!
    this.index.applyCommit(header, segment, segment.size)
    segment.size += lengthOf(buffers)
    this.waiters.wake()
  }

  #encode(commit: Commit): EncodedFrame {
    const next = new Map<string, bigint>()
    return encodeFrame(this.index.commits, commit, ({ topic, partition }) => {
      const key = `${topic}/${partition}`
      const offset = next.get(key) ?? this.index.bounds(topic, partition).next
      next.set(key, offset + 1n)
      return offset
    })
  }

  #claimed(): Claim {
    if (this.#claim) return this.#claim
    throw new HeadraceError('locked', 'this log was opened to read: only the run itself may write')
  }

  /** Holds the last file open: a later start may replace it by a copy. */
  async #keep(path: string): Promise<void> {
    await this.#options.files.keep(path)
    if (this.#kept) await this.#options.files.drop(this.#kept)
    this.#kept = path
  }

  async #remove(segment: Segment): Promise<void> {
    await removeFile(segment.path)
    await this.#options.files.forget(segment.path)
  }
}

/** What went wrong: a successor removes files that it has no need of, and whoever then misses one is fenced. */
function causeOf(error: unknown, claim: Claim): unknown {
  try {
    claim.check()
    return error
  } catch (fenced) {
    return fenced
  }
}

async function readFrame(reader: FrameReader, { segment, frameAt }: Place): Promise<Frame> {
  const frame = await reader.frame(frameAt)
  if (frame) return frame
  throw damagedError(segment.path, frameAt)
}

/** What a frame says of one of its values, and where in the file that begins. */
interface FoundAppend {
  readonly append: FrameAppend
  readonly at: number
}

function findAppend({ header, bodyAt }: Frame, { ordinal }: Place): FoundAppend {
  let at = bodyAt
  for (const earlier of header.appends.slice(0, ordinal)) at += earlier.length
  return { append: header.appends[ordinal], at }
}

function lengthOf(buffers: readonly Uint8Array[]): number {
  return buffers.reduce((sum, buffer) => sum + buffer.length, 0)
}

async function writeAll(handle: FileHandle, at: number, buffers: Uint8Array[]): Promise<void> {
  const { bytesWritten } = await handle.writev(buffers, at)
  if (bytesWritten === lengthOf(buffers)) return
  await writeBytes(handle, Buffer.concat(buffers).subarray(bytesWritten), at + bytesWritten)
}
