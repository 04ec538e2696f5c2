import { crc32 } from 'node:zlib'
import { decodeBatch, encodePacked } from '../batch/arrow/ipc.ts'
import { makeLater } from '../batch/arrow/region.ts'
import { type Batch, type Column, numbers, utf8 } from '../batch/batch.ts'
import { stageFields } from '../batch/contract.ts'
import { HeadraceError } from '../errors.ts'
import type { Plan } from '../pipeline/plan.ts'
import { columnsIn, encodeOwnColumns, joinColumns, type PrintedColumns } from './own-columns.ts'
import { chainParts, cutParts, type Parts, wholeParts } from './parts.ts'

/** Those that a plan writes. What the stage adds depends on all of annotating. */
export function columnsOf({ fields, fingerprints, annotateFingerprint }: Plan): PrintedColumns {
  const printed = fields.map(({ name }) => [name, fingerprints.get(name)!] as const)
  return [...printed, ...stageFields.map(({ name }) => [name, annotateFingerprint] as const)]
}

/** A measured slot as an entry of `scored`: an Arrow message that names all columns with their fingerprints in its metadata `columns`. */
export function encodeScored(batch: Batch, columns: PrintedColumns): Uint8Array {
  return encodePacked(batch, { columns: JSON.stringify(columns) })
}

/** The column of lengths that stands for texts which are not stored; measures of ours have no full stop in their names. */
export const textLength = 'text.bytes'

/** A measured slot as two values: its texts alone, and its entry of `scored` with their lengths. */
export function encodeApart(
  batch: Batch,
  columns: PrintedColumns,
): { readonly texts: Uint8Array; readonly scored: Uint8Array } {
  const { text, ...others } = batch.columns
  const lengths: Column = { kind: 'u32', values: Uint32Array.from(textBytesOf(batch)) }
  const scored = encodeScored({ rows: batch.rows, columns: { ...others, [textLength]: lengths } }, columns)
  return { texts: encodePacked({ rows: batch.rows, columns: { text } }), scored }
}

/**
 * The same of a slot that refers to another one (`own-columns.ts`): lengths are in the place of texts, in the list of its columns, too, as
 * the other one may have texts. None are given where the batch has their lengths alone.
 */
export function encodeOwnApart(
  batch: Batch,
  base: Batch,
  columns: PrintedColumns,
): { readonly texts: Uint8Array | null; readonly scored: Uint8Array } {
  const { text } = batch.columns
  const listed = columns.map(([name, print]) => [name === 'text' ? textLength : name, print] as const)
  return {
    texts: text ? encodePacked({ rows: batch.rows, columns: { text } }) : null,
    scored: encodeOwnColumns(withLengths(batch), base, listed),
  }
}

/** How many bytes the text of each row has, whether it is stored or not. */
export function textBytesOf(batch: Batch): ArrayLike<number> {
  if (batch.columns[textLength]) return numbers(batch, textLength)
  const { offsets } = utf8(batch, 'text')
  return Int32Array.from({ length: batch.rows }, (_, row) => offsets[row + 1] - offsets[row])
}

/** The batch with the lengths of its texts in their place: no text is unpacked. */
export function withLengths(batch: Batch): Batch {
  if (!('text' in batch.columns)) return batch
  const columns: Record<string, Column> = {}
  for (const name of Object.keys(batch.columns))
    if (name !== 'text') makeLater(columns, name, () => batch.columns[name])
    else columns[textLength] = { kind: 'u32', values: Uint32Array.from(textBytesOf(batch)) }
  return { rows: batch.rows, columns }
}

/** Where each row's text would begin if it were stored, and the last one end. */
export function textLengths(batch: Batch): Int32Array {
  const offsets = new Int32Array(batch.rows + 1)
  const lengths = textBytesOf(batch)
  for (let row = 0; row < batch.rows; row++) offsets[row + 1] = offsets[row] + lengths[row]
  return offsets
}

/**
 * The rows of an entry of `scored`, joined or not; with the column `text.bytes` in the place of a `text` that is not stored. A column is unpacked when
 * it is first asked for, and the bytes of texts apart from their offsets: who reads labels alone unpacks no text.
 */
export function decodeScored(value: Uint8Array): Batch {
  const parts = splitJoined(value)
  if (parts) return joinColumns(decodeScored(parts.base), parts.own)
  const texted = splitTexts(value)
  return texted ? joinText(decodeBatch(texted.base).batch, texted.own) : decodeBatch(value).batch
}

/** A slot's columns with its texts in their place. */
function joinText({ rows, columns: { text } }: Batch, value: Uint8Array): Batch {
  const joined = splitJoined(value) ? decodeScored(value) : null
  const { batch: own, names } = joined ? { batch: joined, names: namesOf(joined) } : decodeNamed(value)
  if (!text || rows !== own.rows)
    throw new HeadraceError('corrupt', `the texts of a slot are of ${rows} rows, and it has ${own.rows}`)
  const columns: Record<string, Column> = {}
  for (const name of names) makeLater(columns, name, () => (name === 'text' ? text : own.columns[name]))
  return { rows, columns }
}

const namesOf = ({ columns }: Batch) => Object.keys(columns).map(name => (name === textLength ? 'text' : name))

function decodeNamed(value: Uint8Array): { batch: Batch; names: string[] } {
  const { batch, metadata } = decodeBatch(value)
  return { batch, names: columnsIn(metadata) }
}

/**
 * An entry of a replay with the one that it refers to, as readers of the log get it: 'HRJOINED', the bytes of the base as a float64, the
 * base padded to 8 bytes, what is the replay's own. An entry without anything of its own is its base.
 */
export function joinScored(base: Uint8Array, own: Uint8Array): Uint8Array {
  return own.length === 0 ? base : join(magics.joined, base, own)
}

/** The two parts of a joined entry; null for any other. */
export const splitJoined = (value: Uint8Array) => split(magics.joined, value)

/** An entry with its texts, which stand in a file of their own: the same with 'HRTEXTED'. */
export const joinTexts = (texts: Uint8Array, own: Uint8Array) => join(magics.texted, texts, own)
const splitTexts = (value: Uint8Array) => split(magics.texted, value)

/** The same entry as it is once its texts are gone. */
export function withoutTexts(value: Uint8Array): Uint8Array {
  const texted = splitTexts(value)
  if (texted) return withoutTexts(texted.own)
  const joined = splitJoined(value)
  return joined ? joinScored(withoutTexts(joined.base), joined.own) : value
}

/** A checksum as headers of entries have it. */
export const crcOf = (bytes: Uint8Array) => crc32(bytes).toString(16).padStart(8, '0')

const magics = { joined: Buffer.from('HRJOINED', 'latin1'), texted: Buffer.from('HRTEXTED', 'latin1') }
const headBytes = 16
const padded = (bytes: number) => Math.ceil(bytes / 8) * 8

/** As `joinScored`, of values that are read in parts. */
export function joinParts(base: Parts, own: Parts): Parts {
  if (own.length === 0) return base
  const head = new Uint8Array(headBytes + padded(base.length) - base.length)
  head.set(magics.joined)
  new Float64Array(head.buffer, magics.joined.length, 1)[0] = base.length
  const padding = wholeParts(head.subarray(headBytes))
  return chainParts([wholeParts(head.subarray(0, headBytes)), base, padding, own])
}

/** The parts of a value whose first bytes are `head`: of a joined one, or of one with its texts; null for any other. */
export function splitParts(
  value: Parts,
  head: Uint8Array,
): { kind: keyof typeof magics; base: Parts; own: Parts } | null {
  const kinds = ['joined', 'texted'] as const
  const kind = kinds.find(kind => magics[kind].equals(head.subarray(0, magics[kind].length)))
  if (kind === undefined || head.length < headBytes) return null
  const length = new DataView(head.buffer, head.byteOffset).getFloat64(magics[kind].length, true)
  const ownAt = headBytes + padded(length)
  if (!Number.isSafeInteger(length) || length < 0 || ownAt > value.length)
    throw new HeadraceError('corrupt', `an entry of ${value.length} bytes says that its first part has ${length}`)
  return { kind, base: cutParts(value, headBytes, length), own: cutParts(value, ownAt) }
}

function join(magic: Uint8Array, base: Uint8Array, own: Uint8Array): Uint8Array {
  const joined = new Uint8Array(headBytes + padded(base.length) + own.length)
  joined.set(magic)
  new Float64Array(joined.buffer, magic.length, 1)[0] = base.length
  joined.set(base, headBytes)
  joined.set(own, headBytes + padded(base.length))
  return joined
}

function split(magic: Buffer, value: Uint8Array): { base: Uint8Array; own: Uint8Array } | null {
  if (!magic.equals(value.subarray(0, magic.length))) return null
  const aligned = value.byteOffset % 8 === 0 ? value : value.slice()
  const [length] = new Float64Array(aligned.buffer, aligned.byteOffset + magic.length, 1)
  const base = aligned.subarray(headBytes, headBytes + length)
  return { base, own: aligned.subarray(headBytes + padded(length)) }
}
