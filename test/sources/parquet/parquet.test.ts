import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parquetWriteBuffer } from 'hyparquet-writer'
import { type SourceSubject, testSource } from '../../../conformance/source.ts'
import { limits } from '../../../src/limits.ts'
import { parquet } from '../../../src/sources/parquet/parquet.ts'
import { makeFolder } from '../../temporary.ts'
import { makeTexts } from '../fixture.ts'
import { readDocuments } from './documents.ts'

const folder = makeFolder('sources')
const path = (name: string) => join(folder, name)
const golden = join(import.meta.dirname, '../../golden/sources')

type Columns = Parameters<typeof parquetWriteBuffer>[0]['columnData']
function writeParquet(name: string, columnData: Columns, rowGroupSize = 1000): string {
  writeFileSync(path(name), Buffer.from(parquetWriteBuffer({ columnData, rowGroupSize })))
  return path(name)
}

const texts = makeTexts(3000)
const big = writeParquet('a.parquet', [
  { name: 'text', data: texts.map((text, i) => (i === 1500 ? '' : text)), type: 'STRING' },
  { name: 'id', data: texts.map((_, i) => i), type: 'INT32' },
])
const small = writeParquet('b.parquet', [{ name: 'text', data: ['one', 'two'], type: 'STRING' }])
const setting: SourceSubject = {
  source: parquet([big, small]),
  records: [
    ...texts.map((text, i) =>
      i === 1500 ? { file: big, line: i + 1, reason: 'empty-text' } : { file: big, line: i + 1, text },
    ),
    { file: small, line: 1, text: 'one' },
    { file: small, line: 2, text: 'two' },
  ],
  recordBytesMax: 64 * 1024,
}
testSource('parquet', () => ({ ...setting, source: parquet([big, small]) }))

for (const codec of ['none', 'snappy', 'gzip', 'zstd', 'brotli', 'lz4'])
  test(`a file by pyarrow in ${codec} gives its documents`, async () => {
    const expected = JSON.parse(readFileSync(join(golden, 'expected.json'), 'utf8'))
    assert.deepEqual(await readDocuments(join(golden, `${codec}.parquet`)), expected)
  })

test('only the columns that are asked for go to meta', async () => {
  const [first, second] = await readDocuments(join(golden, 'zstd.parquet'), {
    columns: ['score', 'none'],
    domain: 'score',
  })
  assert.deepEqual([first.domain, first.meta], ['default', {}])
  assert.deepEqual([second.domain, second.meta], ['0.25', {}])
})

test('what is no document is dead for its reason', async () => {
  const long = 'x'.repeat(limits.documentBytesMax + 1)
  const bytes = (...values: number[]) => Uint8Array.from(values)
  const name = writeParquet('dead.parquet', [
    {
      name: 'text',
      data: [bytes(97), bytes(0xff), bytes(0), Buffer.from(long), bytes(98), null, bytes(99)],
      type: 'BYTE_ARRAY',
    },
    { name: 'domain', data: [true, true, true, true, true, true, null], type: 'BOOLEAN' },
  ])
  const reasons = async (options: Parameters<typeof parquet>[1]) =>
    (await readDocuments(name, { strict: true, ...options })).map(row => row.reason ?? row.text)
  const rest = ['invalid-utf8', 'nul-character', 'document-too-long']
  assert.deepEqual(await reasons({ domain: 'none' }), ['a', ...rest, 'b', 'text-not-a-string', 'c'])
  assert.deepEqual(await reasons({}), ['bad-field', ...rest, 'bad-field', 'text-not-a-string', 'c'])
  const repaired = { strict: false }
  const mended = ['a', 'invalid-utf8', 'empty-text', 'document-too-long', 'b', 'text-not-a-string', 'c']
  assert.deepEqual(await reasons(repaired), mended)
  assert.deepEqual(await readDocuments(name, { text: 'body' }), [{ line: 0, reason: 'missing-text' }])
  assert.deepEqual((await readDocuments(name, { text: 'domain' })).at(-2)?.reason, 'text-not-a-string')
})

test('a file that is cut or no Parquet is one dead record', async () => {
  const whole = readFileSync(join(golden, 'snappy.parquet'))
  const cases: [content: Uint8Array, records: unknown[]][] = [
    [whole.subarray(0, 0), [{ line: 0, reason: 'truncated-file' }]],
    [whole.subarray(0, 3), [{ line: 0, reason: 'truncated-file' }]],
    [whole.subarray(0, 2000), [{ line: 0, reason: 'truncated-file' }]],
    [whole.subarray(0, whole.length - 1), [{ line: 0, reason: 'truncated-file' }]],
    [whole.subarray(1), [{ line: 0, reason: 'corrupt-file' }]],
    [Buffer.from('{"text":"a"}\n'), [{ line: 0, reason: 'wrong-kind' }]],
    [
      Buffer.concat([whole.subarray(0, whole.length - 8), Buffer.from('ffffff7f50415231', 'hex')]),
      [{ line: 0, reason: 'corrupt-file' }],
    ],
  ]
  for (const [content, records] of cases) {
    writeFileSync(path('cut.parquet'), content)
    assert.deepEqual(await readDocuments(path('cut.parquet')), records, `${content.length} bytes`)
  }
})

test('damage in a later row group leaves the rows before it', async () => {
  const content = Buffer.from(readFileSync(big))
  // The second of three row groups begins in the middle third of the file.
  content.fill(0xff, Math.floor(content.length * 0.45), Math.floor(content.length * 0.5))
  writeFileSync(path('damaged.parquet'), content)
  const rows = await readDocuments(path('damaged.parquet'))
  assert.deepEqual([rows.length, rows.at(-1)], [1001, { line: 1001, reason: 'corrupt-file' }])
})

test('chunks do not depend on where reading began', async () => {
  const source = parquet(big)
  const signal = new AbortController().signal
  const [split] = await Array.fromAsync(source.splits(signal))
  const all = await Array.fromAsync(source.read(split, { offset: 0, line: 1 }, signal))
  assert.ok(
    all.some(({ line }) => line > 1 && line < 1000),
    'no chunk begins inside a row group',
  )
  assert.deepEqual(
    all.filter(chunk => chunk.line > 1000),
    await Array.fromAsync(source.read(split, { offset: 1000, line: 1001 }, signal)),
  )
})
