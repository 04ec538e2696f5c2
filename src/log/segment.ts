import { type FileHandle, open } from 'node:fs/promises'
import { HeadraceError } from '../errors.ts'
import { decodeHeader, decodePrefix, type FrameHeader, framePrefixBytes, isBodyWhole } from './frame.ts'

/** One file of a journal: whole frames one after the other. */
export interface Segment {
  readonly path: string
  readonly handle: FileHandle
  /** Bytes of whole, committed frames. */
  size: number
}

export interface Frame {
  readonly header: FrameHeader
  /** Where the frame and its body begin in the file. */
  readonly at: number
  readonly bodyAt: number
  readonly end: number
}

export async function openSegment(path: string, writable: boolean): Promise<Segment> {
  const handle = await open(path, writable ? 'r+' : 'r')
  return { path, handle, size: (await handle.stat()).size }
}

/** Reads exactly `length` bytes, or fewer at the end of the file, into memory of its own. */
export async function readBytes(segment: Segment, at: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length)
  let done = 0
  while (done < length) {
    const { bytesRead } = await segment.handle.read(bytes, done, length - done, at + done)
    if (bytesRead === 0) return bytes.subarray(0, done)
    done += bytesRead
  }
  return bytes
}

/** The frame at a byte position, without its values, or null where no whole header stands. */
export async function readFrame(segment: Segment, at: number): Promise<Frame | null> {
  const prefix = decodePrefix(await readBytes(segment, at, framePrefixBytes))
  if (!prefix || at + prefix.frameLength > segment.size) return null
  const header = decodeHeader(prefix, await readBytes(segment, at + framePrefixBytes, prefix.headerLength))
  if (!header) return null
  return { header, at, bodyAt: at + framePrefixBytes + prefix.headerLength, end: at + prefix.frameLength }
}

/**
 * All frames of a segment. In the last segment a damaged frame with nothing whole behind it is a torn commit: the scan ends before
 * it. Anywhere else damage is an error, as committed data would be lost. The last frame's values are checked too.
 */
export async function scanSegment(segment: Segment, isLast: boolean): Promise<{ frames: Frame[]; size: number }> {
  const frames: Frame[] = []
  let at = 0
  while (at < segment.size) {
    const frame = await readFrame(segment, at)
    if (!frame) break
    frames.push(frame)
    at = frame.end
  }
  const last = frames.at(-1)
  if (isLast && last && !isBodyWhole(last.header, await readBytes(segment, last.bodyAt, last.end - last.bodyAt))) {
    frames.pop()
    at = last.at
  }
  if (at < segment.size && (!isLast || (await hasFrameAfter(segment, at)))) throw damaged(segment, at)
  return { frames, size: at }
}

/** Whether a whole frame begins anywhere after `at`: a commit is synced before the next begins, so a torn one has none behind it. */
async function hasFrameAfter(segment: Segment, at: number): Promise<boolean> {
  const step = 1024 * 1024
  for (let from = at + 8; from < segment.size; from += step) {
    const bytes = await readBytes(segment, from, step + framePrefixBytes)
    for (let i = 0; i < Math.min(step, bytes.length); i += 8)
      if (decodePrefix(bytes.subarray(i, i + framePrefixBytes)) && (await readFrame(segment, from + i))) return true
  }
  return false
}

export function damaged(segment: Segment, at: number): HeadraceError {
  return new HeadraceError(
    'corrupt',
    `${segment.path} is damaged at byte ${at}: restore it from a copy, or replay the run`,
  )
}
