import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { FeedOptions } from '../../src/feed/options.ts'
import { openFeed } from '../../src/feed/publish.ts'
import { writeCorpus } from '../feed/corpus.ts'
import { comparePython } from '../feed/python.ts'
import { makeFolder } from '../temporary.ts'
import { runPython, skipWithout } from './python.ts'

const lengths = { 0: [16, 16], 15: [4, 64], 18: [4, 160], 24: [8, 32] } as const
const variants: readonly Partial<FeedOptions>[] = [
  { packing: 'best-fit-filled', align: 8, cutTargets: 'next' },
  { mixture: { code: 1, en: 5 } },
]

test('Python gives the samples of each length as TypeScript does, each token once, whoever reads from where', {
  skip: skipWithout('numpy', 'pyarrow'),
}, async () => {
  const dir = makeFolder('length-python')
  const corpus = await writeCorpus(dir, { domains: ['code', 'en'], shards: 12, rows: 30, tokensMax: 150, seed: 29 })
  const origin = { run: 'test', shards: join(dir, 'shards'), tokenizer: 't', fingerprint: 'f', segmentSteps: 8 }
  const feeds = variants.map((_, i) => join(dir, `feed-${i}`))
  for (const [i, options] of variants.entries()) {
    await using feed = await openFeed(feeds[i], { length: 16, batch: 16, blockTokens: 4000, ...options }, origin)
    for (const [step, [batch, length]] of Object.entries(lengths))
      if (step !== '0') await feed.control({ step: Number(step), batch, length })
    for (const entry of corpus.entries) await feed.addManifest(entry)
    await feed.end()
  }
  await comparePython(dir, feeds, 4)
  const documents = join(dir, 'documents.json')
  writeFileSync(documents, JSON.stringify(Object.fromEntries([...corpus.documents].map(([id, ids]) => [id, [...ids]]))))
  runPython([join(import.meta.dirname, 'test_length.py'), documents, JSON.stringify(lengths), ...feeds])
})
