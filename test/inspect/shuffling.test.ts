import assert from 'node:assert/strict'
import { join } from 'node:path'
import { before, test } from 'node:test'
import type { FeedOptions } from '../../src/feed/options.ts'
import { openFeed } from '../../src/feed/publish.ts'
import { readFeed } from '../../src/feed/read.ts'
import { measureShuffling } from '../../src/inspect/shuffling.ts'
import { type Corpus, writeCorpus } from '../feed/corpus.ts'
import { makeFolder } from '../temporary.ts'

const dir = makeFolder('shuffling')
let corpus: Corpus

before(async () => {
  corpus = await writeCorpus(dir, { domains: ['en'], shards: 24, seed: 7 })
})

async function publish(name: string, options: Partial<FeedOptions>, form: { readonly ledger?: 1 } = {}) {
  const path = join(dir, name)
  const origin = { run: 'test', shards: join(dir, 'shards'), tokenizer: 't', fingerprint: 'f', ...form }
  await using feed = await openFeed(path, { length: 32, batch: 8, ...options }, origin)
  for (const entry of corpus.entries) await feed.addManifest(entry)
  await feed.end()
  return path
}

test('one block is shuffled as one, blocks of a shard or two lose most of it', async () => {
  const whole = (await measureShuffling(await publish('whole', {})))!
  assert.ok(whole.slots / whole.slotsIfOne > 0.93 && whole.slots / whole.slotsIfOne < 1.07, JSON.stringify(whole))
  const small = (await measureShuffling(await publish('small', { blockTokens: 500 })))!
  assert.ok(small.slots < 3 && small.slotsIfOne > 6, JSON.stringify(small))
})

test('a step of one document is of one slot, and steps are all counted', async () => {
  const path = await publish('long', { length: 8, batch: 1 })
  let steps = 0
  for await (const _ of readFeed(path)) steps++
  assert.ok(steps > 64)
  const found = (await measureShuffling(path))!
  assert.equal(found.steps, 64)
  assert.ok(found.slots >= 1 && found.slots < 3, JSON.stringify(found))
})

test('blocks that do not say where their pieces are from, and feeds without steps, are not measured', async () => {
  assert.equal(await measureShuffling(await publish('old', {}, { ledger: 1 })), null)
  assert.equal(await measureShuffling(await publish('none', { batch: 100_000 })), null)
})
