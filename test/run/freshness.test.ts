import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { readManifest } from '../../src/record/manifest.ts'
import { RunReader } from '../../src/record/run-reader.ts'
import type { ManifestEntry } from '../../src/shards/manifest.ts'
import { runMain } from '../cli/terminal.ts'
import { setLimits } from '../simulate/small-limits.ts'
import { makeFolder } from '../temporary.ts'
import { follow, smallSlots, writeCorpus } from './fixture.ts'

// Shards that no run here fills, so that all that is sealed before the end is sealed for the feed to be fresh.
const small = { ...smallSlots, shardTokensMax: 1e9, shardSlotsMax: 1e6 }
setLimits(small)
const freshness = 3
const dir = makeFolder('freshness')
let input: string

before(async () => {
  const corpus = await writeCorpus({ seed: 4, files: 4, documentsPerFile: 60 })
  input = corpus.dir
})

async function writeModule(name: string, feed: string): Promise<string> {
  const file = join(dir, `${name}.ts`)
  const body = `h.pipeline('${name}').from(h.jsonl('${input}/*.jsonl')).annotate(h.signature()).decide(h.exactDuplicates()).tokenize('gpt2').feed(${feed})`
  await writeFile(file, `import * as h from 'headrace'\nexport default ${body}\n`)
  return file
}

async function manifestOf(run: string): Promise<ManifestEntry[]> {
  await using reader = await RunReader.open(join(dir, run))
  return await Array.fromAsync(readManifest(reader.log))
}

test('each shard ends with its window of slots, the last of a window says so, and verify agrees', async () => {
  const file = await writeModule('fresh', `{ length: 64, batch: 2, freshness: ${freshness} }`)
  const { status, err } = await runMain(['run', file, '--dir', dir, '--workers', '1'])
  assert.equal(status, 0, err)
  const entries = await manifestOf('fresh')
  const windowOf = ({ slot }: { slot: number }) => Math.floor(slot / freshness)
  for (const { path, first, last } of entries) assert.equal(windowOf(first), windowOf(last), path)
  const windows = [...new Set(entries.map(({ last }) => windowOf(last)))]
  assert.ok(windows.length > 4, `${windows.length} windows`)
  // The last window may not be full, and the end closes it.
  for (const window of windows.slice(0, -1)) {
    const own = entries.filter(({ last }) => windowOf(last) === window)
    assert.deepEqual(
      own.map(({ closes = false }) => closes),
      own.map((_, i) => i === own.length - 1),
    )
  }
  const verified = await runMain(['verify', '--dir', dir, '--run', 'fresh'])
  assert.equal(verified.status, 0, verified.out)
})

test('a feed of a follower has steps long before a shard is full', async () => {
  const file = await writeModule('live', `{ length: 64, batch: 2, freshness: ${freshness} }`)
  const stepsOf = async () => {
    const head = await readFile(join(dir, 'live', 'feed', 'head.json'), 'utf8').catch(() => '{"steps":0}')
    return JSON.parse(head).steps as number
  }
  let isOver = false
  const work = async () => {
    while (!isOver && (await stepsOf()) === 0) await turn()
  }
  try {
    await follow(['run', file, '--dir', dir, '--workers', '1'], work, small)
  } finally {
    isOver = true
  }
  assert.ok((await stepsOf()) > 0)
  const head = JSON.parse(await readFile(join(dir, 'live', 'feed', 'head.json'), 'utf8'))
  assert.equal(head.ended, false)
})
