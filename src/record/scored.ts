import { decodeBatch, encodeBatch } from '../batch/arrow/ipc.ts'
import type { Batch } from '../batch/batch.ts'
import { type Plan, stageFields } from '../pipeline/plan.ts'
import { joinColumns, type PrintedColumns } from './own-columns.ts'

/** Those that a plan writes. What the stage adds depends on all of annotating. */
export function columnsOf({ fields, fingerprints, annotateFingerprint }: Plan): PrintedColumns {
  const printed = fields.map(({ name }) => [name, fingerprints.get(name)!] as const)
  return [...printed, ...stageFields.map(({ name }) => [name, annotateFingerprint] as const)]
}

/** A measured slot as an entry of `scored`: an Arrow message that names all columns with their fingerprints in its metadata `columns`. */
export function encodeScored(batch: Batch, columns: PrintedColumns): Uint8Array {
  return encodeBatch(batch, { columns: JSON.stringify(columns) })
}

/** The rows of an entry of `scored`, joined or not. */
export function decodeScored(value: Uint8Array): Batch {
  const parts = splitJoined(value)
  return parts ? joinColumns(decodeScored(parts.base), parts.own) : decodeBatch(value).batch
}

/**
 * An entry of a replay with the one that it refers to, as readers of the log get it: 'HRJOINED', the bytes of the base as a float64, the
 * base padded to 8 bytes, what is the replay's own. An entry without anything of its own is its base.
 */
export function joinScored(base: Uint8Array, own: Uint8Array): Uint8Array {
  if (own.length === 0) return base
  const joined = new Uint8Array(headBytes + padded(base.length) + own.length)
  joined.set(magic)
  new Float64Array(joined.buffer, magic.length, 1)[0] = base.length
  joined.set(base, headBytes)
  joined.set(own, headBytes + padded(base.length))
  return joined
}

/** The two parts of a joined entry; null for any other. */
export function splitJoined(value: Uint8Array): { base: Uint8Array; own: Uint8Array } | null {
  if (!magic.equals(value.subarray(0, magic.length))) return null
  const aligned = value.byteOffset % 8 === 0 ? value : value.slice()
  const [length] = new Float64Array(aligned.buffer, aligned.byteOffset + magic.length, 1)
  const base = aligned.subarray(headBytes, headBytes + length)
  return { base, own: aligned.subarray(headBytes + padded(length)) }
}

const magic = Buffer.from('HRJOINED', 'latin1')
const headBytes = 16
const padded = (bytes: number) => Math.ceil(bytes / 8) * 8
