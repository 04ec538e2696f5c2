import type { Utf8Column } from '../batch/batch.ts'

/** The column with other texts in some rows, which rise; itself where there are none. Rows between them are copied at once. */
export function replaceTexts(column: Utf8Column, texts: ReadonlyMap<number, Uint8Array>): Utf8Column {
  if (texts.size === 0) return column
  const rows = column.offsets.length - 1
  const offsets = new Int32Array(rows + 1)
  for (let row = 0; row < rows; row++)
    offsets[row + 1] = offsets[row] + (texts.get(row)?.length ?? column.offsets[row + 1] - column.offsets[row])
  const bytes = new Uint8Array(offsets[rows])
  let next = 0
  const copyUntil = (row: number) =>
    bytes.set(column.bytes.subarray(column.offsets[next], column.offsets[row]), offsets[next])
  for (const [row, text] of texts) {
    copyUntil(row)
    bytes.set(text, offsets[row])
    next = row + 1
  }
  copyUntil(rows)
  return { kind: 'utf8', offsets, bytes }
}
