import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Batch, type Column, stringAt, utf8From } from '../../src/batch/batch.ts'
import { concatBatches, scatterColumn, takeRows } from '../../src/batch/rows.ts'

const batch: Batch = {
  rows: 4,
  columns: {
    text: utf8From(['a', '', 'ccc', 'é']),
    count: { kind: 'u32', values: Uint32Array.of(1, 2, 3, 4) },
    score: { kind: 'f64', values: Float64Array.of(0.1, 0.2, 0.3, 0.4) },
    tokens: { kind: 'list<i32>', offsets: Int32Array.of(0, 2, 2, 3, 5), values: Int32Array.of(10, 11, 12, 13, 14) },
    hash: { kind: 'fixed', width: 2, bytes: Uint8Array.of(1, 1, 2, 2, 3, 3, 4, 4) },
  },
}

/** A column as plain values, one a row. */
function valuesOf(column: Column): unknown[] {
  switch (column.kind) {
    case 'utf8':
      return Array.from({ length: column.offsets.length - 1 }, (_, row) => stringAt(column, row))
    case 'list<i32>':
      return Array.from({ length: column.offsets.length - 1 }, (_, row) => [
        ...column.values.subarray(column.offsets[row], column.offsets[row + 1]),
      ])
    case 'fixed':
      return Array.from({ length: column.bytes.length / column.width }, (_, row) => [
        ...column.bytes.subarray(row * column.width, (row + 1) * column.width),
      ])
    default:
      return [...column.values]
  }
}
const plain = ({ columns }: Batch) =>
  Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, valuesOf(column)]))

test('takeRows gives the rows asked for, in that order, in its own memory', () => {
  for (const rows of [[0, 1, 2, 3], [3, 1], [2, 2, 0], []]) {
    const taken = takeRows(batch, rows)
    const expected = Object.fromEntries(
      Object.entries(plain(batch)).map(([name, values]) => [name, rows.map(row => values[row])]),
    )
    assert.deepEqual(plain(taken), expected)
    assert.equal(taken.rows, rows.length)
  }
})

test('scatterColumn puts rows back, the others missing', () => {
  const part = takeRows(batch, [1, 2])
  const missing: Record<string, unknown> = { text: '', count: 0, score: Number.NaN, tokens: [], hash: [0, 0] }
  for (const [name, column] of Object.entries(part.columns)) {
    const all = plain(batch)[name]
    assert.deepEqual(
      valuesOf(scatterColumn(column, [1, 3], 5)),
      [missing[name], all[1], missing[name], all[2], missing[name]],
      name,
    )
  }
})

test('scatterColumn takes indexes in any order, and gives memory of its own', () => {
  for (const [name, column] of Object.entries(takeRows(batch, [0, 2]).columns)) {
    const all = plain(batch)[name]
    const scattered = scatterColumn(column, [1, 0], 2)
    const items = 'values' in column ? column.values : column.bytes
    items.fill(0)
    assert.deepEqual(valuesOf(scattered), [all[2], all[0]], name)
  }
})

test('concatBatches joins what takeRows parted', () => {
  const parts = [[0], [], [1, 2], [3]].map(rows => takeRows(batch, rows))
  assert.deepEqual(plain(concatBatches(parts)), plain(batch))
})
