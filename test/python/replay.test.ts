import { join } from 'node:path'
import { test } from 'node:test'
import { openFeed } from '../../src/feed/publish.ts'
import { writeCorpus } from '../feed/corpus.ts'
import { comparePython } from '../feed/python.ts'
import { makeFolder } from '../temporary.ts'
import { skipWithout } from './python.ts'

test('Python gives what is drawn again as TypeScript does', { skip: skipWithout('numpy', 'pyarrow') }, async () => {
  const dir = makeFolder('replay-python')
  const { entries } = await writeCorpus(dir, { domains: ['code', 'en'], shards: 16, rows: 20, tokensMax: 60, seed: 31 })
  const origin = { run: 'test', shards: join(dir, 'shards'), tokenizer: 't', fingerprint: 'f', segmentSteps: 8 }
  const feed = join(dir, 'feed')
  await using publisher = await openFeed(
    feed,
    { length: 16, batch: 16, blockTokens: 900, replay: { share: 0.3 } },
    origin,
  )
  await publisher.control({ step: 12, length: 32, batch: 8 })
  for (const entry of entries) await publisher.addManifest(entry)
  await publisher.end()
  if (!publisher.head.replayed) throw new RangeError('nothing was drawn again')
  await comparePython(dir, [feed], 4)
})
