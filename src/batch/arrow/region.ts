import { limits } from '../../limits.ts'
import * as flat from './flatbuffer.ts'
import { prefixBytes, unpackZstd } from './pack.ts'

/** Where the bytes of a buffer lie. */
export interface Region {
  readonly at: number
  readonly bytes: number
  /** Where ZSTD has packed it: bytes as they are stored, and all that they make, of which the column has the first `bytes`. */
  readonly packed?: { readonly stored: number; readonly makes: number }
}
/** Reads `bytes` bytes from `at`; both lie in the file. */
export type ReadAt = (at: number, bytes: number) => Uint8Array

/** Of Message.fbs. */
const zstdCodec = 1

/** Whether the buffers of a batch are packed. Throws for a way of packing that is none of ours. */
export function isPackedBody(table: flat.Table): boolean {
  const compression = flat.tableField(table, 3)
  if (!compression) return false
  const [codec, method] = [flat.byteField(compression, 0), flat.byteField(compression, 1)]
  if (codec !== zstdCodec || method !== 0) throw new RangeError(`it is compressed with codec ${codec}`)
  return true
}

/** How a stored buffer of a packed batch becomes a region; what all of them make is bounded. */
export function unpackedRegions(readAt: ReadAt): (stored: Region) => Region {
  let left: number = limits.frameBytesMax
  return stored => {
    if (stored.bytes === 0) return stored
    if (stored.bytes < prefixBytes) throw new RangeError(`a packed buffer has ${stored.bytes} bytes`)
    const prefix = readAt(stored.at, prefixBytes)
    const view = new DataView(prefix.buffer, prefix.byteOffset, prefixBytes)
    const inner = { at: stored.at + prefixBytes, bytes: stored.bytes - prefixBytes }
    if (view.getInt32(0, true) === -1 && view.getInt32(4, true) === -1) return inner
    const makes = flat.longAt(view, 0)
    left -= makes
    if (left < 0) throw new RangeError(`its buffers would be more than ${limits.frameBytesMax} bytes`)
    return { at: inner.at, bytes: makes, packed: { stored: inner.bytes, makes } }
  }
}

/** A region's bytes. */
export function readRegion({ at, bytes, packed }: Region, readAt: ReadAt): Uint8Array {
  if (bytes === 0) return new Uint8Array(0)
  if (!packed) return readAt(at, bytes)
  return unpackZstd(readAt(at, packed.stored), packed.makes).subarray(0, bytes)
}

/** The object with a property that is made when it is first read, from bytes that may be damaged. */
export function makeLater<T extends object, K extends string, V>(target: T, name: K, make: () => V): T & Record<K, V> {
  const shown = { enumerable: true, configurable: true }
  const get = () => {
    const value = flat.guardCorrupt('an Arrow batch', make)
    Object.defineProperty(target, name, { ...shown, value })
    return value
  }
  return Object.defineProperty(target, name, { ...shown, get }) as T & Record<K, V>
}
