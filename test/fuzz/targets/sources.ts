import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { constants, gzipSync, zstdCompressSync } from 'node:zlib'
import { jsonl } from '../../../src/sources/files/jsonl.ts'
import { textFolder } from '../../../src/sources/files/text-folder.ts'
import { parquet } from '../../../src/sources/parquet/parquet.ts'
import { offsetAtEnd, restReasons, type Source } from '../../../src/sources/source.ts'
import { makeTexts, readSource } from '../../sources/fixture.ts'
import { marksOf, type Original } from '../mutate.ts'
import type { Target } from '../target.ts'

const texts = makeTexts(60).map(text => text.slice(0, 300).toWellFormed())
const lines = (from: number, to: number) =>
  Buffer.from(
    texts
      .slice(from, to)
      .map((text, i) => `${JSON.stringify({ text, id: i, url: 'u', n: [1.5, null] })}\n`)
      .join(''),
  )
const [first, second] = [lines(0, 30), lines(30, 60)]
const zstd = (bytes: Buffer) => zstdCompressSync(bytes, { params: { [constants.ZSTD_c_checksumFlag]: 1 } })

/** What ends a file before its end; all of its content is then in doubt. */
const fileReasons = new Set(restReasons)

/** Reads a source whole: records in order, and nothing behind the last. `known` are the only texts that a whole file may give. */
async function readRecords(source: Source, known: ReadonlySet<string> | null): Promise<string> {
  const { records, chunks } = await readSource(source)
  for (const [i, { line, text, reason }] of records.entries()) {
    assert.ok(text !== undefined || reason !== undefined)
    assert.ok(i === 0 || line > records[i - 1].line, `line ${line} after ${records[i - 1]?.line}`)
  }
  const end = records.findLast(({ reason }) => fileReasons.has(reason ?? ''))?.reason
  if (known && !end)
    for (const { text } of records)
      assert.ok(text === undefined || known.has(text), `a text that nobody wrote: ${text}`)
  const last = chunks.at(-1)
  if (last) {
    const rest = source.read({ name: last.split, stamp: '' }, last.next, new AbortController().signal)
    for await (const _ of rest) assert.fail('something came after the end')
    assert.ok(last.next.offset <= offsetAtEnd)
  }
  return end ?? (records.some(({ reason }) => reason) ? 'dead records' : 'whole')
}

function fileTarget(
  name: string,
  cases: number,
  ending: string,
  files: () => readonly Original[],
  make: (path: string) => Source,
  known: ReadonlySet<string> | null = null,
): Target {
  return {
    name,
    cases,
    async open(dir) {
      const path = join(dir, `damaged${ending}`)
      return {
        files: files(),
        check: bytes => {
          writeFileSync(path, bytes)
          return readRecords(make(path), known)
        },
      }
    },
  }
}

const marked = (bytes: Buffer, pattern: string, i: number): Original => {
  return { name: String(i), bytes, marks: marksOf(bytes, pattern) }
}
const golden = (name: string) => readFileSync(join(import.meta.dirname, '../../golden/sources', name))
const goldenTypes = (name: string) => readFileSync(join(import.meta.dirname, `../../golden/parquet/${name}.parquet`))
const types = ['delta-zstd', 'nested', 'nested-older', 'dictionary', 'plain', 'split-lz4']
const codecs = ['none', 'snappy', 'gzip', 'zstd', 'brotli', 'lz4']
const known = new Set(texts)

const textTarget: Target = {
  name: 'text',
  cases: 60,
  async open(dir) {
    const folder = join(dir, 'texts')
    mkdirSync(folder)
    return {
      files: [first, second, Buffer.from('\ufeffone\n')].map((bytes, i) => ({ name: String(i), bytes })),
      check: bytes => {
        writeFileSync(join(folder, 'a.txt'), bytes)
        return readRecords(textFolder(folder), null)
      },
    }
  },
}

/** Documents from outside: whatever the bytes, reading ends without a throw, and each record is a row or dead. */
export const sourceTargets: readonly Target[] = [
  fileTarget(
    'jsonl',
    120,
    '.jsonl',
    () => [first, second].map((bytes, i) => marked(bytes, '\n', i)),
    path => jsonl(path),
  ),
  fileTarget(
    'gzip',
    80,
    '.jsonl.gz',
    () =>
      [gzipSync(first), Buffer.concat([first, second].map(part => gzipSync(part)))].map((b, i) =>
        marked(b, '\x1f\x8b', i),
      ),
    path => jsonl(path),
    known,
  ),
  fileTarget(
    'zstd',
    80,
    '.jsonl.zst',
    () => [zstd(first), Buffer.concat([zstd(first), zstd(second)])].map((b, i) => marked(b, '\x28\xb5\x2f\xfd', i)),
    path => jsonl(path),
    known,
  ),
  ...(['bz2', 'xz'] as const).map(ending =>
    fileTarget(
      ending,
      40,
      `.jsonl.${ending}`,
      () => [marked(golden(`lines.jsonl.${ending}`), ending === 'xz' ? '\xfd7zXZ' : 'BZh', 0)],
      path => jsonl(path),
    ),
  ),
  fileTarget(
    'json-array',
    60,
    '.json',
    () => [
      marked(
        Buffer.from(
          JSON.stringify(
            texts.map(text => ({ text })),
            null,
            1,
          ),
        ),
        '}',
        0,
      ),
    ],
    path => jsonl(path),
  ),
  textTarget,
  // Every type, encoding and nesting.
  ...types.map((name, i) =>
    fileTarget(
      `parquet-${name}`,
      10,
      '.parquet',
      () => [name, types[(i + 1) % types.length]].map((one, j) => marked(goldenTypes(one), 'PAR1', j)),
      path => parquet(path),
    ),
  ),
  ...codecs.map((codec, i) =>
    fileTarget(
      `parquet-${codec}`,
      25,
      '.parquet',
      // Of another codec too, so that files are cut together.
      () => [codec, codecs[(i + 1) % codecs.length]].map((name, j) => marked(golden(`${name}.parquet`), 'PAR1', j)),
      path => parquet(path),
    ),
  ),
]
