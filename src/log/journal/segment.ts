import type { FileHandle } from 'node:fs/promises'
import { readBytes } from '../../disk/transfer.ts'
import { HeadraceError } from '../../errors.ts'
import { decodeHeader, decodePrefix, type FrameHeader, framePrefixBytes, isBodyWhole, type Span } from './frame.ts'

export interface Frame {
  readonly header: FrameHeader
  /** Where the frame and its body begin in the file. */
  readonly at: number
  readonly bodyAt: number
  readonly end: number
}

/** What a journal file holds of its stage's history: a base frame, then its commits. */
export interface Scan {
  readonly frames: readonly Frame[]
  /** Where what counts ends, and where the file does. */
  readonly size: number
  readonly fileSize: number
  /** What stands between: nothing, a commit that was never done, a fenced owner's bytes, or damage to what was committed. */
  readonly rest: 'none' | 'torn' | 'ignored' | 'damaged'
}

/** What a frame's prefix and header mostly fit. */
const headerBytes = 4096

export type ReadAt = (file: FileHandle, at: number, length: number) => Uint8Array | Promise<Uint8Array>

/** Reads a file's frames, up to `size` bytes of it. It reads ahead, so that few small frames take a read of their own. */
export class FrameReader {
  readonly handle: FileHandle
  readonly size: number
  readonly #aheadBytes: number
  readonly #readAt: ReadAt
  #window: Uint8Array = new Uint8Array(0)
  #windowAt = 0
  /** Whether the last frame was larger than what is read ahead: then the next one's beginning is not there, either. */
  #isLarge = false

  constructor(handle: FileHandle, size: number, aheadBytes = headerBytes, readAt: ReadAt = readBytes) {
    this.handle = handle
    this.size = size
    this.#aheadBytes = aheadBytes
    this.#readAt = readAt
  }

  /** The frame at a byte position, without its values, or null where no whole header stands or the file is too short for the rest. */
  async frame(at: number): Promise<Frame | null> {
    const prefix = decodePrefix(await this.#read(at, framePrefixBytes))
    if (!prefix || at + prefix.frameLength > this.size) return null
    this.#isLarge = prefix.frameLength > this.#aheadBytes
    const bodyAt = at + framePrefixBytes + prefix.headerLength
    const header = decodeHeader(prefix, await this.#read(at + framePrefixBytes, prefix.headerLength))
    return header && { header, at, bodyAt, end: at + prefix.frameLength }
  }

  /** Whether a frame's values match their checksums. */
  async isWhole({ header, bodyAt, end }: Frame): Promise<boolean> {
    return isBodyWhole(header, await readBytes(this.handle, bodyAt, end - bodyAt))
  }

  /** Whether a whole frame begins anywhere after `at`. */
  async hasFrameAfter(at: number): Promise<boolean> {
    const step = 1024 * 1024
    for (let from = at + 8; from < this.size; from += step) {
      const bytes = await readBytes(this.handle, from, step + framePrefixBytes)
      for (let i = 0; i < Math.min(step, bytes.length); i += 8)
        if (decodePrefix(bytes.subarray(i, i + framePrefixBytes)) && (await this.frame(from + i))) return true
    }
    return false
  }

  /** Bytes of the file that were read ahead, or null. */
  readAhead(at: number, length: number): Uint8Array | null {
    const start = at - this.#windowAt
    return start >= 0 && start + length <= this.#window.length ? this.#window.subarray(start, start + length) : null
  }

  async #read(at: number, length: number): Promise<Uint8Array> {
    const end = at + length
    if (at < this.#windowAt || end > this.#windowAt + this.#window.length) {
      const aheadBytes = this.#isLarge ? headerBytes : this.#aheadBytes
      this.#window = await this.#readAt(this.handle, at, Math.max(length, Math.min(aheadBytes, this.size - at)))
      this.#windowAt = at
    }
    return this.#window.subarray(at - this.#windowAt, end - this.#windowAt)
  }
}

const scanAheadBytes = 64 * 1024

/**
 * Scans a journal file that begins with commit `commit` and whose history goes on elsewhere with commit `end`. What follows there is
 * a fenced owner's. Only the stage's last file (`end` is infinite) may end in a torn commit: a damaged frame with nothing whole
 * behind it, as a commit is synced before the next begins. Its last frame's values are checked for that reason.
 */
export async function scanFile(handle: FileHandle, commit: number, end: number, readAt?: ReadAt): Promise<Scan> {
  const fileSize = (await handle.stat()).size
  const reader = new FrameReader(handle, fileSize, scanAheadBytes, readAt)
  const frames: Frame[] = []
  const scanned = (size: number, rest: Scan['rest']) => ({ frames, size, fileSize, rest })
  let at = 0
  for (let next = commit; next < end && at < fileSize; next += frames.length > 1 ? 1 : 0) {
    const frame = await reader.frame(at)
    if (!frame) return scanned(at, end < Number.POSITIVE_INFINITY || (await isDamage(reader, at)) ? 'damaged' : 'torn')
    if (frame.header.commit !== next || !frame.header.base !== frames.length > 0) return scanned(at, 'damaged')
    frames.push(frame)
    at = frame.end
  }
  const count = Math.max(0, frames.length - 1)
  if (frames.length === 0 || (end < Number.POSITIVE_INFINITY && commit + count < end)) return scanned(at, 'damaged')
  if (at < fileSize) return scanned(at, 'ignored')
  if (end < Number.POSITIVE_INFINITY || (await reader.isWhole(frames.at(-1)!))) return scanned(at, 'none')
  return scanned(frames.pop()!.at, 'torn')
}

/** A file is born with its base frame, so damage at its start is never a torn commit. */
async function isDamage(reader: FrameReader, at: number): Promise<boolean> {
  return at === 0 || reader.hasFrameAfter(at)
}

/** The history in a file's base frame, or null where it has none. */
export async function readHistory(handle: FileHandle): Promise<readonly Span[] | null> {
  const first = await new FrameReader(handle, (await handle.stat()).size).frame(0)
  return first?.header.base?.epochs ?? null
}

export function damagedError(path: string, at: number): HeadraceError {
  return new HeadraceError('corrupt', `${path} is damaged at byte ${at}: restore it from a copy, or replay the run`)
}
