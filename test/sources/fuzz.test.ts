import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { jsonl } from '../../src/sources/jsonl.ts'
import { parquet } from '../../src/sources/parquet.ts'
import type { Source } from '../../src/sources/source.ts'
import { makeFolder, makeTexts, randomFrom, readSource } from './fixture.ts'

const folder = makeFolder()
const seed = Number(process.env.HEADRACE_SEED ?? Date.now() % 1e9)
const golden = (codec: string) => readFileSync(join(import.meta.dirname, `../golden/sources/${codec}.parquet`))
const lines = makeTexts(200).map(text => `${JSON.stringify({ text, id: 1 })}\n`)
const content = Buffer.from(lines.join(''))

/** Whatever the bytes: reading ends without a throw, with every record in order and a next position that gives nothing more. */
async function checkSource(source: Source): Promise<void> {
  const { records, chunks } = await readSource(source)
  for (const [i, { line, text, reason }] of records.entries()) {
    assert.ok(text !== undefined || reason !== undefined)
    assert.ok(i === 0 || line > records[i - 1].line, `line ${line} after ${records[i - 1]?.line}`)
  }
  const last = chunks.at(-1)
  if (!last) return
  const rest = source.read({ name: last.split, stamp: '' }, last.next, new AbortController().signal)
  for await (const _ of rest) assert.fail('something came after the end')
}

type Random = () => number
const randomBytes = (random: Random, start: number[]) =>
  Uint8Array.from([...start, ...Array.from({ length: Math.floor(random() * 3000) }, () => random() * 256)])

function damage(bytes: Uint8Array, random: Random): Uint8Array {
  const copy = bytes.slice(0, random() < 0.3 ? Math.floor(random() * bytes.length) : bytes.length)
  for (let flips = Math.floor(random() * 4); flips >= 0 && copy.length; flips--)
    copy[Math.floor(random() * copy.length)] ^= 1 << Math.floor(random() * 8)
  return copy
}

const magic = { plain: [], gzip: [0x1f, 0x8b, 8, 0], zstd: [0x28, 0xb5, 0x2f, 0xfd] }
const kinds: [name: string, rounds: number, make: (random: Random) => Uint8Array, open: (path: string) => Source][] = [
  ...Object.entries(magic).map(([name, start]): (typeof kinds)[number] => [
    `random bytes as ${name}`,
    100,
    random => randomBytes(random, start),
    jsonl,
  ]),
  ['random bytes as parquet', 50, random => randomBytes(random, [...Buffer.from('PAR1')]), parquet],
  ['damaged lines', 50, random => damage(content, random), jsonl],
  ['damaged gzip', 50, random => damage(gzipSync(content, { level: 1 }), random), jsonl],
  ['damaged zstd', 50, random => damage(zstdCompressSync(content), random), jsonl],
  ...['none', 'snappy', 'gzip', 'zstd', 'brotli', 'lz4'].map((codec): (typeof kinds)[number] => [
    `damaged parquet in ${codec}`,
    30,
    random => damage(golden(codec), random),
    parquet,
  ]),
]

for (const [name, rounds, make, open] of kinds)
  test(`${name} (HEADRACE_SEED=${seed})`, { timeout: 20_000 }, async () => {
    const random = randomFrom(seed)
    const path = join(folder, 'fuzz')
    for (let round = 0; round < rounds; round++) {
      writeFileSync(path, make(random))
      await checkSource(open(path))
    }
  })

// Damage that random bits find rarely: a count in a page or a run that asks the decoder for 2^30 values.
test('counts that promise too much are refused before they are believed', { timeout: 5000 }, async () => {
  const found = JSON.parse(readFileSync(join(import.meta.dirname, '../golden/sources/bad-counts.json'), 'utf8'))
  assert.ok(found.length > 0)
  for (const { codec, at, bit } of found as { codec: string; at: number; bit: number }[]) {
    const bytes = golden(codec)
    bytes[at] ^= 1 << bit
    const path = join(folder, 'counts')
    writeFileSync(path, bytes)
    const { records } = await readSource(parquet(path))
    assert.equal(records.at(-1)?.reason, 'corrupt-file', `${codec} ${at} ${bit}`)
  }
})
