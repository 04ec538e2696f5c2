import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { stringAt, utf8 } from '../../../src/batch/batch.ts'
import { type KafkaTopicOptions, kafkaTopic } from '../../../src/index.ts'
import { RecordCutter } from '../../../src/sources/kafka/records.ts'

const golden = join(import.meta.dirname, '../../golden/arrow')
const messageOf = (name: string) => readFileSync(join(golden, name))
/** Of each message of the folder its rows in order: text, further fields, and the id where there is one; of a dead one null and why. */
type ExpectedRow = readonly [text: string | null, meta: unknown, id?: string]
const unfold = (_: string, value: unknown) => {
  const [, times, text, end] = /^repeat (\d+) (\S+) (\S+)$/.exec(`${value}`) ?? []
  return times ? text.repeat(Number(times)) + end : value
}
const expected: Record<string, ExpectedRow[]> = JSON.parse(readFileSync(join(golden, 'expected.json'), 'utf8'), unfold)

/** What comes of messages that share a chunk: rows as text, meta and id, and dead ones as their details. */
async function parse(messages: readonly Uint8Array[], options: KafkaTopicOptions = {}) {
  const source = kafkaTopic('kafka://h', 't', { format: 'arrow', ...options })
  const cutter = new RecordCutter(0)
  for (const [offset, value] of messages.entries()) cutter.add({ offset, timeMs: null, key: null, headers: [], value })
  const { batch, dead } = await source.parse({ split: 't/0', ...cutter.cut(messages.length)! })
  const at = (name: string, row: number) => stringAt(utf8(batch, name), row)
  const rows = Array.from({ length: batch.rows }, (_, row) => {
    const { kafka, ...meta } = JSON.parse(at('meta', row))
    return { text: at('text', row), id: at('id', row), domain: at('domain', row), meta, kafka }
  })
  return { rows, dead }
}

test('what pyarrow writes is read, each row of each batch with its values', async () => {
  const names = readdirSync(golden).filter(name => /\.arrows?$/.test(name))
  assert.deepEqual(names.sort(), Object.keys(expected).sort())
  for (const name of names) {
    const { rows, dead } = await parse([messageOf(name)])
    const list = expected[name]
    const lived = [...list.entries()].filter(([, [text]]) => text !== null)
    const died = [...list.entries()].filter(([, [text]]) => text === null)
    assert.deepEqual(
      rows.map(({ text, meta }) => [text, meta]),
      lived.map(([, [text, meta]]) => [text, meta]),
      name,
    )
    const idOf = ([row, [, , id]]: (typeof lived)[number]) => id ?? (list.length > 1 ? `t/0#1.${row}` : 't/0#1')
    assert.deepEqual(
      rows.map(({ id }) => id),
      lived.map(idOf),
      name,
    )
    if (list.length === 0)
      assert.deepEqual(
        dead.map(({ reason }) => reason),
        ['empty-record'],
        name,
      )
    else
      assert.deepEqual(
        dead.map(({ reason, detail }) => [reason, Number(/row (\d+)/.exec(detail)![1])]),
        died.map(([row, [, reason]]) => [reason, row]),
        name,
      )
  }
})

const first = (name: string) => expected[name].map(([text]) => text)

/** A message with some of its bytes changed. */
function changed(name: string, at: (bytes: Buffer) => number, ...bytes: number[]): Buffer {
  const copy = Buffer.from(messageOf(name))
  copy.set(bytes, at(copy))
  return copy
}

test('what is wrong in a message costs no more than what it is in, and is told with field and type', async () => {
  const five = messageOf('five.arrows')
  const offsets = (bytes: Buffer) => bytes.indexOf(Buffer.from(Int32Array.of(0, 24, 48, 72).buffer))
  const cases: [string, Uint8Array, (string | null)[], (readonly [string, RegExp])[]][] = [
    [
      'cut within its last batches',
      five.subarray(0, 1000),
      first('five.arrows').slice(0, 3),
      [['corrupt-arrow', /message: the message at byte \d+ ends at|metadata where/]],
    ],
    ['without its end', five.subarray(0, -8), first('five.arrows'), []],
    ['padded', Buffer.concat([five, Buffer.alloc(8)]), first('five.arrows'), []],
    [
      'two streams',
      Buffer.concat([five, five]),
      first('five.arrows'),
      [['corrupt-arrow', /1456 bytes follow the end of the stream/]],
    ],
    [
      'an offset that is wrong',
      changed('five.arrows', bytes => offsets(bytes) + 4, 255),
      first('five.arrows').filter((_, i) => i < 3 || i > 4),
      [
        [
          'corrupt-arrow',
          /^at offset 0: row 3: column 'text' of type utf8: its offsets 0 and 255 are not in order within 72/,
        ],
        ['corrupt-arrow', /row 4: column 'text' of type utf8/],
      ],
    ],
    [
      'JSON',
      Buffer.from('{"text":"a"}'),
      [],
      [['corrupt-arrow', /no Arrow message but JSON: set the option format to 'json'/]],
    ],
    ['Parquet', readFileSync(join(golden, '../sources/none.parquet')), [], [['corrupt-arrow', /a Parquet file/]]],
    [
      'a file without its footer',
      messageOf('types.arrow').subarray(0, 5000),
      [],
      [['corrupt-arrow', /the end mark of the file is missing/]],
    ],
    ['nothing but zeros', Buffer.alloc(64), [], [['corrupt-arrow', /it has no schema/]]],
    ['noise', Buffer.from('0123456789abcdef'.repeat(9)), [], [['corrupt-arrow', /bytes of metadata where/]]],
  ]
  for (const [name, message, texts, faults] of cases) {
    const { rows, dead } = await parse([message])
    assert.deepEqual(
      rows.map(({ text }) => text),
      texts,
      name,
    )
    assert.equal(dead.length, faults.length, `${name}: ${dead.map(({ detail }) => detail)}`)
    for (const [i, [reason, detail]] of faults.entries()) {
      assert.equal(dead[i].reason, reason, name)
      assert.match(dead[i].detail, detail, name)
    }
  }
})

test('few bytes that make much are dead where the room ends, and what others in the chunk have stays', async () => {
  const cases: [string, number, number, string, RegExp][] = [
    ['runs', 0, 1, 'too-many-rows', /the message has 60000 rows where \d+ may be: send smaller ones/],
    [
      'dictionary',
      23,
      17,
      'arrow-too-large',
      /row 23: column 'text' of type utf8: with it, more would be read at once/,
    ],
    ['zeros', 0, 1, 'arrow-too-large', /2 rows: batch 0 of the Arrow message: column 'zeros' of type binary: with it/],
    ['long', 2, 1, 'document-too-long', /row 1: the record has 16777\d+ bytes/],
  ]
  const five = messageOf('five.arrows')
  for (const [name, lived, died, reason, detail] of cases) {
    const { rows, dead } = await parse([five, messageOf(`odd/${name}.arrows`), five])
    assert.equal(rows.length, lived + 12, name)
    assert.deepEqual(
      dead.map(one => one.reason),
      Array(died).fill(reason),
      name,
    )
    assert.match(dead[0].detail, detail, name)
  }
  // A column that is not asked for costs nothing.
  const { rows, dead } = await parse([messageOf('odd/zeros.arrows')], { columns: [] })
  assert.deepEqual([rows.map(({ text }) => text), dead], [['a', 'b'], []])
})

test('options choose columns, and fields within fields', async () => {
  const { rows } = await parse([messageOf('types.arrows')], {
    columns: ['int64', 'struct'],
    id: 'uint64',
    domain: 'date32',
  })
  assert.deepEqual(rows[0], {
    text: 'first',
    id: `${2n ** 64n - 1n}`,
    domain: '1969-12-31',
    meta: { int64: '-9007199254740993', struct: { a: '9007199254740993', b: [true] } },
    kafka: { offset: 0, row: 0 },
  })
  const nested = await parse([messageOf('odd/nested.arrows')], { text: 'doc.body', domain: 'doc.by.site', columns: [] })
  assert.deepEqual(
    nested.rows.map(({ text, domain, meta }) => [text, domain, meta]),
    [
      // What is a part of the document is not in `meta` besides, as of JSON and Parquet.
      ['a', 's', { doc: { by: {} } }],
      ['c', 'default', { doc: { by: null } }],
    ],
  )
  assert.deepEqual(
    nested.dead.map(({ reason, detail }) => [reason, detail]),
    [['text-not-a-string', 'at offset 0: row 1: the text is null']],
  )
  const missing = await parse([messageOf('five.arrows')], { text: 'body' })
  assert.deepEqual(missing.dead.map(({ reason, detail }) => [reason, detail])[0], [
    'missing-text',
    "at offset 0: no column 'body' among text, id",
  ])
})
