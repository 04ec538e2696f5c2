import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { exportFeed } from '../../src/export/export.ts'
import { fieldNames } from '../../src/export/fields.ts'
import { findFormat, formats } from '../../src/export/formats.ts'
import type { Sample } from '../../src/export/sample.ts'
import { length, readSamples, writeFeed } from '../export/samples.ts'
import { makeFolder } from '../temporary.ts'
import { python, skipWithoutPackages } from './python.ts'

// What each format's official reader makes of a feed with several domains, padding, and documents longer than a sample: every token equal,
// in order. OLMo-core needs a torch of its own, so it is asked by PYTHON_OLMO, and its files are read by numpy besides.
const dir = makeFolder('export-python')
const expected = join(dir, 'expected.jsonl')
let feed: string

before(async () => {
  feed = await writeFeed(dir)
  const samples = await readSamples(feed)
  writeFileSync(expected, samples.map(sample => `${JSON.stringify(describe(sample))}\n`).join(''))
})

function describe(sample: Sample): unknown {
  const { tokens, targets, positions, pieces, domain, step, bounds, documents } = sample
  return {
    domain,
    step,
    tokens: [...tokens],
    targets: [...targets],
    positions: [...positions],
    pieces: pieces.map(piece => [piece.start, piece.length, piece.document]),
    bounds: [...bounds],
    documents,
  }
}

function read(reader: string, folders: readonly string[], interpreter = python): string {
  const args = [join(import.meta.dirname, 'read_export.py'), reader, expected, String(length), ...folders]
  const env = { ...process.env, OMP_NUM_THREADS: '1' }
  const { status, stdout, stderr } = spawnSync(interpreter, args, { encoding: 'utf8', env })
  assert.equal(status, 0, stderr)
  return stdout
}

const folderOf = (name: string, parts: 'one' | 'many', tokenBytes: 2 | 4) => join(dir, `${name}-${parts}-${tokenBytes}`)

/** Exports into one file or many. */
async function write(name: string, parts: 'one' | 'many', tokenBytes: 2 | 4): Promise<string> {
  const format = findFormat(name)
  const out = folderOf(name, parts, tokenBytes)
  const fileBytes = parts === 'many' ? 4000 : format.fileBytes.default
  const fields = format.fields.length > 0 ? fieldNames : []
  await exportFeed({ feed, format, out, fileBytes, fields, tokenBytes, from: 0, to: null, blankMasked: false })
  return out
}

const packages: Readonly<Record<string, readonly string[]>> = {
  mds: ['streaming'],
  megatron: ['torch', 'megatron'],
  datatrove: ['torch', 'datatrove'],
  olmo: ['numpy'],
  hf: ['datasets'],
  webdataset: ['webdataset'],
  litdata: ['litdata'],
  internevo: ['torch', 'einops', 'internlm'],
}
for (const { name, tokenBytes } of formats) {
  const reader = name === 'olmo' ? 'olmo-numpy' : name
  test(`${reader}: every token equal, in order, of one file and of many`, {
    skip: skipWithoutPackages(...packages[name]),
  }, async () => {
    const folders = [await write(name, 'one', 4), await write(name, 'many', 4)]
    if (name === 'datatrove' && tokenBytes.includes(2)) folders.push(await write(name, 'many', 2))
    assert.match(read(reader, folders), /^\d+ samples, \d+ pieces$/m)
  })
}

const olmo = process.env.PYTHON_OLMO
const withoutOlmo = olmo ? false : 'set PYTHON_OLMO to a Python with ai2-olmo-core'
test('olmo: every token equal, in order, by OLMo-core', { skip: withoutOlmo }, () => {
  assert.match(read('olmo', [folderOf('olmo', 'one', 4), folderOf('olmo', 'many', 4)], olmo), /^\d+ samples/m)
})

test('a token that is another is found', { skip: skipWithoutPackages('webdataset', 'numpy') }, () => {
  const lines = readFileSync(expected, 'utf8')
  const first = JSON.parse(lines.split('\n')[0])
  first.tokens[2]++
  writeFileSync(expected, `${JSON.stringify(first)}\n${lines.slice(lines.indexOf('\n') + 1)}`)
  try {
    assert.throws(() => read('webdataset', [folderOf('webdataset', 'many', 4)]), /tokens 0:/)
    assert.throws(() => read('olmo-numpy', [folderOf('olmo', 'many', 4)]), /row 0:/)
  } finally {
    writeFileSync(expected, lines)
  }
})
