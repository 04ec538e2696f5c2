import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parquetWriteBuffer } from 'hyparquet-writer'
import { encodeBatch } from '../../src/batch/arrow/ipc.ts'
import { type Batch, stringAt, Utf8Builder, utf8 } from '../../src/batch/batch.ts'
import { jsonl } from '../../src/sources/files/jsonl.ts'
import { textFolder } from '../../src/sources/files/text-folder.ts'
import { RecordCutter, type RecordFormat, recordParser } from '../../src/sources/kafka/records.ts'
import { parquet } from '../../src/sources/parquet/parquet.ts'
import type { Parsed, Source } from '../../src/sources/source.ts'
import { makeFolder } from '../temporary.ts'

const folder = makeFolder('repair')
const faults = join(import.meta.dirname, '..', 'faults')
type Options = NonNullable<Parameters<typeof jsonl>[1]>

/** The rows of a source's one chunk, with these columns, or the reason of a dead one. */
async function readRows(source: Source, columns: readonly string[]): Promise<string[][]> {
  for await (const split of source.splits(new AbortController().signal))
    for await (const chunk of source.read(split, { offset: 0, line: 1 }, new AbortController().signal))
      return rowsOf(await source.parse(chunk), columns)
  return []
}

function rowsOf({ batch, dead }: Parsed, columns: readonly string[]): string[][] {
  const rows = Array.from({ length: batch.rows }, (_, row) => columns.map(name => stringAt(utf8(batch, name), row)))
  return [...rows, ...dead.map(({ reason }) => [reason])]
}

const columns = ['text', 'meta', 'repaired']

function readJson(record: string | Uint8Array, options: Options = {}, shown = columns): string[][] {
  const bytes = new Uint8Array(Buffer.from(record as string))
  const parsed = jsonl('f', options).parse({ split: 'f', line: 2, bytes, dead: [], next: { offset: 0, line: 3 } })
  return rowsOf(parsed as Parsed, shown)
}

const broken = Buffer.from([0x7b, 0x22, 0x74, 0x65, 0x78, 0x74, 0x22, 0x3a, 0x22, 0x61, 0xff, 0x62, 0x22, 0x7d])
const deep = `${'['.repeat(65)}${']'.repeat(65)}`
const records: [record: string | Uint8Array, row: string[], strict: string][] = [
  ['{"text":"a\\ud83d b"}', ['a\ufffd b', '', 'lone-surrogate'], 'lone-surrogate'],
  ['{"text":"a\\u0000b"}', ['ab', '', 'nul-character'], 'nul-character'],
  ['{"text":"a\0b"}', ['ab', '', 'nul-character'], 'broken-json'],
  [broken, ['a\ufffdb', '', 'invalid-utf8'], 'invalid-utf8'],
  ['{"text":"a\tb\x1b"}', ['a\tb\x1b', '', 'control-character'], 'broken-json'],
  ['\ufeff{"text":"a"}', ['a', '', 'byte-order-mark'], 'broken-json'],
  ['\ufeff{"text":"a","x":NaN}', ['a', '{"x":null}', 'byte-order-mark not-a-number'], 'broken-json'],
  ['{"text":"a","x":[NaN, -Infinity,+inf,nan]}', ['a', '{"x":[null,null,null,null]}', 'not-a-number'], 'broken-json'],
  [
    '{"text":"NaN \\" Infinity\t","x":NaN}',
    ['NaN " Infinity\t', '{"x":null}', 'control-character not-a-number'],
    'broken-json',
  ],
  ['{"text":"a","url":["u"]}', ['a', '{"url":["u"]}', 'bad-field'], 'bad-field'],
  [
    '{"text":"a","x":1,"added":{"at":9007199254740993}}',
    ['a', '{"x":1,"added":{"at":9007199254740993}}', 'bad-field'],
    'bad-field',
  ],
  ['{"text":"a","id":true,"domain":false}', ['a', '{"id":true,"domain":false}', 'bad-field'], 'bad-field'],
  [`{"text":"a","x":${deep},"y":1}`, ['a', '{"x":null,"y":1}', 'too-deep'], 'bad-field'],
]
for (const [record, row, strict] of records)
  test(`${JSON.stringify(
    Buffer.from(record as string)
      .toString()
      .slice(0, 60),
  )} is repaired, and dead with strict`, () => {
    assert.deepEqual(readJson(record), [row])
    assert.deepEqual(readJson(record, { strict: true }), [[strict]])
  })

test('what is no document without its faults, or has too many of them, is dead', () => {
  const latin = Buffer.from(`{"text":"${'caf\xe9 au lait '.repeat(20)}"}`, 'latin1')
  const cases: [string | Uint8Array, string][] = [
    ['{"text":"\\u0000"}', 'empty-text'],
    ['{"text":"\\ud800"}', 'lone-surrogate'],
    ['{"text":NaN}', 'text-not-a-string'],
    [latin, 'invalid-utf8'],
    ['{"text":"a" NaN}', 'broken-json'],
    ['{"text":NaNa}', 'broken-json'],
    ['\ufeff', ''],
  ]
  for (const [record, reason] of cases) assert.deepEqual(readJson(record), reason ? [[reason]] : [], reason)
})

test('a whole number keeps its digits in every field, whatever its size', () => {
  const long = '12345678901234567890'
  const cases: [string, string[]][] = [
    [`{"text":"a","id":${long},"added":${long},"x":${long}}`, [long, long, `{"x":${long}}`]],
    [
      `{"text":"a","x":{"y":[9007199254740993,-9007199254740993,1e400]}}`,
      ['f#2', '', '{"x":{"y":[9007199254740993,-9007199254740993,1e400]}}'],
    ],
    [`{"text":"a","id":1e400,"rawJSON":1,"x":${long}}`, ['1e400', '', `{"rawJSON":1,"x":${long}}`]],
    [
      `{"text":"a","__proto__":{"x":${long}},"constructor":1}`,
      ['f#2', '', `{"__proto__":{"x":${long}},"constructor":1}`],
    ],
    [`{"text":"a","x":{"rawJSON":"}"},"y":${long}}`, ['f#2', '', `{"x":{"rawJSON":"}"},"y":${long}}`]],
  ]
  for (const [record, row] of cases) assert.deepEqual(readJson(record, {}, ['id', 'added', 'meta']), [row], record)
})

test('files that lost documents give all of them', async () => {
  const read = (name: string, shown: string[], options: Options = {}) =>
    readRows(jsonl(join(faults, name), options), shown)
  const nan = ['not-a-number', 'not-a-number', '']
  assert.deepEqual(
    await read('nan.jsonl', ['repaired']),
    nan.map(fault => [fault]),
  )
  const surrogates = ['lone-surrogate', 'nul-character', '', 'control-character']
  assert.deepEqual(
    await read('surrogate.jsonl', ['repaired']),
    surrogates.map(fault => [fault]),
  )
  assert.deepEqual(await read('bom-middle.jsonl', ['id']), [['d1'], ['d2']])
  const ids = ['9007199254740993', '1', 'NaN', '0']
  assert.deepEqual((await read('meta.jsonl', ['id'])).flat().slice(0, 4), ids)
  assert.equal(
    (await read('meta.jsonl', ['meta']))[0][0],
    '{"baselines":[null,[1],{"a":null}],"big":12345678901234567890,"f":1,"e":1e400,"neg0":0}',
  )
  const pile = await read('pile.jsonl', ['domain', 'meta'], { domain: 'meta.pile_set_name' })
  assert.deepEqual(pile, [
    ['FreeLaw', '{"meta":{}}'],
    ['Github', '{"meta":{}}'],
  ])
  const booleans = await readRows(parquet(join(faults, 'boolid.parquet')), ['text', 'id', 'meta', 'repaired'])
  assert.ok(
    booleans.every(
      ([text, id, meta, repaired]) =>
        text && id.includes('#') && /"id":(true|false)/.test(meta) && repaired === 'bad-field',
    ),
  )
})

/** A record's text in each source: its bytes, and what a source made of them. */
const texts: [bytes: Buffer, text: string, repaired: string][] = [
  [Buffer.from('one\r\ntwo\rthree\r\n\r\nfour'), 'one\ntwo\nthree\n\nfour', 'line-ends'],
  [Buffer.from('a\0b\r\n'), 'ab\n', 'nul-character line-ends'],
  [Buffer.from([0x61, 0xff, 0x0d, 0x0a, 0x62]), 'a\ufffd\nb', 'invalid-utf8 line-ends'],
  [Buffer.from('whole\n'), 'whole\n', ''],
]
type Settings = Pick<Options, 'strict' | 'lineEnds'>
const readers: Record<string, (text: Buffer, options: Settings) => Promise<string[][]>> = {
  jsonl: async (text, options) => readJson(asJson(text), options, ['text', 'repaired']),
  'Kafka in JSON': async (text, options) => readRecord('json', asJson(text), options),
  'Kafka in Arrow': async (text, options) => readRecord('arrow', asArrow(text), options),
  parquet: async (text, options) => {
    const file = join(folder, 'a.parquet')
    writeFileSync(
      file,
      Buffer.from(parquetWriteBuffer({ columnData: [{ name: 'text', data: [text], type: 'BYTE_ARRAY' }] })),
    )
    return readRows(parquet(file, options), ['text', 'repaired'])
  },
  'a folder of text': async (text, options) => {
    mkdirSync(join(folder, 'texts'), { recursive: true })
    writeFileSync(join(folder, 'texts', 'a.txt'), text)
    return readRows(textFolder(join(folder, 'texts'), options), ['text', 'repaired'])
  },
}
for (const [name, read] of Object.entries(readers))
  test(`${name}: characters are repaired and line ends are LF, unless the options say otherwise`, async () => {
    for (const [bytes, text, repaired] of texts) {
      assert.deepEqual(await read(bytes, {}), [[text, repaired]])
      const bad = repaired.split(' ').find(fault => fault !== '' && fault !== 'line-ends')
      assert.deepEqual(await read(bytes, { strict: true }), [bad ? [bad] : [text, repaired]])
      const [[kept]] = await read(bytes, { lineEnds: 'keep' })
      assert.equal(kept, bytes.toString().replaceAll('\0', ''))
    }
  })

/** A JSON record with this text, whose bytes stand in it as they are. */
function asJson(text: Buffer): Buffer {
  const escaped = JSON.stringify(text.toString('latin1')).replaceAll(/\\u00([89a-f].)/g, (_, hex) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
  return Buffer.concat([Buffer.from('{"text":'), Buffer.from(escaped, 'latin1'), Buffer.from('}')])
}

test('a label that is NaN is missing, in columns of whatever source', () => {
  const text = new Utf8Builder()
  for (const word of ['a', 'b']) text.push(word)
  const domain = { kind: 'f64', values: Float64Array.of(Number.NaN, 0.5) } as const
  const value = encodeBatch({ rows: 2, columns: { text: text.finish(), domain } })
  assert.deepEqual(readRecord('arrow', value, {}, ['domain', 'repaired']), [
    ['default', ''],
    ['0.5', ''],
  ])
})

function asArrow(text: Buffer): Buffer {
  const column = new Utf8Builder()
  column.push(text)
  const batch: Batch = { rows: 1, columns: { text: column.finish() } }
  return Buffer.from(encodeBatch(batch))
}

function readRecord(
  format: RecordFormat,
  value: Uint8Array,
  given: Settings,
  shown = ['text', 'repaired'],
): string[][] {
  const cutter = new RecordCutter(0)
  cutter.add({ offset: 0, timeMs: null, key: null, headers: [], value })
  const options = { ...(jsonl('f', given).options as unknown as Parameters<typeof recordParser>[1]), columns: null }
  return rowsOf(recordParser(format, options)({ split: 't/0', ...cutter.cut(1)! }), shown)
}
