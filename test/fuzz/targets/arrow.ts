import assert from 'node:assert/strict'
import { documents } from '../../../conformance/texts.ts'
import { decodeBatch, encodeBatch, encodePacked } from '../../../src/batch/arrow/ipc.ts'
import { type Batch, fieldOf, stringAt, utf8From } from '../../../src/batch/batch.ts'
import { checkFields } from '../../../src/batch/contract.ts'
import { takeRows } from '../../../src/batch/rows.ts'
import type { Target } from '../target.ts'

/** A batch of three rows with a column of every kind. */
export const everyKind: Batch = {
  rows: 3,
  columns: {
    text: utf8From(['a', '', '水车 🌊']),
    u8: { kind: 'u8', values: Uint8Array.of(1, 2, 255) },
    i32: { kind: 'i32', values: Int32Array.of(-1, 0, 2 ** 31 - 1) },
    u32: { kind: 'u32', values: Uint32Array.of(0, 1, 2 ** 32 - 1) },
    f32: { kind: 'f32', values: Float32Array.of(0.5, Number.NaN, -1) },
    f64: { kind: 'f64', values: Float64Array.of(0.1, Number.NaN, 1e300) },
    tokens: { kind: 'list<i32>', offsets: Int32Array.of(0, 2, 2, 5), values: Int32Array.of(7, 8, 1, 2, 3) },
    hash: { kind: 'fixed', width: 3, bytes: Uint8Array.from({ length: 9 }, (_, i) => i) },
  },
}

/** The same with rows enough that its buffers are packed. */
export const manyRows: Batch = takeRows(
  everyKind,
  Array.from({ length: 1200 }, (_, row) => row % 3),
)

/** That every row of every column can be read, and that the batch can be written again. */
export function assertUsable(batch: Batch): void {
  const fields = Object.entries(batch.columns).map(([name, column]) => fieldOf(name, column))
  const isWide = fields.some(({ width }) => width === 0)
  if (!isWide) checkFields(batch, fields, 'the batch')
  for (const column of Object.values(batch.columns))
    if (column.kind === 'utf8') for (let row = 0; row < batch.rows; row++) stringAt(column, row)
  const rows = takeRows(batch, [...Array(batch.rows).keys()].reverse())
  assert.equal(decodeBatch(encodeBatch(rows)).batch.rows, batch.rows)
}

/** Arrow messages of the log. They have no checksum of their own, so that a batch may come with other values; it must be a sound one. */
export const arrowTarget: Target = {
  name: 'arrow',
  cases: 600,
  async open() {
    const batches = [everyKind, documents(['one', 'two', 'three']), { rows: 0, columns: { text: utf8From([]) } }]
    const encoded = [...batches.map(batch => encodeBatch(batch, { slot: '7' })), encodePacked(manyRows)]
    const files = encoded.map((bytes, i) => {
      const marks = [...bytes.keys()].filter(at => at % 8 === 0)
      return { name: String(i), bytes, marks }
    })
    return {
      files,
      async check(bytes) {
        const { batch } = decodeBatch(bytes)
        assertUsable(batch)
        return 'a batch'
      },
    }
  },
}
