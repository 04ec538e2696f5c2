import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decideBatch, testDecider } from '../../conformance/decider.ts'
import { type Batch, utf8From } from '../../src/batch/batch.ts'
import { openTables } from '../../src/decide/tables/tables.ts'
import { capDecider, domainDecider } from '../../src/recall/deciders.ts'
import type { Recalled } from '../../src/record/recalled.ts'

const recall: Recalled = { name: 'math', model: '', column: 'seed:math', line: 0, source: 'file', after: [] }

const batchOf = (rows: readonly (readonly [url: string, file: string])[]): Batch => ({
  rows: rows.length,
  columns: {
    row: { kind: 'u32', values: Uint32Array.from(rows.keys()) },
    url: utf8From(rows.map(([url]) => url)),
    file: utf8From(rows.map(([, file]) => file)),
    text: utf8From(rows.map(([url]) => url)),
  },
})

const batches = [
  batchOf([
    ['https://a.example/1', 'one'],
    ['HTTPS://A.EXAMPLE:443/2', 'one'],
    ['https://b.example/', 'one'],
    ['a.example', 'two'],
    ['', 'two'],
  ]),
  batchOf([
    ['https://user@a.example./4', 'two'],
    ['no address at all', 'two'],
    ['', 'two'],
    ['https://b.example/2', 'one'],
    ['https://c.example/', 'two'],
  ]),
]

testDecider('caps', () => ({ decider: capDecider({ ...recall, perHost: 2, perSource: 3 }), batches }))
testDecider('the domain of a recall', () => ({ decider: domainDecider(recall), batches }))

const cases: [caps: Partial<Recalled>, reasons: string[]][] = [
  [{ perHost: 2 }, ['', '', '', 'host', '', 'host', '', '', '', '']],
  [{ perSource: 3 }, ['', '', '', '', '', '', 'source', 'source', 'source', 'source']],
  [{ perHost: 1, perSource: 4 }, ['', 'host', '', 'host', '', 'host', '', '', 'host', '']],
]
for (const [caps, reasons] of cases)
  test(`${JSON.stringify(caps)}: the first are kept, whatever the spelling of a host, and what has none has no cap`, async () => {
    const decider = capDecider({ ...recall, ...caps })
    await using state = await openTables({ path: null, shapes: decider.tables, identity: '' })
    const fates = batches.flatMap((batch, slot) => decideBatch([decider], batch, slot, state))
    assert.deepEqual(
      fates.map(({ reason }) => reason.replace(/^over-(\w+)-cap$/, '$1')),
      reasons,
    )
  })

test('what has no text left is not moved, and dropped', async () => {
  const decider = domainDecider(recall)
  await using state = await openTables({ path: null, shapes: [], identity: '' })
  assert.deepEqual(
    decideBatch([decider], batches[0], 0, state).map(({ reason, domain }) => reason || domain),
    [...Array(4).fill('recalled:math'), 'nothing-left'],
  )
})
