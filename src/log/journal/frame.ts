import { crc32 } from 'node:zlib'
import { HeadraceError } from '../../errors.ts'
import { limits } from '../../limits.ts'
import type { Append, Commit, Position } from '../log.ts'

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
  /** Commits of a stage are numbered from 0. A base frame has the number of the commit that follows it. */
  readonly commit: number
  readonly positions: readonly { partition: number; offset: string; slot: number; note: string }[]
  readonly appends: readonly FrameAppend[]
  /** Only in the first frame of a file, which is no commit: where the stage stood, so that earlier files may be removed. */
  readonly base?: FrameBase
}
export interface FrameBase {
  /** The offset that the next append gets, for each partition that ever had one. */
  readonly next: readonly { topic: string; partition: number; offset: string }[]
  /** Who wrote the stage's history: an epoch's commits begin at `commit` and end where the next one's begin. */
  readonly epochs: readonly Span[]
}
export interface Span {
  readonly epoch: number
  readonly commit: number
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

export interface EncodedFrame {
  readonly header: FrameHeader
  readonly buffers: Uint8Array[]
}

/** The frame of one commit. `offsetOf` gives each append its offset. A commit that could not be read back is refused. */
export function encodeFrame(number: number, commit: Commit, offsetOf: (append: Append) => bigint): EncodedFrame {
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
  const values = commit.appends.map(append => append.value)
  return { header, buffers: encode(header, values) }
}

/** The buffers of a file's first frame: the positions and offsets that stand before commit `commit`. */
export function encodeBase(commit: number, positions: readonly Position[], base: FrameBase): Uint8Array[] {
  return encode({ commit, positions: positions.map(p => ({ ...p, offset: String(p.offset) })), appends: [], base }, [])
}

function encode(header: FrameHeader, values: readonly Uint8Array[]): Uint8Array[] {
  const headerBytes = Buffer.from(JSON.stringify(header))
  const bodyLength = values.reduce((sum, value) => sum + value.length, 0)
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
  return [prefix, headerBytes, ...values, padding]
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

/** The frame's header, or null when its bytes are damaged, it is none, or its values do not fill the body. */
export function decodeHeader(prefix: FramePrefix, bytes: Uint8Array): FrameHeader | null {
  if (bytes.length !== prefix.headerLength || crc32(bytes) !== prefix.headerCrc) return null
  try {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')
    const header: unknown = JSON.parse(text)
    if (!isHeader(header)) return null
    const bodyLength = header.appends.reduce((sum, append) => sum + append.length, 0)
    return bodyLength === prefix.bodyLength ? header : null
  } catch {
    return null
  }
}

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0
const isOffset = (value: unknown): boolean => typeof value === 'string' && /^\d{1,19}$/.test(value)

function isHeader(value: unknown): value is FrameHeader {
  const { commit, positions, appends, base } = value as FrameHeader
  return (
    isCount(commit) &&
    positions.every(
      one => isCount(one.partition) && isCount(one.slot) && isOffset(one.offset) && typeof one.note === 'string',
    ) &&
    appends.every(
      one =>
        [one.partition, one.length, one.crc].every(isCount) &&
        isOffset(one.offset) &&
        typeof one.topic === 'string' &&
        Object.values(one.headers).every(text => typeof text === 'string'),
    ) &&
    (base === undefined ||
      (base.next.every(one => isCount(one.partition) && isOffset(one.offset) && typeof one.topic === 'string') &&
        base.epochs.every(one => isCount(one.epoch) && isCount(one.commit))))
  )
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
