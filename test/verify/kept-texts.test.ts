import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Batch, type Column, utf8From } from '../../src/batch/batch.ts'
import { judgeKeptTexts } from '../../src/verify/kept-texts.ts'

const row = (...rows: number[]): Column => ({ kind: 'u32', values: Uint32Array.from(rows) })
const text = (...texts: string[]) => ({ text: utf8From(texts) })
const batch = (rows: number, columns: Batch['columns']): Batch => ({ rows, columns })

// Rows 0, 2 and 5 were measured, with these texts, or with these alone known to be of 3, 4 and 2 bytes.
const texted = batch(3, { row: row(0, 2, 5), ...text('one', 'four', 'ha') })
const bare = batch(3, { row: row(0, 2, 5), 'text.bytes': { kind: 'u32', values: Uint32Array.of(3, 4, 2) } })

const table: readonly [what: string, scored: Batch, kept: Batch, storesKept: boolean, wrong: RegExp | null][] = [
  ['row numbers alone of a run that stores all', texted, batch(2, { row: row(0, 5) }), false, null],
  ['row numbers alone of a run that stores none', bare, batch(2, { row: row(0, 5) }), false, null],
  ['row numbers alone, the texts being in the run that is referred to', texted, batch(1, { row: row(2) }), true, null],
  ['nothing kept', bare, batch(0, { row: row() }), true, null],
  ['the texts', bare, batch(2, { row: row(0, 5), ...text('two', 'ho') }), true, null],
  ['the texts, which can be compared', texted, batch(2, { row: row(0, 5), ...text('one', 'ha') }), true, null],
  ['no texts', bare, batch(2, { row: row(0, 5) }), true, /the texts of the rows that it has kept are not there/],
  ['a text of another length', bare, batch(2, { row: row(0, 5), ...text('two', 'hoo') }), true, /row 5 was kept with/],
  [
    'another text',
    texted,
    batch(2, { row: row(0, 5), ...text('two', 'ha') }),
    true,
    /row 0 was kept with another text/,
  ],
  ['whole rows', texted, batch(1, { row: row(2), id: utf8From(['x']), ...text('for ') }), false, /row 2 was kept with/],
]
for (const [what, scored, kept, storesKept, wrong] of table)
  test(`${what} ${wrong ? 'is told' : 'holds'}`, () => {
    const found = judgeKeptTexts(7, scored, kept, storesKept)
    if (wrong) assert.match(found ?? '', wrong)
    else assert.equal(found, null)
  })
