import assert from 'node:assert/strict'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { describeDocument } from '../../../src/page/live/describe-document.ts'
import { findDocuments } from '../../../src/page/live/find-documents.ts'
import { packReport, readReport } from '../../../src/page/report.ts'
import type { ReportData } from '../../../src/page/report-data.ts'
import { bindingOf } from '../../../src/record/binding.ts'
import { RunReader } from '../../../src/record/run-reader.ts'
import { writeTrimmed } from '../../../src/record/trimmed.ts'
import { addressOf, copyAsOlder, makeRuns } from './made-runs.ts'

// A document by itself, against the one that a report of all documents shows.

let dir = ''
let data: ReportData

async function readAll(of: string): Promise<ReportData> {
  await using run = await RunReader.open(of)
  return await packReport(await readReport(run, { documentsMax: 2000, seed: 0 }))
}

before(async () => {
  dir = join(await makeRuns(['whole'], 120), 'whole')
  data = await readAll(dir)
  assert.equal(data.documents.length, 122)
})

/** A document with its measurements by name: a report's have those of all its documents. */
function named({ values, ...document }: ReportData['documents'][number], measures: readonly string[]) {
  const known = values.map((value, i) => [measures[i], value]).filter(([, value]) => value !== null)
  return { ...document, values: Object.fromEntries(known) }
}

test('each document is as the report shows it', async () => {
  await using run = await RunReader.open(dir)
  for (const shown of data.documents) {
    const { document, measures, part } = await describeDocument(run, shown.slot, shown.row)
    assert.deepEqual(named(document, measures), named(shown, data.measures))
    assert.deepEqual(part, data.parts![0])
  }
  const has = (is: (one: ReportData['documents'][number]) => unknown) => data.documents.some(is)
  assert.ok(has(one => one.partner) && has(one => one.broken.length > 1) && has(one => one.text?.marks.length))
})

test('of a run of an older version too, without rules', async () => {
  const older = await copyAsOlder(dir)
  const { documents, measures: all } = await readAll(older)
  await using run = await RunReader.open(older)
  for (const shown of documents.slice(0, 30)) {
    const { document, measures, part } = await describeDocument(run, shown.slot, shown.row)
    assert.deepEqual(named(document, measures), named(shown, all))
    assert.deepEqual([part, document.broken], [null, []])
  }
})

const none: [slot: number, row: number, says: RegExp][] = [
  [0, 99_999, /slot 0 has no row 99999/],
  [9_999, 0, /slots before \d+ are decided/],
  [-1, 0, /no document at -1\/0/],
  [0.5, 0, /no document at 0.5\/0/],
  [0, Number.NaN, /no document/],
]
for (const [slot, row, says] of none)
  test(`${slot}/${row} is no address`, async () => {
    await using run = await RunReader.open(dir)
    await assert.rejects(describeDocument(run, slot, row), { code: 'not-found', message: says })
  })

test('what was trimmed, also since the run was opened, is told as gone, and the search begins behind it', async () => {
  const older = await copyAsOlder(dir)
  await using run = await RunReader.open(older)
  await writeTrimmed(older, bindingOf(run.run), 3, () => {})
  await assert.rejects(describeDocument(run, 2, 0), { code: 'trimmed', message: /slots before 3 are gone/ })
  const { documents } = await findDocuments(run, { limit: 100 })
  const left = data.documents.filter(({ slot }) => slot >= 3).slice(0, 100)
  assert.deepEqual(documents.map(addressOf), left.map(addressOf))
})
