import { zstdDecompressSync } from 'node:zlib'
import { decodeBatch } from '../batch/arrow/ipc.ts'
import type { Batch } from '../batch/batch.ts'
import { limits } from '../limits.ts'

/** A zstd frame begins with this, and an Arrow message never does: older versions packed some entries whole. */
const frameMagic = Buffer.from([0x28, 0xb5, 0x2f, 0xfd])

/** The batch of an entry, packed or not. */
export function decodeEntry(value: Uint8Array): Batch {
  const isPacked = frameMagic.equals(value.subarray(0, frameMagic.length))
  const bytes = isPacked ? zstdDecompressSync(value, { maxOutputLength: limits.frameBytesMax }) : value
  return decodeBatch(bytes).batch
}
