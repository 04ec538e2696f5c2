import { join } from 'node:path'
import { samplesOf } from '../../src/export/read-samples.ts'
import type { Sample } from '../../src/export/sample.ts'
import type { FeedOptions } from '../../src/feed/options.ts'
import { openFeed } from '../../src/feed/publish.ts'
import { readFeed } from '../../src/feed/read.ts'
import { writeCorpus } from '../feed/corpus.ts'

/** What pads: no token of a corpus, and it fits 16 bits. */
export const padding = 60_000
export const length = 16
export const domains = ['en', 'zh/水', 'code, "quoted"']

/** A small feed with several domains, padding and documents that are longer than a sample. Returns its folder. */
export async function writeFeed(
  dir: string,
  options: Partial<FeedOptions> = {},
  { endOfText = padding } = {},
): Promise<string> {
  const corpus = await writeCorpus(dir, { domains, shards: 12, seed: 5 })
  const feed = join(dir, 'feed')
  const origin = {
    run: 'test',
    shards: join(dir, 'shards'),
    tokenizer: { encoding: 'test' },
    fingerprint: 'f',
    endOfText,
    segmentSteps: 5,
  }
  await using opened = await openFeed(
    feed,
    { length, batch: 12, blockTokens: 900, packing: 'best-fit', ...options },
    origin,
  )
  for (const entry of corpus.entries) await opened.addManifest(entry)
  await opened.end()
  return feed
}

/** All samples of a feed, as exporters get them. */
export async function readSamples(feed: string, blank: number | null = null): Promise<Sample[]> {
  const samples: Sample[] = []
  for await (const batch of readFeed(feed)) samples.push(...samplesOf(batch, blank))
  return samples
}
