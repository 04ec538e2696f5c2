import { open, readdir, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { makeFolder, syncFolder } from '../durable-file.ts'
import { HeadraceError, wrapDiskError } from '../errors.ts'
import { limits } from '../limits.ts'
import { checkValue, encodeFrame } from './frame.ts'
import {
  type Append,
  type Commit,
  type Cursor,
  type Entry,
  type Log,
  type Owner,
  type Position,
  stageOf,
  startPosition,
  type Topics,
} from './log.ts'
import { fencedError, trimmedError } from './memory.ts'
import { damaged, openSegment, readBytes, readFrame, type Segment, scanSegment } from './segment.ts'
import { Waiters } from './waiters.ts'

/** Where an entry lies: which segment, which frame in it, which append of the frame. */
interface Place {
  readonly segment: Segment
  readonly frameAt: number
  readonly ordinal: number
}
interface Partition {
  first: bigint
  places: Place[]
}

/**
 * The embedded log: a folder with one journal a stage, as a stage is the only writer of its topics. A commit is one frame and one
 * fdatasync. The process that holds the run's lock opens it writable and alone cuts a torn tail; others open it to read.
 */
export class JournalLog implements Log, Topics {
  readonly #dir: string
  readonly #writable: boolean
  readonly #segmentBytesMax: number
  readonly #journals = new Map<string, Promise<Journal>>()

  /** `segmentBytesMax`: where a new file begins, as retention removes whole files. Default limits.segmentBytesMax. */
  constructor(dir: string, options: { writable: boolean; segmentBytesMax?: number }) {
    this.#dir = dir
    this.#writable = options.writable
    this.#segmentBytesMax = options.segmentBytesMax ?? limits.segmentBytesMax
  }

  async *read(from: Cursor, signal: AbortSignal): AsyncIterable<Entry> {
    const journal = await this.#journal(stageOf(from.topic))
    for (let offset = from.offset; ; ) {
      const place = journal.place({ ...from, offset })
      if (place) {
        yield await journal.entry({ ...from, offset }, place)
        offset++
      } else if (signal.aborted) return
      // Nothing runs between looking and waiting, so no commit is missed.
      else await journal.waiters.wait(signal)
    }
  }

  async bounds(topic: string, partition: number) {
    return (await this.#journal(stageOf(topic))).bounds(topic, partition)
  }

  async position(stage: string, partition: number): Promise<Position> {
    return (await this.#journal(stage)).positions.get(partition) ?? startPosition(partition)
  }

  async own(stage: string): Promise<Owner> {
    const journal = await this.#journal(stage)
    const epoch = ++journal.epoch
    return {
      commit: commit => {
        if (journal.epoch !== epoch) return Promise.reject(fencedError(stage))
        return journal.commit(commit)
      },
      [Symbol.asyncDispose]: async () => {},
    }
  }

  async trim(topic: string, partition: number, before: bigint): Promise<void> {
    await (await this.#journal(stageOf(topic))).trim(topic, partition, before)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // One that failed to open has nothing to close, and its error was met by who asked for it.
    for (const journal of this.#journals.values()) await (await journal.catch(() => null))?.close()
    this.#journals.clear()
  }

  #journal(stage: string): Promise<Journal> {
    const found =
      this.#journals.get(stage) ?? Journal.open(join(this.#dir, stage), this.#writable, this.#segmentBytesMax)
    this.#journals.set(stage, found)
    return found
  }
}

/** One stage's journal: its segments, an index of its entries, and its positions. */
class Journal {
  readonly #dir: string
  readonly #writable: boolean
  readonly #segmentBytesMax: number
  readonly #segments: Segment[] = []
  readonly #partitions = new Map<string, Partition>()
  readonly positions = new Map<number, Position>()
  epoch = 0
  #commits = 0
  /** The tail of the queue of commits: each waits for the one before, so that frames are in the order of the calls. */
  #queue: Promise<void> = Promise.resolve()
  #broken: unknown = null
  readonly waiters = new Waiters()

  private constructor(dir: string, writable: boolean, segmentBytesMax: number) {
    this.#dir = dir
    this.#writable = writable
    this.#segmentBytesMax = segmentBytesMax
  }

  static async open(dir: string, writable: boolean, segmentBytesMax: number): Promise<Journal> {
    const journal = new Journal(dir, writable, segmentBytesMax)
    try {
      if (writable) await makeFolder(dir)
      const names = (await listFolder(dir)).filter(name => name.endsWith('.journal')).sort()
      for (const [i, name] of names.entries()) await journal.#load(join(dir, name), i === names.length - 1)
      return journal
    } catch (error) {
      await journal.close()
      throw wrapDiskError(error, `opening ${dir}`)
    }
  }

  /** Where an entry lies, or undefined when it is not committed yet. */
  place(cursor: Cursor): Place | undefined {
    const { first, places } = this.#partition(cursor.topic, cursor.partition)
    if (cursor.offset < first) throw trimmedError(cursor, cursor.offset, first)
    return places[Number(cursor.offset - first)]
  }

  async entry(cursor: Cursor, place: Place): Promise<Entry> {
    const frame = await readFrame(place.segment, place.frameAt)
    if (!frame) throw damaged(place.segment, place.frameAt)
    const append = frame.header.appends[place.ordinal]
    let at = frame.bodyAt
    for (const earlier of frame.header.appends.slice(0, place.ordinal)) at += earlier.length
    const value = await readBytes(place.segment, at, append.length)
    checkValue(append, value, `entry ${cursor.topic}/${cursor.partition}:${cursor.offset} in ${place.segment.path}`)
    return { ...cursor, headers: append.headers, value }
  }

  bounds(topic: string, partition: number) {
    const { first, places } = this.#partition(topic, partition)
    return { first, next: first + BigInt(places.length) }
  }

  commit(commit: Commit): Promise<void> {
    const done = this.#queue.then(() => this.#write(commit))
    this.#queue = done.catch(() => {})
    return done
  }

  /** Unlinks the oldest segments whose entries of this partition all lie before `before`, and that hold no later entry of others. */
  async trim(topic: string, partition: number, before: bigint): Promise<void> {
    const target = this.#partition(topic, partition)
    const kept = new Set([this.#segments.at(-1)])
    for (const [key, { first, places }] of this.#partitions)
      for (const [i, place] of places.entries())
        if (key !== `${topic}/${partition}` || first + BigInt(i) >= before) kept.add(place.segment)
    if (before <= target.first) return
    while (this.#segments.length > 1 && !kept.has(this.#segments[0])) await this.#unlink(this.#segments.shift()!)
  }

  async close(): Promise<void> {
    await this.#queue
    for (const segment of this.#segments) await segment.handle.close()
  }

  async #unlink(segment: Segment): Promise<void> {
    for (const partition of this.#partitions.values()) {
      const count = partition.places.findIndex(place => place.segment !== segment)
      const dropped = count < 0 ? partition.places.length : count
      partition.places = partition.places.slice(dropped)
      partition.first += BigInt(dropped)
    }
    await segment.handle.close()
    await unlink(segment.path)
  }

  async #load(path: string, isLast: boolean): Promise<void> {
    const segment = await openSegment(path, this.#writable)
    this.#segments.push(segment)
    const { frames, size } = await scanSegment(segment, isLast)
    if (size < segment.size && this.#writable) {
      await segment.handle.truncate(size)
      await segment.handle.datasync()
    }
    segment.size = size
    for (const frame of frames) {
      this.#commits = frame.header.commit + 1
      for (const position of frame.header.positions)
        this.positions.set(position.partition, { ...position, offset: BigInt(position.offset) })
      for (const [ordinal, append] of frame.header.appends.entries())
        this.#index(append, BigInt(append.offset), { segment, frameAt: frame.at, ordinal })
    }
  }

  #index(append: { topic: string; partition: number }, offset: bigint, place: Place): void {
    const partition = this.#partition(append.topic, append.partition)
    if (partition.places.length === 0) partition.first = offset
    partition.places.push(place)
  }

  async #write(commit: Commit): Promise<void> {
    if (this.#broken) throw this.#broken
    if (!this.#writable) throw new HeadraceError('locked', 'this log was opened to read: only the run itself may write')
    const next = new Map<string, bigint>()
    const offsetOf = (append: Append) => {
      const key = `${append.topic}/${append.partition}`
      const offset = next.get(key) ?? this.bounds(append.topic, append.partition).next
      next.set(key, offset + 1n)
      return offset
    }
    const offsets: bigint[] = []
    const buffers = encodeFrame(this.#commits, commit, append => {
      offsets.push(offsetOf(append))
      return offsets.at(-1)!
    })
    const segment = await this.#segmentForWriting()
    const frameAt = segment.size
    await this.#writeDurably(segment, buffers)
    segment.size += buffers.reduce((sum, buffer) => sum + buffer.length, 0)
    this.#commits++
    for (const position of commit.positions) this.positions.set(position.partition, position)
    for (const [ordinal, append] of commit.appends.entries())
      this.#index(append, offsets[ordinal], { segment, frameAt, ordinal })
    this.waiters.wake()
  }

  /** A failed write is cut off again; when even that fails, the torn tail is cut at the next start and nothing more is written. */
  async #writeDurably(segment: Segment, buffers: Uint8Array[]): Promise<void> {
    try {
      await writeAll(segment, buffers)
      await segment.handle.datasync()
    } catch (error) {
      this.#broken = wrapDiskError(error, `writing ${segment.path}`)
      await segment.handle.truncate(segment.size).catch(() => {})
      throw this.#broken
    }
  }

  async #segmentForWriting(): Promise<Segment> {
    const last = this.#segments.at(-1)
    if (last && last.size < this.#segmentBytesMax) return last
    const path = join(this.#dir, `${String(this.#commits).padStart(12, '0')}.journal`)
    try {
      const handle = await open(path, 'w+')
      await handle.sync()
      await syncFolder(this.#dir)
      const segment = { path, handle, size: 0 }
      this.#segments.push(segment)
      return segment
    } catch (error) {
      throw wrapDiskError(error, `creating ${path}`)
    }
  }

  #partition(topic: string, partition: number): Partition {
    const key = `${topic}/${partition}`
    const found = this.#partitions.get(key) ?? { first: 0n, places: [] }
    this.#partitions.set(key, found)
    return found
  }
}

/** The names in a folder; none where there is no such folder. */
async function listFolder(dir: string): Promise<string[]> {
  return readdir(dir).catch(error => {
    if (error.code === 'ENOENT') return []
    throw error
  })
}

async function writeAll(segment: Segment, buffers: Uint8Array[]): Promise<void> {
  const total = buffers.reduce((sum, buffer) => sum + buffer.length, 0)
  const { bytesWritten } = await segment.handle.writev(buffers, segment.size)
  if (bytesWritten === total) return
  const rest = Buffer.concat(buffers).subarray(bytesWritten)
  for (let done = 0; done < rest.length; ) {
    const at = segment.size + bytesWritten + done
    done += (await segment.handle.write(rest, done, rest.length - done, at)).bytesWritten
  }
}
