import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { stringAt, utf8 } from '../../src/batch/batch.ts'
import { jsonl } from '../../src/sources/files/jsonl.ts'
import { RecordCutter, recordParser } from '../../src/sources/kafka/records.ts'
import { findPlace, takeField } from '../../src/sources/nested-field.ts'
import { parquet } from '../../src/sources/parquet/parquet.ts'
import type { Parsed } from '../../src/sources/source.ts'
import { readSource } from './fixture.ts'

/** What structs and maps of columns are, from JSON; and back. */
const toMaps = (json: string): unknown =>
  JSON.parse(json, (_, value) => (value?.constructor === Object ? new Map(Object.entries(value)) : value))
const asJson = (record: unknown) =>
  JSON.stringify(record, (_, value) => (value instanceof Map ? Object.fromEntries(value) : value))

test('a path is the field of that name, else one in an object by its names up to dots', () => {
  const cases: [record: string, path: string, value: unknown, left: string][] = [
    ['{"a":{"b":1}}', 'a.b', 1, '{"a":{}}'],
    ['{"a.b":2,"a":{"b":1}}', 'a.b', 2, '{"a":{"b":1}}'],
    ['{"a":{"b":{"c":3}}}', 'a.b.c', 3, '{"a":{"b":{}}}'],
    ['{"a":{"b.c":4}}', 'a.b.c', 4, '{"a":{}}'],
    ['{"a.b":{"c":5}}', 'a.b.c', 5, '{"a.b":{}}'],
    ['{"a":{"x":1},"a.b":{"c":6}}', 'a.b.c', 6, '{"a":{"x":1},"a.b":{}}'],
    ['{"a":{"b":null}}', 'a.b', null, '{"a":{}}'],
    ['{"__proto__":{"b":7}}', '__proto__.b', 7, '{"__proto__":{}}'],
  ]
  for (const [json, path, value, left] of cases) {
    for (const record of [JSON.parse(json), toMaps(json)])
      assert.deepEqual([takeField(record, path), asJson(record)], [value, left], `${path} of ${json}`)
  }
  for (const json of ['{}', '{"a":1}', '{"a":null}', '{"a":"b"}', '{"a":[1]}', '{"a":{"c":1}}'])
    for (const path of ['a.b', 'a.0', 'a.length', 'a.size', 'a.constructor', '__proto__.toString', '.', 'a.', '.a'])
      for (const record of [JSON.parse(json), toMaps(json)])
        assert.deepEqual([takeField(record, path), asJson(record)], [undefined, json], `${path} of ${json}`)
})

test('a column is that of the name, else the first whose name begins the path', () => {
  const cases: [names: string[], place: [column: string, path: string | null] | null][] = [
    [
      ['a', 'a.b', 'a.b.c'],
      ['a.b.c', null],
    ],
    [
      ['a.b', 'a'],
      ['a', 'b.c'],
    ],
    [['a.b'], ['a.b', 'c']],
    [['b', 'a.', 'a.b.c.d'], null],
  ]
  for (const [names, place] of cases)
    assert.deepEqual(findPlace(names, 'a.b.c'), place && { column: place[0], path: place[1] })
})

const options = { text: 'doc.text', id: 'doc.id', domain: 'doc.source.name', url: 'meta.url' } as const
const columns = ['text', 'id', 'domain', 'url', 'meta'] as const
const rowsOf = ({ batch, dead }: Parsed) => [
  ...Array.from({ length: batch.rows }, (_, row) => columns.map(name => stringAt(utf8(batch, name), row))),
  ...dead.map(({ reason }) => [reason]),
]
const record =
  '{"doc":{"text":"one","id":9007199254740993,"source":{"name":"web","rank":1}},"meta.url":"u","meta":{"url":"x"}}'
const row = ['one', '9007199254740993', 'web', 'u', '{"doc":{"source":{"rank":1}},"meta":{"url":"x"}}']

test('JSON Lines and Kafka: every role may lie in another field, and is not in meta besides', () => {
  const bytes = new Uint8Array(Buffer.from(record))
  const lines = jsonl('f', options)
  const parsed = lines.parse({ split: 'f', line: 1, bytes, dead: [], next: { offset: 0, line: 2 } }) as Parsed
  assert.deepEqual(rowsOf(parsed), [row])
  const cutter = new RecordCutter(0)
  cutter.add({ offset: 0, timeMs: null, key: null, headers: [], value: bytes })
  const fields = { ...(lines.options as unknown as Parameters<typeof recordParser>[1]), columns: null }
  const [found] = rowsOf(recordParser('json', fields)({ split: 't/0', ...cutter.cut(1)! }))
  assert.deepEqual(found.slice(0, 4), row.slice(0, 4))
})

test('a path that no record has is a missing value', () => {
  const bytes = new Uint8Array(Buffer.from('{"text":"a","meta":{"source":null}}\n{"text":"b","meta":5}\n{"doc":{}}'))
  const chunk = { split: 'f', line: 1, bytes, dead: [], next: { offset: 0, line: 4 } }
  const given = { domain: 'meta.source', id: 'meta.id' }
  const rows = rowsOf(jsonl('f', given).parse(chunk) as Parsed)
  assert.deepEqual(rows, [
    ['a', 'f#1', 'default', '', '{"meta":{}}'],
    ['b', 'f#2', 'default', '', '{"meta":5}'],
    ['missing-text'],
  ])
})

test('Parquet: a member of a struct has a role, whichever further columns go to meta', async () => {
  const path = join(import.meta.dirname, '..', 'faults', 'struct.parquet')
  const read = async (columns: readonly string[] | null) => {
    const source = parquet(path, { ...options, columns })
    const { chunks } = await readSource(source)
    return (await Promise.all(chunks.map(async chunk => rowsOf(await source.parse(chunk))))).flat()
  }
  const rows = await read(null)
  assert.deepEqual(
    rows.map(row => row.slice(0, 4).map(value => value.replace(/^.*#/, '#'))),
    [['one', '7', 'web', 'u1'], ['two', '8', 'default', 'u2'], ['four', '#4', 'books', 'u4'], ['text-not-a-string']],
  )
  assert.deepEqual(JSON.parse(rows[0][4]), { doc: { source: { rank: 1 } }, meta: { url: 'x', lang: 'en' } })
  const alone = await read([])
  assert.deepEqual(
    alone.map(row => row.slice(0, 4)),
    rows.map(row => row.slice(0, 4)),
  )
  assert.equal(alone[0][4], '')
})
