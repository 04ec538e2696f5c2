import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { type SourceSubject, testSource } from '../../../conformance/source.ts'
import { stringAt, utf8 } from '../../../src/batch/batch.ts'
import { limits } from '../../../src/limits.ts'
import { jsonl } from '../../../src/sources/files/jsonl.ts'
import type { Chunk } from '../../../src/sources/source.ts'
import { makeFolder } from '../../temporary.ts'
import { makeTexts, readSource } from '../fixture.ts'

const folder = makeFolder('sources')
const path = (name: string) => join(folder, name)

/** Two files: one of several chunks with a dead line among them, and a small one without a last newline. */
function makeSetting(ending: string, compress: (bytes: Buffer) => Buffer): SourceSubject {
  const [a, b] = [path(`a${ending}`), path(`b${ending}`)]
  const texts = makeTexts(3000)
  const lines = texts.map((text, i) => (i === 1500 ? '{"text":' : JSON.stringify({ text, id: i })))
  writeFileSync(a, compress(Buffer.from(`${lines.join('\n')}\n`)))
  writeFileSync(b, compress(Buffer.from('{"text":"one"}\n\n{"text":"two"}')))
  const records = texts.map((text, i) => {
    return i === 1500 ? { file: a, line: i + 1, reason: 'broken-json' } : { file: a, line: i + 1, text }
  })
  const small = [
    { file: b, line: 1, text: 'one' },
    { file: b, line: 3, text: 'two' },
  ]
  const source = jsonl([a, b])
  return { source, records: [...records, ...small], recordBytesMax: Math.max(...lines.map(l => Buffer.byteLength(l))) }
}

/** Several members or frames, one of which ends inside a line. */
const inParts = (compress: (bytes: Buffer) => Buffer) => (bytes: Buffer) =>
  Buffer.concat([0, 1, 2].map(i => compress(bytes.subarray((i * bytes.length) / 3, ((i + 1) * bytes.length) / 3))))

for (const [name, ending, compress] of [
  ['jsonl', '.jsonl', (bytes: Buffer) => bytes],
  ['jsonl in gzip members', '.jsonl.gz', inParts(gzipSync)],
  ['jsonl in zstd frames', '.jsonl.zst', inParts(zstdCompressSync)],
] as const) {
  const { source, ...expected } = makeSetting(ending, compress)
  testSource(name, () => ({ source: jsonl(source.options.patterns as string[]), ...expected }))
}

/** Parses lines as a file's first chunk and shows what came of each. */
type Options = Parameters<typeof jsonl>[1]

function parse(content: string | Uint8Array, options: Options = {}) {
  const chunk: Chunk = {
    ...{ split: 'f.jsonl', line: 1, dead: [], next: { offset: 0, line: 1 } },
    bytes: typeof content === 'string' ? Buffer.from(content) : content,
  }
  const parsed = jsonl('f.jsonl', options).parse(chunk)
  assert.ok(!(parsed instanceof Promise))
  const { batch, dead } = parsed
  const names = ['text', 'id', 'domain', 'url', 'added', 'meta'] as const
  const rows = Array.from({ length: batch.rows }, (_, row) => names.map(name => stringAt(utf8(batch, name), row)))
  return { rows, dead: dead.map(({ line, reason, detail }) => ({ line, reason, detail })) }
}

test('fields go to their columns and the others to meta, in their order', () => {
  const cases: [line: string, row: string[], options?: Options][] = [
    ['{"text":"a"}', ['a', 'f.jsonl#1', 'default', '', '', '']],
    ['{"id":7,"text":"a","domain":3,"added":1.5}', ['a', '7', '3', '', '1.5', '']],
    ['{"id":12345678901234567890,"text":"a"}', ['a', '12345678901234567890', 'default', '', '', '']],
    ['{"id":"","domain":null,"text":"a","url":"u"}', ['a', 'f.jsonl#1', 'default', 'u', '', '']],
    ['{"z":1,"text":"a","b":[{"c":null}],"id":"x"}', ['a', 'x', 'default', '', '', '{"z":1,"b":[{"c":null}]}']],
    ['{"text":"a","__proto__":{"text":"b"}}', ['a', 'f.jsonl#1', 'default', '', '', '{"__proto__":{"text":"b"}}']],
    ['{"text":"a","text":"b"}', ['b', 'f.jsonl#1', 'default', '', '', '']],
    ['{"body":"a","text":5,"u":"k"}', ['a', 'k', 'k', '', '', '{"text":5}'], { text: 'body', id: 'u', domain: 'u' }],
    ['{"text":"\\ud83c\\udf0a"}', ['🌊', 'f.jsonl#1', 'web', '', '', ''], { domainDefault: 'web' }],
  ]
  for (const [line, row, options] of cases) assert.deepEqual(parse(line, options), { rows: [row], dead: [] }, line)
})

test('with strict, what is no document as it stands is dead for its reason', () => {
  const deep = `${'['.repeat(100)}${']'.repeat(100)}`
  const bytes = (...parts: (string | number)[]) =>
    Buffer.concat(parts.map(part => (typeof part === 'number' ? Buffer.from([part]) : Buffer.from(part))))
  const cases: [line: string | Uint8Array, reason: string][] = [
    ['{"text":"a"', 'broken-json'],
    ['{"text":"a","x":NaN}', 'broken-json'],
    ['{"text":"a\tb"}', 'broken-json'],
    ['\ufeff{"text":"a"}', 'broken-json'],
    ['{"text":"a"} {"text":"b"}', 'broken-json'],
    ['{"text":"a\u0000b"}', 'broken-json'],
    ['[{"text":"a"}]', 'not-an-object'],
    ['null', 'not-an-object'],
    ['"text"', 'not-an-object'],
    ['{"body":"a"}', 'missing-text'],
    ['{"text":null}', 'text-not-a-string'],
    ['{"text":["a"]}', 'text-not-a-string'],
    ['{"text":""}', 'empty-text'],
    ['{"text":"a\\u0000b"}', 'nul-character'],
    ['{"text":"a\\ud800b"}', 'lone-surrogate'],
    ['{"text":"a","id":"\\udc00"}', 'lone-surrogate'],
    ['{"text":"a","id":[1]}', 'bad-field'],
    ['{"text":"a","domain":true}', 'bad-field'],
    ['{"text":"a","url":{}}', 'bad-field'],
    [`{"text":"a","x":${deep}}`, 'bad-field'],
    [bytes('{"text":"', 0xff, '"}'), 'invalid-utf8'],
    [bytes('{"text":"', 0xed, 0xa0, 0x80, '"}'), 'invalid-utf8'],
    [bytes('{"text":"', 0xc0, 0x80, '"}'), 'invalid-utf8'],
    [bytes(0xff, 0xfe, '{', 0, '}', 0), 'invalid-utf8'],
  ]
  for (const [line, reason] of cases) {
    const { rows, dead } = parse(
      Buffer.concat([Buffer.from('{"text":"before"}\n'), Buffer.from(line), bytes('\n{"text":"after"}')]),
      { strict: true },
    )
    assert.deepEqual(
      [rows.map(([text]) => text), dead.map(d => [d.line, d.reason])],
      [['before', 'after'], [[2, reason]]],
    )
    assert.ok(dead[0].detail.length <= 200 && dead[0].detail !== '')
  }
})

test('blank lines, CRLF, a byte order mark and a missing last newline are no records', () => {
  const { rows, dead } = parse('\ufeff{"text":"a"}\r\n\r\n \t\n{"text":"b"}\r\n\n{"text":"c"}')
  assert.deepEqual(
    rows.map(([text, id]) => [text, id]),
    [
      ['a', 'f.jsonl#1'],
      ['b', 'f.jsonl#4'],
      ['c', 'f.jsonl#6'],
    ],
  )
  assert.deepEqual(dead, [])
  assert.deepEqual(parse('').rows, [])
})

/** Writes a file, reads it, and shows its records as [line, text or reason]. */
async function readFile(name: string, content: Uint8Array | string, options: Options = {}) {
  writeFileSync(path(name), content)
  const { records, chunks } = await readSource(jsonl(path(name), options))
  return { records: records.map(({ line, text, reason }) => [line, text ?? reason]), chunks }
}

test('a file that is cut gives its complete lines and one dead record for the rest', async () => {
  const lines = makeTexts(400, 5).map((text, i) => [i + 1, text] as const)
  const content = Buffer.from(lines.map(([, text]) => `${JSON.stringify({ text })}\n`).join(''))
  for (const [name, compress] of [
    ['cut.gz', gzipSync],
    ['cut.zst', zstdCompressSync],
  ] as const) {
    const whole = compress(content)
    for (const share of [0.001, 0.3, 0.7, 1]) {
      const cut = whole.subarray(0, Math.min(Math.ceil(whole.length * share), whole.length - 1))
      const { records } = await readFile(name, cut)
      const rest = records.length === 1 ? 0 : records.length
      const given = lines.slice(0, records.length - 1)
      assert.deepEqual(records.at(-1), [rest, 'truncated-file'])
      assert.ok(
        isDeepStrictEqual(records.slice(0, -1), given),
        `${name}: ${records.length} records, not the first ones`,
      )
      assert.ok(share < 0.5 || records.length > 10, `${name} ${share}: ${records.length}`)
    }
  }
})

test('damage, garbage behind the end, an empty file and a wrong name', async () => {
  const good = gzipSync('{"text":"a"}\n')
  const cases: [name: string, content: Uint8Array | string, records: unknown[]][] = [
    ['empty.jsonl', '', []],
    ['empty.gz', '', [[0, 'truncated-file']]],
    ['empty.ZST', '', [[0, 'truncated-file']]],
    ['blank.jsonl', '\n\n', []],
    ['plain.gz', '{"text":"a"}', [[1, 'a']]],
    ['gzip.jsonl', good, [[1, 'a']]],
    ['padded.gz', Buffer.concat([good, Buffer.alloc(700)]), [[1, 'a']]],
    ['header.gz', good.subarray(0, 2), [[0, 'truncated-file']]],
    ['short.gz', good.subarray(0, 1), [[0, 'truncated-file']]],
    [
      'garbage.gz',
      Buffer.concat([good, Buffer.from('garbage')]),
      [
        [1, 'a'],
        [2, 'trailing-junk'],
      ],
    ],
    [
      'garbage.zst',
      Buffer.concat([zstdCompressSync('{"text":"a"}\n'), Buffer.from('garbage')]),
      [
        [1, 'a'],
        [2, 'trailing-junk'],
      ],
    ],
    [
      'skippable.zst',
      Buffer.concat([Buffer.from('512a4d1803000000616263', 'hex'), zstdCompressSync('{"text":"a"}')]),
      [[1, 'a']],
    ],
  ]
  for (const [name, content, records] of cases) assert.deepEqual((await readFile(name, content)).records, records, name)
})

test('a member that ends where a read ends is not the end of the file', async () => {
  const first = Buffer.alloc(limits.slotBytes)
  const [head, tail] = [gzipSync('{"text":"a"}\n'), gzipSync('{"text":"b"}')]
  // The file name field pads the header, so that the first member fills a block to its last byte.
  const padding = Buffer.alloc(first.length - head.length - 1, 'n')
  const member = Buffer.concat([
    head.subarray(0, 3),
    Buffer.from([8]),
    head.subarray(4, 10),
    padding,
    Buffer.from([0]),
    head.subarray(10),
  ])
  assert.equal(member.length, limits.slotBytes)
  assert.deepEqual((await readFile('boundary.gz', Buffer.concat([member, tail]))).records, [
    [1, 'a'],
    [2, 'b'],
  ])
})

test('lines at and over the limit of a document', async () => {
  const line = (length: number) => `{"text":"${'x'.repeat(length - 11)}"}`
  const max = limits.documentBytesMax
  const content = [line(max), line(max + 1), '{"text":"short"}', line(max + 1)].join('\n')
  const { records, chunks } = await readFile('long.jsonl', content)
  assert.deepEqual(
    records.map(([number, text]) => [number, (text as string).slice(0, 20)]),
    [
      [1, 'x'.repeat(20)],
      [2, 'document-too-long'],
      [3, 'short'],
      [4, 'document-too-long'],
    ],
  )
  assert.match(chunks[1].dead[0].detail, new RegExp(`${max + 1} bytes`))
  assert.equal(chunks.at(-1)!.next.offset, content.length)
})

test('a line of 200 MB is passed over in bounded memory', async () => {
  const blank = Buffer.alloc(4 * 1024 * 1024, ' ')
  const member = gzipSync(blank, { level: 1 })
  const parts = [gzipSync('{"text":"a"}\n{"text":"'), ...Array(50).fill(member), gzipSync('"}\n{"text":"b"}\n')]
  const rssBefore = process.memoryUsage().rss
  const { records } = await readFile('huge.gz', Buffer.concat(parts), { inflationMax: 2000 })
  assert.deepEqual(records, [
    [1, 'a'],
    [2, 'document-too-long'],
    [3, 'b'],
  ])
  const grown = process.memoryUsage().rss - rssBefore
  assert.ok(grown < 150e6, `memory grew by ${grown} bytes`)
})

test('options that are wrong say so', () => {
  const cases: [options: object, message: RegExp][] = [
    [{ domian: 'x' }, /jsonl\(\) has no option 'domian'; did you mean 'domain'\? there are text, /],
    [{ columns: ['a'] }, /no option 'columns'; there are text/],
    [{ text: '' }, /'text' "": give a name/],
    [{ follow: 'yes' }, /'follow' "yes": give true or false/],
    [{ pollMs: 0 }, /'pollMs' 0: give a number from 1 to 2147483647/],
  ]
  for (const [options, message] of cases) assert.throws(() => jsonl('a', options), { code: 'bad-option', message })
  for (const patterns of [[], ['a', ''], '', 5])
    assert.throws(() => jsonl(patterns as string), {
      code: 'bad-option',
      message: /jsonl\(\) has 'patterns' .*: give a list/,
    })
})
