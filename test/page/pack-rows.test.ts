import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Strings } from '../../src/batch/strings.ts'
import { limits } from '../../src/limits.ts'
import { unpackRows } from '../../src/page/client/rows.ts'
import { packRows, type Values, weigh } from '../../src/page/pack-rows.ts'
import type { ReportData } from '../../src/page/report-data.ts'

// What a page unpacks is what was packed for it.

const long = 'x'.repeat(limits.nameLengthMax + 1)
const named = new Set([`${long}y`])
const cut = `${'x'.repeat(limits.nameLengthMax)}…`

function unpack(columns: Readonly<Record<string, Values>>, rows: number, more: Partial<Record<string, number[]>> = {}) {
  const zeros = new Array<number>(rows).fill(0)
  const labels = { reason: zeros, part: zeros, domain: zeros, language: zeros, bytes: zeros, tokens: zeros, ...more }
  const packed = packRows({ ...labels, values: Object.values(columns) }, Object.keys(columns), [rows], named)
  return unpackRows({ rows: JSON.parse(JSON.stringify(packed)) } as ReportData)
}

const columns: readonly [kind: string, values: Values, unpacked?: Values][] = [
  ['u8', []],
  ['u8', [0, 255]],
  ['u32', [0, 256]],
  ['u32', [0, 2 ** 32 - 1]],
  ['i32', [-1, 2 ** 31 - 1]],
  ['i32', [-(2 ** 31), 2 ** 31 - 1]],
  ['f32', [0.5, Number.NaN]],
  ['f32', [Number.POSITIVE_INFINITY]],
  ['f32', [-0]],
  ['f32', [0, -0]],
  ['f32', [0, 2 ** 32]],
  ['f64', [0.1]],
  ['f64', [2 ** 24 + 1, 0.5]],
  ['utf8', ['en', '', '__proto__', 'en']],
  ['utf8', [long, `${long}y`, 'é'], [cut, `${long}y`, 'é']],
  // A slot that has no such column reads as NaN among names.
  ['utf8', ['en', Number.NaN], ['en', 'NaN']],
]

test('a column goes as the narrowest kind that holds it as it is', () => {
  for (const [kind, values, unpacked = values] of columns) {
    const column = unpack({ column: values }, values.length).batch.columns.column
    const found = column.kind === 'utf8' ? new Strings(column) : null
    assert.equal(column.kind, kind)
    const read = found
      ? Array.from(values, (_, i) => found.at(i))
      : Array.from((column as { values: Float64Array }).values)
    assert.deepEqual(read, unpacked)
  }
})

test('what is told of each row, with the largest number that it may be', () => {
  const most = {
    reason: [0, 2 ** 16 - 1],
    // A run may be upgraded more often than 255 times.
    part: [255, 300],
    domain: [0, 2 ** 16 - 1],
    language: [0, 2 ** 16 - 1],
    bytes: [0, 2 ** 32 - 1],
    tokens: [-1, 2 ** 31 - 1],
  }
  const { batch, ...labels } = unpack({}, 2, most)
  assert.equal(batch.rows, 2)
  assert.deepEqual(Object.fromEntries(Object.entries(labels).map(([name, values]) => [name, [...values]])), most)
})

test('a row stands for its share of what its reason took', () => {
  assert.deepEqual(weigh([0, 0, 2], [10, 7, 1]), [5, 1, 1])
})
