import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { decodeBatch } from '../batch/arrow/ipc.ts'
import type { Batch } from '../batch/batch.ts'
import { limits } from '../limits.ts'

/** A zstd frame begins with this, and an Arrow message never does. */
const frameMagic = Buffer.from([0x28, 0xb5, 0x2f, 0xfd])

/** Packs an encoded batch of many rows that say much the same, as those of a file do that is of another kind than it was taken for. */
export function packEntry(value: Uint8Array): Uint8Array {
  if (value.length > limits.frameBytesMax) return value
  // Copied, as the entry owns its memory.
  return new Uint8Array(zstdCompressSync(value))
}

/** The batch of an entry, packed or not. */
export function decodeEntry(value: Uint8Array): Batch {
  const isPacked = frameMagic.equals(value.subarray(0, frameMagic.length))
  const bytes = isPacked ? zstdDecompressSync(value, { maxOutputLength: limits.frameBytesMax }) : value
  return decodeBatch(bytes).batch
}
