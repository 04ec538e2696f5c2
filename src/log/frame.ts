import { crc32 } from 'node:zlib'
import { HeadraceError } from '../errors.ts'
import { limits } from '../limits.ts'
import type { Append, Commit } from './log.ts'

/**
 * One commit as bytes on disk.
 *
 *   u32 magic 'HRJ1'   u32 header length h   u32 body length b   u32 CRC-32 of the header
 *   header: h bytes of JSON (FrameHeader)
 *   body: b bytes, the appended values back to back, each with its own CRC-32 in the header
 *   zeros to a multiple of 8
 *
 * Integers are little-endian. The header alone says where every value lies, so a log is opened without reading its data, and a
 * value is checked when it is read. The last frame of a journal is checked whole, as only it can be torn.
 */
export interface FrameHeader {
  readonly commit: number
  readonly positions: readonly { partition: number; offset: string; slot: number; note: string }[]
  readonly appends: readonly FrameAppend[]
}
export interface FrameAppend {
  readonly topic: string
  readonly partition: number
  readonly offset: string
  readonly headers: Readonly<Record<string, string>>
  readonly length: number
  readonly crc: number
}

export const framePrefixBytes = 16
const magic = 0x314a5248

/** The buffers to write for one commit. `offsetOf` gives each append its offset. A commit that could not be read back is refused. */
export function encodeFrame(number: number, commit: Commit, offsetOf: (append: Append) => bigint): Uint8Array[] {
  const header: FrameHeader = {
    commit: number,
    positions: commit.positions.map(p => ({ ...p, offset: String(p.offset) })),
    appends: commit.appends.map(append => ({
      topic: append.topic,
      partition: append.partition,
      offset: String(offsetOf(append)),
      headers: append.headers,
      length: append.value.length,
      crc: crc32(append.value),
    })),
  }
  const headerBytes = Buffer.from(JSON.stringify(header))
  const bodyLength = commit.appends.reduce((sum, append) => sum + append.value.length, 0)
  if (Math.max(headerBytes.length, bodyLength) > limits.frameBytesMax)
    throw new HeadraceError(
      'limit',
      `a commit of ${bodyLength} bytes; at most ${limits.frameBytesMax} can be read back`,
    )
  const prefix = Buffer.alloc(framePrefixBytes)
  prefix.writeUInt32LE(magic, 0)
  prefix.writeUInt32LE(headerBytes.length, 4)
  prefix.writeUInt32LE(bodyLength, 8)
  prefix.writeUInt32LE(crc32(headerBytes), 12)
  const padding = Buffer.alloc(-(framePrefixBytes + headerBytes.length + bodyLength) & 7)
  return [prefix, headerBytes, ...commit.appends.map(append => append.value), padding]
}

export interface FramePrefix {
  readonly headerLength: number
  readonly bodyLength: number
  readonly headerCrc: number
  /** Bytes of the whole frame with its padding. */
  readonly frameLength: number
}

/** Reads a frame's prefix, or null where there is none (end of file, torn or damaged). */
export function decodePrefix(bytes: Uint8Array): FramePrefix | null {
  if (bytes.length < framePrefixBytes) return null
  const view = new DataView(bytes.buffer, bytes.byteOffset, framePrefixBytes)
  if (view.getUint32(0, true) !== magic) return null
  const headerLength = view.getUint32(4, true)
  const bodyLength = view.getUint32(8, true)
  if (headerLength > limits.frameBytesMax || bodyLength > limits.frameBytesMax) return null
  const frameLength = Math.ceil((framePrefixBytes + headerLength + bodyLength) / 8) * 8
  return { headerLength, bodyLength, headerCrc: view.getUint32(12, true), frameLength }
}

/** The frame's header, or null when its bytes are damaged. */
export function decodeHeader(prefix: FramePrefix, bytes: Uint8Array): FrameHeader | null {
  if (bytes.length !== prefix.headerLength || crc32(bytes) !== prefix.headerCrc) return null
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')) as FrameHeader
  } catch {
    return null
  }
}

/** Whether every value of a frame is whole. `body` begins after the header. */
export function isBodyWhole(header: FrameHeader, body: Uint8Array): boolean {
  let at = 0
  for (const append of header.appends) {
    if (at + append.length > body.length || crc32(body.subarray(at, at + append.length)) !== append.crc) return false
    at += append.length
  }
  return true
}

export function checkValue(append: { crc: number }, value: Uint8Array, where: string): void {
  if (crc32(value) !== append.crc)
    throw new HeadraceError('corrupt', `${where} does not match its checksum: restore the file from a copy, or replay`)
}
