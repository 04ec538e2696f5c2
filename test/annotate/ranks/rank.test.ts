import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { groupKey, type PercentileTable, writePercentiles } from '../../../src/annotate/ranks/percentile-file.ts'
import { percentilesOf } from '../../../src/annotate/ranks/percentiles.ts'
import { rank } from '../../../src/annotate/ranks/rank.ts'
import { numbers, utf8From } from '../../../src/batch/batch.ts'
import { checkFields } from '../../../src/batch/contract.ts'
import { HeadraceError } from '../../../src/errors.ts'
import { sealJson } from '../../../src/sealed-json.ts'
import { makeFolder } from '../../temporary.ts'

const dir = makeFolder('rank')
const between = (low: number, high: number) => percentilesOf(Float64Array.of(low, high), 1000)
const table: PercentileTable = {
  column: 'class:math',
  by: ['language', 'domain'],
  groups: new Map([
    [groupKey([]), between(0, 100)],
    [groupKey(['en']), between(0, 10)],
    [groupKey(['en', 'web']), between(0, 1)],
    [groupKey(['__proto__', 'constructor']), between(-1, 0)],
  ]),
}
const file = (name: string, text: string) => {
  writeFileSync(join(dir, name), text)
  return join(dir, name)
}
const path = file('table.json', writePercentiles(table))

test('a document is ranked in the smallest group of the table that it is of', async () => {
  const annotator = rank({ table: path })
  const rows: [language: string, domain: string, value: number, rank: number][] = [
    ['en', 'web', 0.5, 0.5],
    ['en', 'books', 5, 0.5],
    ['de', 'web', 50, 0.5],
    ['en', 'web', 5, 1],
    ['en', '', Number.NaN, Number.NaN],
    ['__proto__', 'constructor', -0.25, 0.75],
    ['__proto__', 'web', 25, 0.25],
    ['enw', 'eb', 50, 0.5],
  ]
  const columns = {
    language: utf8From(rows.map(([language]) => language)),
    domain: utf8From(rows.map(([, domain]) => domain)),
    'class:math': { kind: 'f64' as const, values: Float64Array.from(rows, ([, , value]) => value) },
  }
  const measured = { rows: rows.length, columns: await annotator.annotate({ rows: rows.length, columns }) }
  checkFields(measured, annotator.writes, annotator.name)
  assert.deepEqual(
    [...numbers(measured, 'class:mathRank')],
    rows.map(([, , , rank]) => rank),
  )
  assert.deepEqual([annotator.name, annotator.reads], ['rank-class-math', ['class:math', 'language', 'domain']])
})

const whole = writePercentiles(table)
const contents = (change: object) => sealJson({ ...JSON.parse(whole), ...change, sha256: undefined })
const damaged: [what: string, text: string][] = [
  ['nothing', ''],
  ['a seed', '{"format":"headrace-seed/3"}\n'],
  ['cut off', whole.slice(0, -200)],
  ['a digit changed', whole.replace('1000', '1001')],
  ['a list', '[]'],
  ['without the group of all', contents({ groups: [] })],
  [
    'points that fall',
    contents({ groups: [{ of: [], documents: 1, points: Array.from({ length: 101 }, (_, i) => -i) }] }),
  ],
  ['a group of more names', contents({ by: [], groups: JSON.parse(whole).groups })],
]
for (const [what, text] of damaged)
  test(`a table that is ${what} is refused, with what to do`, () => {
    assert.throws(
      () => rank({ table: file('damaged.json', text) }),
      error => error instanceof HeadraceError && error.code === 'corrupt' && /headrace calibrate/.test(error.message),
    )
  })

test('a table that is not there is refused', () => {
  assert.throws(() => rank({ table: join(dir, 'gone.json') }), { code: 'not-found', message: /headrace calibrate/ })
})
