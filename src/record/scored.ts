import { decodeBatch } from '../batch/arrow/ipc.ts'
import type { Batch } from '../batch/batch.ts'

/** The measured rows of a slot, from the value of its entry in `scored`. Whoever reads such a value reads it here. */
export function decodeScored(value: Uint8Array): Batch {
  return decodeBatch(value).batch
}
