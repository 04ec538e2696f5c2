import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { openFeed } from '../../src/feed/publish.ts'
import { writeCorpus } from '../feed/corpus.ts'
import { makeFolder } from '../temporary.ts'
import { python, skipWithout, skipWithoutPackages } from './python.ts'

// Feeds that lie elsewhere: behind a server whose faults are told, in stores of fsspec, and in the cache of a node. CI kills more often.
const dir = makeFolder('remote')
const skip = skipWithout('numpy', 'pyarrow')
const seed = Math.floor(Math.random() * 2 ** 31)
const kills = process.env.CI ? 30 : 2

before(async () => {
  if (skip) return
  const corpus = await writeCorpus(dir, { domains: ['en', 'zh/水', '__proto__', 'EN'], shards: 24, seed: 3 })
  const options = { length: 16, batch: 12, blockTokens: 900 } as const
  const shards = join(dir, 'shards')
  const origin = { run: 'test', shards, tokenizer: 't', fingerprint: 'f', endOfText: 9, segmentSteps: 5 }
  await using feed = await openFeed(join(dir, 'feed'), options, origin)
  for (const entry of corpus.entries) await feed.addManifest(entry)
  await feed.end()
})

function run(script: string, ...more: readonly string[]): void {
  const args = [join(import.meta.dirname, script), join(dir, 'feed'), makeFolder('remote-work'), String(seed), ...more]
  const { status, stdout, stderr } = spawnSync(python, args, { encoding: 'utf8' })
  console.log(stdout)
  assert.equal(status, 0, `seed ${seed}: ${stderr}`)
}

test('a server may fail, be slow or send something else: batches are those of the folder, or it is said what is wrong', {
  skip,
}, () => {
  run('test_remote.py')
})

test('a feed in a bucket of S3 gives the batches of the folder', {
  skip: skip || skipWithoutPackages('s3fs', 'boto3', 'moto', 'flask'),
}, () => {
  run('test_s3.py')
})

test('processes of a node share a bounded cache, whoever of them is killed', { skip }, () => {
  run('test_cache.py', String(kills))
})

test('the pages of the next steps are asked for, and no others are read', { skip }, () => {
  run('test_disk.py')
})
