import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { jsonl } from '../../../src/sources/files/jsonl.ts'
import { textFolder } from '../../../src/sources/files/text-folder.ts'
import { parquet } from '../../../src/sources/parquet/parquet.ts'
import type { Source } from '../../../src/sources/source.ts'
import { makeFolder } from '../../temporary.ts'
import { readSource } from '../fixture.ts'

// Kinds of files by their bytes: each is read, or named, whatever its name says.
const folder = makeFolder('kinds')
const fault = (name: string) => readFileSync(join(import.meta.dirname, '../../faults', name))

/** Records as [line, text] or [line, reason, detail]. */
async function readAs(make: (path: string) => Source, content: Uint8Array | string): Promise<unknown[]> {
  const path = join(folder, 'file')
  writeFileSync(path, content)
  const source = make(path)
  const { records, chunks } = await readSource(source)
  const details = chunks.flatMap(({ dead }) => dead.map(({ detail }) => detail))
  return records.map(({ line, text, reason }) => (reason ? [line, reason, details.shift() ?? ''] : [line, text]))
}
const readLines = (content: Uint8Array | string) => readAs(path => jsonl(path), content)

const encode = (text: string, encoding: 'utf16le' | 'utf16be' | 'utf32le' | 'utf32be') => {
  const units = Buffer.from(text, 'utf16le')
  if (encoding === 'utf16le') return units
  if (encoding === 'utf16be') return units.swap16()
  const bytes = Buffer.alloc(4 * Array.from(text).length)
  for (const [i, sign] of Array.from(text).entries())
    if (encoding === 'utf32le') bytes.writeUInt32LE(sign.codePointAt(0)!, 4 * i)
    else bytes.writeUInt32BE(sign.codePointAt(0)!, 4 * i)
  return bytes
}
const two = '{"text":"räder 🌊"}\n{"text":"水車"}\n'
const twoRecords = [
  [1, 'räder 🌊'],
  [2, '水車'],
]

test('UTF-16 and UTF-32 are read, with a byte order mark or without, packed or not', async () => {
  for (const encoding of ['utf16le', 'utf16be', 'utf32le', 'utf32be'] as const)
    for (const text of [two, `\ufeff${two}`, two.slice(0, -1)]) {
      assert.deepEqual(await readLines(encode(text, encoding)), twoRecords, encoding)
      assert.deepEqual(await readLines(gzipSync(encode(text, encoding))), twoRecords, `${encoding} in gzip`)
    }
  const [[line, text]] = (await readLines(fault('utf16.jsonl'))) as [number, string][]
  assert.deepEqual([line, text.slice(0, 18)], [1, 'A small text about'])
})

test('a unit of UTF-16 that is half a character is repaired in its own line, and in no other', async () => {
  const lines = ['{"text":"a"}', '{"text":"b\ud83c"}', '{"text":"c"}', '{"text":"\udf0ad"}', '{"text":"🌊"}'].join('\n')
  const records = await readLines(Buffer.concat([encode(`\ufeff${lines}`, 'utf16le'), Buffer.from([65])]))
  assert.deepEqual(
    records.map(record => (record as unknown[]).slice(0, 2)),
    [
      [1, 'a'],
      [2, 'b\ufffd'],
      [3, 'c'],
      [4, '\ufffdd'],
      [5, 'broken-json'],
    ],
  )
})

test('JSON in one array, or over several lines, is read value by value', async () => {
  const ab = [
    [1, 'a'],
    [2, 'b'],
  ]
  const pretty = JSON.stringify([{ text: 'a' }, { text: 'b', x: { y: ['[{"', '\\"', ']'] } }], null, 2)
  const cases: [what: string, content: string | Uint8Array, records: unknown[]][] = [
    ['of the issue', fault('array.json'), ab],
    ['on a line', '[{"text":"a"},{"text":"b"}]', ab],
    ['a value a line', '[\n{"text":"a"},\n{"text":"b"}\n]\n', ab],
    ['with CRLF', '[\r\n  {\r\n"text": "a"\r\n},\r\n{"text":"b"}]\r\n', ab],
    ['pretty', pretty, ab],
    ['pretty, with a mark', `\ufeff${pretty}`, ab],
    ['pretty, in gzip', gzipSync(pretty), ab],
    ['pretty, in UTF-16', encode(`\ufeff${pretty}`, 'utf16le'), ab],
    ['pretty objects', '{\n  "text": "a"\n}\n{\n  "text": "b"\n}\n', ab],
    ['two arrays', '[{"text":"a"}]\n[{"text":"b"}]', ab],
    ['an array of nothing, which is a line of no object', '[]\n', [[1, 'not-an-object', '']]],
    [
      'no object',
      '[{"text":"a"},5,null,{"text":"b"}]',
      [
        [1, 'a'],
        [2, 'not-an-object', ''],
        [3, 'not-an-object', ''],
        [4, 'b'],
      ],
    ],
    [
      'a broken one',
      '[{"text":"a"},{"text":b},{"text":"c"}]',
      [
        [1, 'a'],
        [2, 'broken-json', ''],
        [3, 'c'],
      ],
    ],
    [
      'a line in a string',
      '[{"text":"a\nb"},{"text":"c"}]',
      [
        [1, 'a\nb'],
        [2, 'c'],
      ],
    ],
    [
      'cut',
      '[{"text":"a"},{"text":"b',
      [
        [1, 'a'],
        [2, 'truncated-file', 'the file ends within a JSON value'],
      ],
    ],
    [
      'not closed',
      '[{"text":"a"},',
      [
        [1, 'a'],
        [2, 'truncated-file', 'the file ends within a JSON array'],
      ],
    ],
  ]
  for (const [what, content, records] of cases) assert.deepEqual(await readLines(content), records, what)
})

test('lines that are no objects are still lines', async () => {
  const lines = ['[1,2]', '{"text":"a"}', '{', '{"text":"b"}']
  const records = await readLines(lines.join('\n'))
  assert.deepEqual(
    records.map(record => (record as unknown[]).slice(0, 2)),
    [
      [1, 'not-an-object'],
      [2, 'a'],
      [3, 'broken-json'],
      [4, 'b'],
    ],
  )
})

const tar = Buffer.alloc(1024)
tar.write('a.jsonl')
tar.write('ustar', 257)
const oldTar = Buffer.alloc(1024)
oldTar.write('a.jsonl')
oldTar.write('  6270\0 ', 148)
oldTar.fill(32, 148, 156)
const sum = oldTar.subarray(0, 512).reduce((total, byte) => total + byte, 0)
oldTar.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)

/** First bytes of files, padded, and what these are. */
const named: [bytes: string | Buffer, name: string][] = [
  ['50415231150415', 'a Parquet file'],
  ['4152524f57310000', 'an Arrow file'],
  ['ffffffff7801000010000000', 'an Arrow stream'],
  ['4f52430a030000', 'an ORC file'],
  ['4f626a0104', 'an Avro file'],
  ['504b030414000000', 'a zip file'],
  ['504b050600000000', 'a zip file'],
  ['377abcaf271c0004', 'a 7z file'],
  ['526172211a070100', 'a rar file'],
  ['04224d1864', 'an lz4 file'],
  ['4c5a495001', 'an lzip file'],
  ['5d00008000ffffffffffffffff00', 'an lzma file'],
  ['1f9d90', 'a file of compress'],
  ['255044462d312e', 'a PDF file'],
  ['53514c69746520666f726d6174203300', 'an SQLite database'],
  ['894844460d0a1a0a', 'an HDF5 file'],
  ['934e554d505901', "a file of NumPy's"],
  ['80049500', 'a pickle of Python'],
  ['89504e470d0a1a0a', 'a picture'],
  [tar, 'a tar file'],
  [oldTar, 'a tar file'],
  [
    Buffer.from('version https://git-lfs.github.com/spec/v1\noid sha256:ab\n'),
    'a pointer of Git LFS in place of the file',
  ],
]
const pad = (bytes: string | Buffer) =>
  typeof bytes === 'string' ? Buffer.concat([Buffer.from(bytes, 'hex'), Buffer.alloc(600, 1)]) : bytes

test('a file that holds no documents is named by JSON Lines, text and Parquet, with what to do', async () => {
  mkdirSync(join(folder, 'texts'))
  const asText = async (content: Uint8Array) => {
    writeFileSync(join(folder, 'texts', 'a.txt'), content)
    const { chunks } = await readSource(textFolder(join(folder, 'texts')))
    return chunks.flatMap(({ dead }) => dead.map(({ line, reason, detail }) => [line, reason, detail]))
  }
  for (const [bytes, name] of named) {
    const content = pad(bytes)
    for (const [kind, records] of [
      ['JSON Lines', await readLines(content)],
      ['JSON Lines', await readLines(gzipSync(content))],
      ['text', await asText(content)],
      ...(name === 'a Parquet file' ? [] : [['Parquet', await readAs(path => parquet(path), content)] as const]),
    ] as const) {
      const [[line, reason, detail]] = records as [number, string, string][]
      assert.deepEqual([records.length, line, reason], [1, 0, 'wrong-kind'], name)
      assert.ok(detail.replace('inside gzip, ', '').startsWith(`this is ${name}, not ${kind}: `), `${kind}: ${detail}`)
    }
  }
})

test('what is packed is named where it is not unpacked', async () => {
  const packed = [gzipSync(two), zstdCompressSync(two), fault('a.jsonl.bz2')]
  for (const [i, name] of ['gzip', 'zstd', 'bzip2'].entries()) {
    assert.match(
      String((await readAs(path => parquet(path), packed[i]))[0]),
      new RegExp(`0,wrong-kind,this is a ${name} file, not Parquet`),
    )
    assert.match(
      String((await readLines(gzipSync(packed[i])))[0]),
      new RegExp(`wrong-kind,inside gzip, this is a ${name} file`),
    )
  }
  assert.match(String((await readAs(path => parquet(path), two))[0]), /this is JSON, not Parquet/)
})

test('tables, web pages and records of crawls are named as a whole, not line by line', async () => {
  const cases: [content: string | Uint8Array, name: RegExp][] = [
    [fault('t.csv'), /a table with separators/],
    ['id\ttext\n1\ta\n', /a table with separators/],
    ['a,b\n"x\n y",z\n1,2\n', /a table with separators/],
    ['<?xml version="1.0"?>\n<a/>\n', /an XML file/],
    ['\n<!DOCTYPE html>\n<p>', /an HTML page/],
    ['WARC/1.0\r\n', /a WARC file/],
  ]
  for (const [content, name] of cases) {
    const records = await readLines(content)
    assert.deepEqual([records.length, (records[0] as unknown[])[1]], [1, 'wrong-kind'])
    assert.match(String(records[0]), name)
  }
})

test('text in another encoding is read; markup and tables are text there', async () => {
  const texts = join(folder, 'encoded')
  mkdirSync(texts)
  for (const [i, encoding] of (['utf16le', 'utf16be', 'utf32le', 'utf32be'] as const).entries())
    writeFileSync(join(texts, `${i}.txt`), encode('\ufeffräder 🌊\n', encoding))
  writeFileSync(join(texts, '4.txt'), '<html><p>a\n')
  writeFileSync(join(texts, '5.txt'), 'a,b\n1,2\n')
  const { records } = await readSource(textFolder(texts))
  assert.deepEqual(
    records.map(({ text }) => text),
    [...Array(4).fill('räder 🌊\n'), '<html><p>a\n', 'a,b\n1,2\n'],
  )
})

test('the packed files that failed once are read', async () => {
  const a = await readLines(fault('a.jsonl.bz2'))
  assert.deepEqual([a.length, a[199]], [200, [200, 'A small text about rivers and mills, number 199.']])
  const junk = await readLines(fault('trailing-garbage.jsonl.gz'))
  assert.deepEqual(
    junk.map(record => (record as unknown[]).slice(0, 2)),
    [
      [1, 'A small text about rivers and mills, number 1.'],
      [2, 'A small text about rivers and mills, number 2.'],
      [3, 'trailing-junk'],
    ],
  )
  assert.equal((await readLines(fault('window28.jsonl.zst'))).length, 20_000)
})
