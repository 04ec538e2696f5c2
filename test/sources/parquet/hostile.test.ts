import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parquetWriteBuffer } from 'hyparquet-writer'
import { limits } from '../../../src/limits.ts'
import { parquet } from '../../../src/sources/parquet/parquet.ts'
import { makeFolder } from '../../temporary.ts'
import { readSource } from '../fixture.ts'
import { readDocuments } from './documents.ts'

const folder = makeFolder('parquet')
const golden = (name: string) => join(import.meta.dirname, '../../golden/parquet', name)
const fault = (name: string) => join(import.meta.dirname, '../../faults', name)

type Options = Parameters<typeof parquetWriteBuffer>[0]
type Column = Options['columnData'][number]
function write(name: string, columnData: Options['columnData'], options: Partial<Options> = {}): string {
  const path = join(folder, `${name}.parquet`)
  writeFileSync(path, Buffer.from(parquetWriteBuffer({ columnData, rowGroupSize: 2 ** 31, ...options })))
  return path
}

test('decimals stay as many ids as they are', async () => {
  const ids = (await readDocuments(fault('p-dec20.parquet'))).map(({ id }) => id)
  assert.deepEqual(ids, ['90071992547409930001', '90071992547409930002', '12'])
})

test("a map's keys are its keys", async () => {
  const metas = (await readDocuments(fault('p-map.parquet'))).map(({ meta }) => meta)
  assert.deepEqual(metas, [
    { labels: { language: 'en', quality: 'high' }, liststruct: [{ name: 'x', m: 1 }] },
    { labels: { größe: 'groß' }, liststruct: [] },
  ])
})

test('row groups without rows are passed over', async () => {
  assert.deepEqual(
    (await readDocuments(fault('emptygroups.parquet'))).map(({ line }) => line),
    [1, 2, 3, 4, 5],
  )
})

test('pages in zstd are read', async () => {
  const documents = await readDocuments(fault('codec-zstd.parquet'))
  assert.deepEqual([documents[9].id, documents[9].text], ['9', 'A small text about rivers and mills, number 9.'])
})

test('bytes that are no text are a dead text, a label in base64, and base64 in meta', async () => {
  const data = [Uint8Array.of(0xff, 0xfe), Uint8Array.of(0x61)]
  const bytes = (name: string): Column => ({ name, data, type: 'BYTE_ARRAY' })
  const [first, second] = await readDocuments(write('bytes', [bytes('body'), bytes('id'), bytes('m')], {}), {
    text: 'body',
  })
  assert.deepEqual([first.reason, second.id, second.meta], ['invalid-utf8', 'a', { m: 'a' }])
  const labels = write('labels', [{ name: 'text', data: ['x', 'y'], type: 'STRING' }, bytes('id'), bytes('m')])
  const documents = await readDocuments(labels)
  assert.deepEqual(
    documents.map(({ id, meta }) => [id, meta]),
    [
      ['base64://4=', { m: 'base64://4=' }],
      ['a', { m: 'a' }],
    ],
  )
})

test('a label of a column of strings is repaired as a text is, and dead with strict', async () => {
  const strings = { type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'REQUIRED' } as const
  const schema: Options['schema'] = [
    { name: 'root', num_children: 2 },
    ...['text', 'id'].map(name => ({ name, ...strings })),
  ]
  const bytes = (text: string) => Buffer.from(text, 'latin1')
  const columns = [
    { name: 'text', data: [bytes('x'), bytes('y')] },
    { name: 'id', data: [bytes('caf\xe9'), bytes('b')] },
  ]
  const path = write('strings', columns, { schema })
  assert.deepEqual(
    (await readDocuments(path)).map(({ id }) => id),
    ['caf\ufffd', 'b'],
  )
  assert.deepEqual(
    (await readDocuments(path, { strict: true })).map(({ id, reason }) => reason ?? id),
    ['invalid-utf8', 'b'],
  )
})

const lzo: Partial<Options> = {
  compressors: { LZO: (bytes: Uint8Array) => bytes } as NonNullable<Options['compressors']>,
}
const text: Column = { name: 'text', data: ['a', 'b', 'c'], type: 'STRING' }
const unread: readonly [what: string, path: string, column: string, told: RegExp][] = [
  [
    'of an unknown codec',
    write('lzo', [text, { name: 'x', data: [1, 2, 3], type: 'INT32', codec: 'LZO' }], lzo),
    'x',
    /^the column "x" .*the codec LZO is not supported$/,
  ],
  ['that is encrypted', golden('encrypted-column.parquet'), 'secret', /^the column "secret" .* is encrypted/],
]
for (const [what, path, column, told] of unread)
  test(`a column ${what} costs no document unless it is asked for, and is told once`, async () => {
    const documents = await readDocuments(path)
    assert.deepEqual(
      documents.map(({ reason, meta }) => [reason, meta]),
      documents.map(() => [undefined, {}]),
    )
    assert.ok(documents.length > 1)
    const notes = (await readSource(parquet(path))).chunks.flatMap(chunk => chunk.notes ?? [])
    assert.equal(notes.length, 1)
    assert.match(notes[0], told)
    assert.equal((await readDocuments(path, { columns: ['other'] })).length, documents.length)
    assert.equal((await readDocuments(path, { columns: [column] }))[0].line, 0)
  })

test('a member of a struct or of a map can be a part of the document, and is then not in meta', async () => {
  const options = { text: 'liststruct', id: 'labels.language', domain: 'labels.größe', columns: [] }
  const dead = await readDocuments(fault('p-map.parquet'), options)
  assert.deepEqual(
    dead.map(({ reason }) => reason),
    ['text-not-a-string', 'text-not-a-string'],
  )
  const [first, second] = await readDocuments(fault('p-map.parquet'), { id: 'labels.language', domain: 'labels.größe' })
  assert.deepEqual(
    [first.id, first.domain, (first.meta as { labels: unknown }).labels],
    ['en', 'default', { quality: 'high' }],
  )
  assert.deepEqual([second.domain, (second.meta as { labels: unknown }).labels], ['groß', {}])
  const [third] = await readDocuments(fault('p-map.parquet'), { text: 'labels.quality', columns: ['text'] })
  assert.deepEqual([third.text, third.meta], ['high', { text: 'A small text about rivers and mills, number 0.' }])
})

test('a path that two parts of the document have is taken once, and its column can be a part itself', async () => {
  const options = { id: 'labels.language', domain: 'labels.language', url: 'labels' }
  const [first] = await readDocuments(fault('p-map.parquet'), options)
  const labels = { labels: { quality: 'high' } }
  assert.deepEqual([first.id, first.domain, first.meta], ['en', 'en', { liststruct: [{ name: 'x', m: 1 }], ...labels }])
})

test('NaN is a missing label, an infinity one by its name; a text is neither', async () => {
  const data = [Number.NaN, Number.POSITIVE_INFINITY, 0.5, -0]
  const doubles = (name: string): Column => ({ name, data, type: 'DOUBLE' })
  const path = write('doubles', [{ name: 'text', data: ['a', 'b', 'c', 'd'], type: 'STRING' }, doubles('domain')])
  for (const strict of [false, true])
    assert.deepEqual(
      (await readDocuments(path, { strict })).map(({ domain }) => domain),
      ['default', 'Infinity', '0.5', '0'],
    )
  const dead = await readDocuments(path, { text: 'domain' })
  assert.deepEqual(
    dead.map(({ reason }) => reason),
    data.map(() => 'text-not-a-string'),
  )
})

/** A row each; the last but one without a zone, as the writer has it. */
const variants: readonly unknown[] = [
  { a: 1, b: 'größe', c: [1, 'x', null, { d: 2n ** 60n }], e: { f: true } },
  [1, 2.5, -70_000, 40_000],
  'text alone',
  'x'.repeat(100),
  null,
  undefined,
  { a: 'not as the others', z: Uint8Array.of(0xff) },
  new Date(1_714_567_890_123),
  {},
]
const variantValues = [
  { a: 1, b: 'größe', c: [1, 'x', null, { d: '1152921504606846976' }], e: { f: true } },
  [1, 2.5, -70_000, 40_000],
  'text alone',
  'x'.repeat(100),
  undefined,
  undefined,
  { a: 'not as the others', z: 'base64:/w==' },
  '2024-05-01T12:51:30.123000',
  {},
]
const shredded: Column['shredding'] = { a: 'INT32', c: ['INT32'], e: { f: 'BOOLEAN' } }
for (const [what, shredding] of [
  ['whole', undefined],
  ['taken apart', shredded],
  ['taken apart as its writer chooses', true],
] as const)
  test(`a VARIANT that is ${what} is its values`, async () => {
    const data = [...variants]
    const variant: Column = { name: 'v', data, type: 'VARIANT', ...(shredding && { shredding }) }
    const path = write('variant', [{ name: 'text', data: data.map(String), type: 'STRING' }, variant])
    const metas = (await readDocuments(path)).map(({ meta }) => (meta as { v?: unknown }).v)
    assert.deepEqual(metas, variantValues)
  })

test('a file that is encrypted says so', async () => {
  for (const name of ['encrypted', 'encrypted-text'])
    assert.deepEqual(await readDocuments(golden(`${name}.parquet`)), [{ line: 0, reason: 'encrypted-file' }])
})

test('a byte that a checksum tells of ends the file there', async () => {
  const bytes = readFileSync(golden('plain.parquet'))
  bytes[bytes.indexOf('row 3')] ^= 0x20
  const path = join(folder, 'checksum.parquet')
  writeFileSync(path, bytes)
  assert.deepEqual(await readDocuments(path), [{ line: 0, reason: 'corrupt-file' }])
})

test('what is before damage within a row group is kept, wherever reading begins', async () => {
  const data = Array.from({ length: 3000 }, (_, i) => `${i} ${'word '.repeat(200)}`)
  const path = write('late', [{ name: 'text', data, type: 'STRING', encoding: 'PLAIN' }], {
    codec: 'UNCOMPRESSED',
    pageSize: 65536,
  })
  const bytes = readFileSync(path)
  // A text that claims to be longer than its page.
  bytes.writeUInt32LE(0x7fff_ffff, bytes.indexOf(`${data[2000].slice(0, 20)}`) - 4)
  writeFileSync(path, bytes)
  const { records, chunks } = await readSource(parquet(path))
  assert.deepEqual([records.length, records.at(-1)?.line, records.at(-1)?.reason], [2001, 2001, 'corrupt-file'])
  const source = parquet(path)
  const signal = new AbortController().signal
  const [split] = await Array.fromAsync(source.splits(signal))
  for (const [i, { next }] of chunks.slice(0, -1).entries())
    assert.deepEqual(await Array.fromAsync(source.read(split, next, signal)), chunks.slice(i + 1))
})

/** Runs with other limits, which are put back. */
async function withLimits(some: Partial<Record<keyof typeof limits, number>>, run: () => Promise<void>): Promise<void> {
  const before = { ...limits }
  Object.assign(limits, some)
  try {
    await run()
  } finally {
    Object.assign(limits, before)
  }
}

test('a row group far beyond what may be held is read page by page', async () => {
  const data = Array.from({ length: 4000 }, (_, i) => `${i} ${'word '.repeat(200)}`)
  const column = { name: 'text', data, type: 'STRING', encoding: 'PLAIN' } as const
  const small = write('pages', [column], { pageSize: 65536 })
  const large = write('page', [column], { pageSize: 2 ** 30 })
  await withLimits({ parquetHeldBytesMax: 128 * 1024 }, async () => {
    assert.deepEqual(
      (await readDocuments(small)).map(({ text }) => text),
      data,
    )
    assert.deepEqual(await readDocuments(large), [{ line: 0, reason: 'page-too-large' }])
  })
})

test('a row with a list beyond a document is dead where the list is asked for, and otherwise without it', async () => {
  const lists = [['1'], new Array(2000).fill(null), ['2', '3'], new Array(2000).fill('x'.repeat(10)), ['last']]
  const text = { type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' } as const
  const schema: Options['schema'] = [
    { name: 'root', num_children: 2 },
    { name: 'text', ...text },
    { name: 'list', repetition_type: 'OPTIONAL', num_children: 1, converted_type: 'LIST' },
    { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
    { name: 'element', ...text },
  ] as NonNullable<Options['schema']>
  const columns = [
    { name: 'text', data: lists.map((_, i) => `row ${i}`) },
    { name: 'list', data: lists },
  ]
  const path = write('lists', columns, { schema })
  await withLimits({ documentBytesMax: 1000 }, async () => {
    const notes = (await readSource(parquet(path))).chunks.flatMap(chunk => chunk.notes ?? [])
    assert.match(notes.join(), /^the column "list" .*: documents would be too long with it$/)
    const metas = (await readDocuments(path)).map(({ meta }) => meta)
    assert.deepEqual(metas, [{ list: ['1'] }, {}, { list: ['2', '3'] }, {}, { list: ['last'] }])
    assert.deepEqual(
      (await readDocuments(path, { columns: ['list'] })).map(({ reason, meta }) => reason ?? meta),
      [{ list: ['1'] }, 'document-too-long', { list: ['2', '3'] }, 'document-too-long', { list: ['last'] }],
    )
  })
})

const word = 'x'.repeat(10_000)
const column = (name: string, rows: number, value: unknown): Column => ({
  name,
  data: new Array(rows).fill(value),
  type: 'STRING',
  nullable: value === null,
})
const repeats: readonly [what: string, columns: Column[], options?: Parameters<typeof parquet>[1]][] = [
  ['a text that every row has', [column('text', 4000, word)]],
  ['missing texts', [column('text', 100_000, null)]],
  ['a value of meta that every row has', [column('text', 4000, 'x'), column('m', 4000, word)], { columns: ['m'] }],
]
for (const [what, columns, options] of repeats)
  test(`a file that is nothing but ${what} ends where its values are too many times its bytes`, async () => {
    const path = write('repeats', columns)
    const file = readFileSync(path).length
    const documentBytesMax = 1024 * 1024
    await withLimits({ documentBytesMax }, async () => {
      const { chunks } = await readSource(parquet(path, options))
      assert.equal(chunks.at(-1)!.dead.at(-1)?.reason, 'inflates-too-much')
      const bytes = chunks.reduce((sum, chunk) => sum + chunk.bytes.length, 0)
      const bytesMax = documentBytesMax + limits.parquetInflationMax * file
      assert.ok(bytes > 0 && bytes < bytesMax, `${bytes} bytes of ${bytesMax}`)
      assert.ok(bytesMax < 4000 * word.length, 'the file could give no more than it may')
      const source = parquet(path, options)
      const signal = new AbortController().signal
      const [split] = await Array.fromAsync(source.splits(signal))
      assert.deepEqual(await Array.fromAsync(source.read(split, chunks[0].next, signal)), chunks.slice(1))
    })
  })

test('a column that nobody asked for and that is nothing but repeats costs no document', async () => {
  const path = write('others', [column('text', 3000, 'x'), column('m', 3000, word), column('n', 3000, 'y')])
  await withLimits({ documentBytesMax: 1024 * 1024 }, async () => {
    const { records, chunks } = await readSource(parquet(path))
    assert.deepEqual([records.length, records.filter(({ reason }) => reason).length], [3000, 0])
    const notes = chunks.flatMap(chunk => chunk.notes ?? [])
    assert.match(notes.join(), /^the column "m" .* more than 1000 times its bytes/)
  })
})
