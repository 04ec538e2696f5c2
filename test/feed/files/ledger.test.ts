import assert from 'node:assert/strict'
import { join } from 'node:path'
import { before, test } from 'node:test'
import type { FeedOptions } from '../../../src/feed/options.ts'
import { type FeedOrigin, openFeed } from '../../../src/feed/publish.ts'
import { type FeedBatch, readFeed } from '../../../src/feed/read.ts'
import { makeFolder } from '../../temporary.ts'
import { type Corpus, writeCorpus } from '../corpus.ts'

const dir = makeFolder('ledger')
const options: FeedOptions = { length: 16, batch: 4, blockTokens: 300 }
const origin: FeedOrigin = { run: 'test', shards: join(dir, 'shards'), tokenizer: 't', fingerprint: 'f' }
let corpus: Corpus

before(async () => {
  corpus = await writeCorpus(dir, { domains: ['en', 'zh'], shards: 24, seed: 5 })
})

/** Publishes what shards up to one give; is stopped where it writes the head for the `stopAt`th time. */
async function publish(path: string, shards: number, stopAt = Number.POSITIVE_INFINITY): Promise<void> {
  let heads = 0
  const onEffect = (effect: string) => {
    if (effect === `write ${join(path, 'head.json')}.tmp` && ++heads === stopAt) throw new Error('stopped')
  }
  await using feed = await openFeed(path, options, { ...origin, onEffect })
  for (const entry of corpus.entries.slice(0, shards)) await feed.addManifest(entry)
  if (shards === corpus.entries.length) await feed.end()
}

test('a follower never takes what the head does not count: who goes on may write another step there', async () => {
  const path = join(dir, 'feed')
  await assert.rejects(publish(path, 24, 3), /stopped/)
  const batches = readFeed(path, { follow: true, pollMs: 1 })[Symbol.asyncIterator]()
  const first = await batches.next()
  assert.equal(first.value?.step, 0)
  {
    await using feed = await openFeed(path, options, origin)
    await feed.control({ step: feed.head.steps, batch: 2 })
    for (const entry of corpus.entries) await feed.addManifest(entry)
    await feed.end()
  }
  const rest: FeedBatch[] = []
  for (let next = await batches.next(); !next.done; next = await batches.next()) rest.push(next.value)
  const again: FeedBatch[] = []
  for await (const batch of readFeed(path)) again.push(batch)
  assert.deepEqual([first.value, ...rest], again)
  assert.deepEqual([...new Set(again.map(({ samples }) => samples))], [4, 2])
})
