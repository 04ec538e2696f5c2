import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeBatch } from '../../src/batch/arrow/ipc.ts'
import { type Batch, numbers, stringAt, utf8, utf8From } from '../../src/batch/batch.ts'
import { decodeKept, encodeKept, isWhole, joinKept, keptBatch } from '../../src/record/kept.ts'

/** Rows 1, 3, 5 and 7, as if those between had been dead. */
const scored: Batch = {
  rows: 4,
  columns: {
    gateEvidence: { kind: 'f64', values: Float64Array.of(1, 2, 3, 4) },
    words: { kind: 'f32', values: Float32Array.of(10, 30, 50, 70) },
    signature: { kind: 'fixed', width: 2, bytes: Uint8Array.from({ length: 8 }, (_, i) => i) },
    file: utf8From(['f', 'f', 'f', 'f']),
    text: utf8From(['one', 'three', 'five', 'seven']),
    id: utf8From(['1', '3', '5', '7']),
    domain: utf8From(['a', 'b', '', 'b']),
    row: { kind: 'u32', values: Uint32Array.of(1, 3, 5, 7) },
    language: utf8From(['en', 'de', 'en', 'en']),
  },
}

const joins: [what: string, rows: number[], domains: string[], columns: string[], expected: string[]][] = [
  ['nothing', [], [], ['row'], []],
  ['rows that stay where they are', [3, 7], ['', ''], ['row'], ['three b 30', 'seven b 70']],
  [
    'a row that was moved, among others',
    [1, 3, 5],
    ['', 'holdout', ''],
    ['row', 'domain'],
    ['one a 10', 'three holdout 30', 'five  50'],
  ],
]
for (const [what, rows, domains, columns, expected] of joins)
  test(`kept: ${what}`, () => {
    const kept = decodeKept(encodeKept(keptBatch(rows, domains)))
    assert.deepEqual(Object.keys(kept.columns), columns)
    const joined = joinKept(scored, kept)
    assert.deepEqual(Object.keys(joined.columns), ['text', 'id', 'domain', 'row', 'language', 'words'])
    const at = (name: string, row: number) => stringAt(utf8(joined, name), row)
    assert.deepEqual(
      rows.map((_, i) => `${at('text', i)} ${at('domain', i)} ${numbers(joined, 'words')[i]}`),
      expected,
    )
    assert.deepEqual([...numbers(joined, 'row')], rows)
    assert.ok(!isWhole(kept) && isWhole(joined))
    assert.equal(joinKept(scored, joined), joined, 'whole rows of an older version are what they are')
  })

const damaged: [what: string, join: () => unknown, message: RegExp][] = [
  ['a row that was not measured', () => joinKept(scored, keptBatch([1, 4], [])), /row 4 of a slot is kept and was not/],
  ['a row twice', () => joinKept(scored, keptBatch([3, 3, 1], [])), /row 1 of a slot is kept/],
  ['no numbers', () => decodeKept(encodeBatch({ rows: 0, columns: {} })), /column 'row' of a slot is missing, not u32/],
  [
    'rows of nothing',
    () => joinKept({ rows: 0, columns: {} }, keptBatch([1], [])),
    /column 'row' of a slot is missing/,
  ],
]
for (const [what, join, message] of damaged)
  test(`damage is told: ${what}`, () => assert.throws(join, { code: 'corrupt', message }))
