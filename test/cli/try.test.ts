import assert from 'node:assert/strict'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { parquetWriteBuffer } from 'hyparquet-writer'
import { sourceFor } from '../../src/cli/input.ts'
import { randomFrom } from '../random.ts'
import { makeText } from '../run/fixture.ts'
import { makeFolder } from '../temporary.ts'
import { runMain } from './terminal.ts'

// Nine documents of English-like text and a copy, as every kind of input.
const dir = makeFolder('cli-try')
const random = randomFrom(11)
const texts = Array.from({ length: 9 }, () => makeText(random, 9))
texts.push(texts[0])
const jsonl = (field: string) => texts.map((text, i) => `${JSON.stringify({ key: `k${i}`, [field]: text })}\n`).join('')
const at = (name: string) => join(dir, name)
await writeFile(at('a.jsonl'), jsonl('text'))
await writeFile(at('b.jsonl.gz'), gzipSync(jsonl('text')))
await writeFile(at('content.jsonl'), jsonl('content'))
await mkdir(at('folder/sub'), { recursive: true })
for (const [i, text] of texts.entries()) await writeFile(at(`folder/${i % 2 ? 'sub/' : ''}${i}.txt`), text)
const columnData = [
  { name: 'content', data: texts, type: 'STRING' as const },
  { name: 'key', data: texts.map((_, i) => `k${i}`), type: 'STRING' as const },
]
await writeFile(at('c.parquet'), Buffer.from(parquetWriteBuffer({ columnData })))

// What is tried, and how many documents and exact duplicates are in it.
const inputs: [string, string[], number, number][] = [
  ['JSON Lines', [at('a.jsonl')], 10, 1],
  ['a glob that no shell expanded', [at('*.jsonl.*')], 10, 1],
  ['several files', [at('a.jsonl'), at('b.jsonl.gz')], 20, 11],
  ['a folder of text', [at('folder')], 10, 1],
  ['Parquet with other columns', [at('c.parquet'), '--text', 'content', '--id', 'key'], 10, 1],
  ['JSON Lines with other fields', [at('content.jsonl'), '--text', 'content', '--id', 'key'], 10, 1],
]

for (const [name, args, documents, copies] of inputs)
  test(`try: ${name}`, async () => {
    const { status, out, err } = await runMain(['try', ...args, '--workers', '1'])
    assert.deepEqual([status, err], [0, ''])
    assert.match(out, new RegExp(`documents +${documents}\n`))
    assert.match(out, new RegExp(`exact-duplicate: ${copies} records?\n`))
    assert.match(out, new RegExp(`^ {4}exact-duplicate +${copies} `, 'm'))
    assert.equal(out.match(/repeats/g)!.length, Math.min(copies, 3), 'three samples at most')
    if (args.includes('--id')) assert.match(out, / {2}k9 .*\n[\s\S]* {4}repeats k0 /)
  })

test('try says which field to name when no record has a text', async () => {
  const { out, status } = await runMain(['try', at('content.jsonl'), '--workers', '1'])
  assert.equal(status, 0)
  assert.match(out, /missing-text: 10 records/)
  assert.match(out, /no field 'text' among key, content/)
  assert.match(out, /No record is a document\. .*--text FIELD/)
})

test('try leaves nothing behind, unless it is told where', async () => {
  await mkdir(at('temporary'))
  process.env.TMPDIR = at('temporary')
  await runMain(['try', at('a.jsonl'), '--workers', '1'])
  await runMain(['try', at('gone.jsonl')])
  assert.deepEqual(await readdir(tmpdir()), [])
  assert.equal((await runMain(['try', at('a.jsonl'), '--dir', at('kept'), '--workers', '1'])).status, 0)
  assert.match((await runMain(['report', '--dir', at('kept')])).out, /run try in/)
  assert.equal((await runMain(['decisions', 'gopherQuality', '--dir', at('kept')])).out.trim().split('\n').length, 10)
})

test('init writes a pipeline that runs where it lies, also in a CommonJS package', async () => {
  await mkdir(at('project'))
  await writeFile(at('project/package.json'), '{"type":"commonjs"}')
  const file = at('project/my pipeline.ts')
  const written = await runMain(['init', file, '--input', at('a.jsonl')])
  assert.deepEqual([written.status, written.err], [0, ''])
  assert.match((await runMain(['plan', file])).out, /^pipeline my-pipeline\n {2}reads {2}jsonl .*a\.jsonl\n/)
  const run = await runMain(['run', file, '--dir', at('project/runs')])
  assert.deepEqual([run.status, run.err], [0, ''])
  assert.match(run.out, /documents +10\n {2}kept +9 /)
})

test('seed fit writes a seed from a folder against text at large', async () => {
  const fit = await runMain(['seed', 'fit', at('folder'), '--background', at('a.jsonl'), '--out', at('seeds/s.json')])
  assert.deepEqual([fit.status, fit.err], [0, ''])
  assert.match(fit.out, /10 documents against 10\n.*seedSimilarity\(\{ seed: '.*s\.json' \}\).*'seed:folder'/)
})

test('the size of the input is known for plain files alone', async () => {
  const size = async (input: string[], options = {}) => sourceFor(input, options).bytes!()
  const plain = Buffer.byteLength(jsonl('text'))
  assert.equal(await size([at('a.jsonl')]), plain)
  assert.equal(await size([at('a.jsonl'), at('[a].jsonl')]), plain, 'a file that two patterns match counts once')
  assert.equal(
    await size([at('folder')]),
    texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0),
  )
  assert.equal(await size([at('b.jsonl.gz')]), 0)
  assert.equal(await size([at('c.parquet')]), 0)
  assert.equal(await size([at('*.jsonl')], { follow: true }), 0)
})
