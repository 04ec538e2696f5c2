import assert from 'node:assert/strict'
import { test } from 'node:test'
import { combine } from '../../../src/annotate/ranks/combine.ts'
import { numbers, stringAt, utf8 } from '../../../src/batch/batch.ts'
import { checkFields } from '../../../src/batch/contract.ts'

type Options = Parameters<typeof combine>[0]
const own: Options = { columns: ['aRank', 'bRank'], name: 'worth' }
const no = Number.NaN

async function run(options: Partial<Options>, rows: readonly (readonly number[])[]) {
  const annotator = combine({ ...own, ...options })
  const column = (i: number) => ({ kind: 'f64' as const, values: Float64Array.from(rows, row => row[i]) })
  const columns = await annotator.annotate({ rows: rows.length, columns: { aRank: column(0), bRank: column(1) } })
  const batch = { rows: rows.length, columns }
  checkFields(batch, annotator.writes, annotator.name)
  return rows.map((_, row) => [numbers(batch, 'worth')[row], numbers(batch, 'worthBucket')[row]])
}

const rows = [
  [0.25, 0.75],
  [1, 1],
  [0, 0],
  [no, 0.5],
  [0.125, no],
  [no, no],
]
const tables: [options: Partial<Options>, expected: number[][]][] = [
  [
    {},
    [
      [0.5, 10],
      [1, 19],
      [0, 0],
      [0.5, 10],
      [0.125, 2],
      [no, -1],
    ],
  ],
  [
    { how: 'max' },
    [
      [0.75, 15],
      [1, 19],
      [0, 0],
      [0.5, 10],
      [0.125, 2],
      [no, -1],
    ],
  ],
  [
    { weights: { aRank: 3, bRank: 1 }, buckets: 4 },
    [
      [0.375, 1],
      [1, 3],
      [0, 0],
      [0.5, 2],
      [0.125, 0],
      [no, -1],
    ],
  ],
  // Of a document without the rank that counts there is no mean.
  [
    { weights: { aRank: 1, bRank: 0 } },
    [
      [0.25, 5],
      [1, 19],
      [0, 0],
      [no, -1],
      [0.125, 2],
      [no, -1],
    ],
  ],
]
for (const [options, expected] of tables)
  test(`combined by ${JSON.stringify(options)}`, async () => {
    assert.deepEqual(await run(options, rows), expected)
  })

const refused: [options: object, message: RegExp][] = [
  [{ columns: [] }, /'columns'/],
  [{ columns: ['class:math'] }, /'class:math', which is no rank: give 'class:mathRank'/],
  [{ columns: ['aRank', 'aRank'] }, /'aRank' twice/],
  [{ how: 'max', weights: { aRank: 1, bRank: 1 } }, /'max', which takes none/],
  [{ weights: { aRank: 1 } }, /'bRank' is in one of both alone/],
  [{ weights: { aRank: 1, bRank: 1, cRank: 1 } }, /'cRank' is in one of both alone/],
  [{ weights: { aRank: 0, bRank: 0 } }, /all 0/],
  [{ buckets: 1 }, /'buckets'/],
  [{ levels: {} }, /none begins at bucket 0/],
  [{ levels: { low: 1 } }, /none begins at bucket 0/],
  [{ levels: { low: 0, high: 20 } }, /behind the last of 20 buckets/],
  [{ levels: { low: 0, lower: 0 } }, /two begin at one bucket/],
  [{ how: 'median' }, /'how'/],
]
for (const [options, message] of refused)
  test(`refused before any work: ${JSON.stringify(options)}`, () => {
    assert.throws(() => combine({ ...own, ...options }), { code: 'bad-option', message })
  })

test('levels are names of buckets that follow each other', async () => {
  const annotator = combine({ ...own, levels: { high: 18, low: 0, middle: 10 } })
  const values = Float64Array.of(0, 0.49, 0.5, 0.89, 0.9, 1, no)
  const rank = { kind: 'f64' as const, values }
  const batch = { rows: 7, columns: await annotator.annotate({ rows: 7, columns: { aRank: rank, bRank: rank } }) }
  checkFields(batch, annotator.writes, annotator.name)
  const levels = utf8(batch, 'worthLevel')
  assert.deepEqual(
    Array.from({ length: 7 }, (_, row) => stringAt(levels, row)),
    ['low', 'low', 'middle', 'middle', 'high', 'high', ''],
  )
})

test('a column that holds no ranks, whatever it is called, is told', async () => {
  await assert.rejects(async () => await run({}, [[0.5, 3.2]]), /column 'bRank' has 3.2: rank\(\) makes ranks of it/)
})
