import type { Utf8Column } from '../batch/batch.ts'
import { cleanText, composeText, inspectText, needsCleaning, needsComposing } from '../text/normalize.ts'
import { filter } from './filter.ts'
import { below, columnOf, count } from './measure.ts'
import { replaceTexts } from './replace-texts.ts'

/**
 * Brings `text` to normal form (see `text/normalize.ts`). The running Node's Unicode version is part of the fingerprint. Put it first.
 *
 *     pipeline('web').from(jsonl('data/*.jsonl')).annotate(normalize())
 */
export const normalize = filter({
  name: 'normalize',
  version: 2,
  about: `Brings the text to normal form, so that what differs only in line ends, invisible characters or composition is equal for all that
    comes after. Put it first. Of the characters that show nothing (Default_Ignorable_Code_Point) those stay that spell something where
    they stand: joiners beside letters of scripts that join and between emoji, variation selectors behind emoji, signs and ideographs.`,
  measures: {
    text: columnOf('utf8')(
      'NFC, with LF alone for line ends and no invisible characters but those that spell something',
    ),
    normalizedBytes: columnOf('i32')('bytes that went; negative where NFC made the text longer'),
    textBytes: count('bytes of the normal text', {}, below(1, 'empty-text')),
  },
  record: () => ({ unicode: process.versions.unicode }),
  measure({ rows, column, offsets }, { normalizedBytes, textBytes }) {
    const text = replaceTexts(column, findChanged(column))
    for (let row = 0; row < rows; row++) {
      textBytes[row] = text.offsets[row + 1] - text.offsets[row]
      normalizedBytes[row] = offsets[row + 1] - offsets[row] - textBytes[row]
    }
    return { text }
  },
})

/** The texts that are not normal, in normal form, by row. */
function findChanged({ bytes, offsets }: Utf8Column): Map<number, Uint8Array> {
  const changed = new Map<number, Uint8Array>()
  for (let row = 0; row + 1 < offsets.length; row++) {
    const needs = inspectText(bytes, offsets[row], offsets[row + 1])
    const normal = needs === 0 ? null : normalizeRow(bytes, offsets[row], offsets[row + 1], needs)
    if (normal !== null) changed.set(row, normal)
  }
  return changed
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
