import { type Batch, type Columns, type Utf8Column, utf8 } from '../batch/batch.ts'
import { cleanText, composeText, inspectText, needsCleaning, needsComposing } from '../text/normalize.ts'
import type { Annotator } from './annotator.ts'

/**
 * Brings `text` to normal form (see `text/normalize.ts`), so that what differs only in line ends, invisible characters or
 * composition is equal for all that comes after. Put it first.
 *
 * - `text`: NFC by the running Node's Unicode version, which is part of the fingerprint.
 * - `normalizedBytes`: bytes that went, i32; negative where NFC made the text longer.
 * - `textBytes`: bytes of the normal text, u32.
 *
 * Drops `empty-text`: nothing is left.
 *
 * ```ts
 * pipeline('web').from(jsonl('data/*.jsonl')).annotate(normalize())
 * ```
 */
export function normalize(): Annotator {
  return Object.freeze({
    name: 'normalize',
    version: 1,
    exact: true,
    options: { unicode: process.versions.unicode },
    reads: ['text'],
    writes: [
      { name: 'text', kind: 'utf8' as const },
      { name: 'normalizedBytes', kind: 'i32' as const },
      { name: 'textBytes', kind: 'u32' as const },
    ],
    resources: [],
    rules: [{ reason: 'empty-text', column: 'textBytes', below: 1 }],
    annotate: normalizeBatch,
  })
}

function normalizeBatch(batch: Batch): Columns {
  const before = utf8(batch, 'text')
  const text = normalizeColumn(before, batch.rows)
  const normalizedBytes = new Int32Array(batch.rows)
  const textBytes = new Uint32Array(batch.rows)
  for (let row = 0; row < batch.rows; row++) {
    textBytes[row] = text.offsets[row + 1] - text.offsets[row]
    normalizedBytes[row] = before.offsets[row + 1] - before.offsets[row] - textBytes[row]
  }
  return {
    text,
    normalizedBytes: { kind: 'i32', values: normalizedBytes },
    textBytes: { kind: 'u32', values: textBytes },
  }
}

/** The column itself where every row is normal already; else a new one, in which runs of normal rows are copied at once. */
function normalizeColumn(column: Utf8Column, rows: number): Utf8Column {
  const { bytes, offsets } = column
  let out: Uint8Array | null = null
  let to = 0
  let copied = 0 // rows before this one are in `out`
  const newOffsets = new Int32Array(rows + 1)
  const copyRows = (end: number): void => {
    out ??= new Uint8Array(offsets[rows] - offsets[0])
    const shift = to - offsets[copied]
    out = reserve(out, to, offsets[end] - offsets[copied])
    out.set(bytes.subarray(offsets[copied], offsets[end]), to)
    for (let row = copied; row < end; row++) newOffsets[row + 1] = offsets[row + 1] + shift
    to += offsets[end] - offsets[copied]
    copied = end
  }
  for (let row = 0; row < rows; row++) {
    const needs = inspectText(bytes, offsets[row], offsets[row + 1])
    if (needs === 0) continue
    const normal = normalizeRow(bytes, offsets[row], offsets[row + 1], needs)
    if (normal === null) continue
    copyRows(row)
    out = reserve(out!, to, normal.length)
    out.set(normal, to)
    to += normal.length
    copied = row + 1
    newOffsets[copied] = to
  }
  if (out === null) return column
  copyRows(rows)
  return { kind: 'utf8', offsets: newOffsets, bytes: out.slice(0, to) }
}

/** One row's normal bytes, or null where they are what they were. */
function normalizeRow(bytes: Uint8Array, start: number, end: number, needs: number): Uint8Array | null {
  let normal = bytes.subarray(start, end)
  if (needs & needsCleaning) {
    const cleaned = new Uint8Array(end - start)
    normal = cleaned.subarray(0, cleanText(bytes, start, end, cleaned, 0))
  }
  if (needs & needsComposing) normal = composeText(normal)
  return normal.buffer === bytes.buffer ? null : normal
}

function reserve(out: Uint8Array, used: number, extra: number): Uint8Array {
  if (used + extra <= out.length) return out
  const grown = new Uint8Array(Math.max(out.length * 2, used + extra))
  grown.set(out.subarray(0, used))
  return grown
}
