import assert from 'node:assert/strict'
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { BlockFile } from '../../../src/feed/files/block-file.ts'
import { openLine, type Step } from '../../../src/feed/files/steps.ts'
import type { FeedOptions } from '../../../src/feed/options.ts'
import type { BlockRef } from '../../../src/feed/plan/blocks.ts'
import { type FeedOrigin, openFeed } from '../../../src/feed/publish.ts'
import { type FeedBatch, readFeed } from '../../../src/feed/read.ts'
import { openShard } from '../../../src/shards/shard.ts'
import { type Corpus, writeCorpus } from '../../feed/corpus.ts'
import { marksOf, type Original } from '../mutate.ts'
import type { Target } from '../target.ts'
import { assertUsable } from './arrow.ts'

interface Published {
  readonly feed: string
  readonly corpus: Corpus
  readonly options: FeedOptions
  readonly origin: FeedOrigin
  readonly batches: readonly FeedBatch[]
}

async function publish(dir: string): Promise<Published> {
  const corpus = await writeCorpus(dir, { domains: ['en', 'zh'], shards: 4, rows: 8, tokensMax: 12, seed: 7 })
  const origin = {
    run: 'test',
    shards: join(dir, 'shards'),
    tokenizer: 't',
    fingerprint: 'f',
    endOfText: 0,
    segmentSteps: 4,
  }
  const options: FeedOptions = {
    length: 16,
    batch: 4,
    blockTokens: 100,
    packing: 'best-fit',
    mixture: { en: 2, zh: 1 },
  }
  const feed = join(dir, 'feed')
  {
    await using publisher = await openFeed(feed, options, origin)
    await publisher.control({ step: 2, mixture: { en: 1, zh: 1 }, batch: 2, note: 'more' })
    for (const entry of corpus.entries) await publisher.addManifest(entry)
    await publisher.end()
  }
  const batches = await Array.fromAsync(readFeed(feed))
  assert.ok(batches.length > 2)
  return { feed, corpus, options, origin, batches }
}

/** The files below a folder, by path. */
const filesBelow = (folder: string, ending: string): Original[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && entry.name.endsWith(ending))
    .map(entry => relative(folder, join(entry.parentPath, entry.name)))
    .sort()
    .map(name => {
      const bytes = readFileSync(join(folder, name))
      const marks = ending === '.arrow' ? [...bytes.keys()].filter(at => at % 8 === 0) : marksOf(bytes, '\n')
      return { name, bytes, marks }
    })

/** A target that damages the files below `folder` of a published feed. */
function feedFiles(
  name: string,
  cases: number,
  folder: string,
  ending: string,
  check: (published: Published, path: string, original: Original) => Promise<string>,
): Target {
  return {
    name,
    cases,
    async open(dir) {
      const published = await publish(dir)
      const files = filesBelow(join(dir, folder), ending)
      return {
        files,
        async check(bytes, index) {
          const path = join(dir, folder, files[index].name)
          writeFileSync(path, bytes)
          try {
            return await check(published, path, files[index])
          } finally {
            writeFileSync(path, files[index].bytes)
          }
        },
      }
    },
  }
}

/** Reads the whole feed with every check. What comes before the end or an error must be what was published. */
async function readExactly({ feed, batches }: Published): Promise<string> {
  let count = 0
  for await (const batch of readFeed(feed, { verify: 'files' })) assert.deepEqual(batch, batches[count++])
  return count === batches.length ? 'whole' : 'fewer steps'
}

/** Shards: no checksum in the file itself, so that other tokens may come; with what the manifest says, and its hash, only the right ones. */
export const shardTarget = feedFiles('shard', 120, 'shards', '.arrow', async (published, path) => {
  using shard = openShard(path)
  const lengths = shard.lengths()
  assert.equal(
    lengths.reduce((sum, length) => sum + length, 0),
    shard.tokens,
  )
  shard.readTokens(0, new Int32Array(shard.tokens))
  for (let token = 0; token < shard.tokens; token += 7) shard.idAt(token)
  for (const batch of shard.batches()) assertUsable(batch)
  return readExactly(published)
})

export const blockTarget = feedFiles('block', 120, 'feed/blocks', '.arrow', async (published, _, { name }) => {
  const [, domain, number, epoch] = /^(.+)\/(\d+)(?:\.(\d+))?\.arrow$/.exec(name)!
  const ref: BlockRef = { domain, number: Number(number), epoch: Number(epoch ?? 0) }
  {
    using block = new BlockFile(published.feed, ref)
    assert.equal(block.tokens().length, block.samples)
    const { offsets, shard, start, length } = block.read(0, block.samples)
    assert.equal(offsets.length, block.samples + 1)
    assert.deepEqual([shard.length, start.length, length.length], Array(3).fill(offsets.at(-1)))
  }
  // The file has no checksum, and its ledger has one.
  return readExactly(published)
})

export const stepsTarget = feedFiles('steps', 100, 'feed/steps', '.jsonl', async (published, path, original) => {
  const lines = Buffer.from(original.bytes).toString().split('\n')
  const number = Number(JSON.parse(lines[0]).step)
  for (const [i, line] of readFileSync(path, 'utf8').split('\n').entries())
    try {
      const step = openLine<Step>(line, number + i, null)
      // A step of another file may follow the last one: its digest is right.
      if (lines[i]) assert.deepEqual(step, JSON.parse(lines[i]), 'a step that nobody wrote')
    } catch (error) {
      if ((error as { code?: string }).code !== 'corrupt') throw error
    }
  return readExactly(published)
})

export const headTarget = feedFiles('head', 100, 'feed', 'head.json', readExactly)

export const controlTarget = feedFiles('control', 100, 'feed', 'control.json', async published => {
  await using publisher = await openFeed(published.feed, published.options, published.origin)
  for (const entry of published.corpus.entries) await publisher.addManifest(entry)
  return 'the same steps'
})

/** A whole feed with one damaged shard or ledger, as a trainer reads it. */
export const feedTarget: Target = {
  name: 'feed',
  cases: 60,
  async open(dir) {
    const published = await publish(join(dir, 'whole'))
    const files = ['.jsonl', '.arrow'].flatMap(ending =>
      filesBelow(join(dir, 'whole'), ending).filter(({ name }) => !name.includes('blocks')),
    )
    return {
      files,
      async check(bytes, index) {
        const damaged = join(dir, 'damaged')
        rmSync(damaged, { recursive: true, force: true })
        cpSync(join(dir, 'whole'), damaged, { recursive: true })
        writeFileSync(join(damaged, files[index].name), bytes)
        return readExactly({ ...published, feed: join(damaged, 'feed') })
      },
    }
  },
}
