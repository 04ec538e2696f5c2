import assert from 'node:assert/strict'
import { appendFileSync, cpSync, existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { ledgerPath } from '../../src/feed/files/ledger.ts'
import type { FeedOptions } from '../../src/feed/options.ts'
import type { ControlEntry } from '../../src/feed/plan/control.ts'
import { type FeedOrigin, openFeed } from '../../src/feed/publish.ts'
import type { ManifestEntry } from '../../src/shards/manifest.ts'
import { makeFolder } from '../temporary.ts'
import { type Corpus, snapshot, writeCorpus } from './corpus.ts'

const dir = makeFolder('publish')
let corpus: Corpus
before(async () => {
  corpus = await writeCorpus(dir, { domains: ['en', 'zh'], shards: 6, seed: 5 })
})

const options: FeedOptions = {
  length: 16,
  batch: 8,
  blockTokens: 500,
  packing: 'best-fit',
  mixture: { en: 2, zh: 1 },
}
const origin: FeedOrigin = {
  run: 'test',
  shards: join(dir, 'shards'),
  tokenizer: { encoding: 'test' },
  fingerprint: 'f',
  segmentSteps: 5,
}
const control: ControlEntry = { step: 6, mixture: { en: 1, zh: 1 }, note: 'more Chinese' }
let folders = 0
const newFolder = () => join(dir, `feed-${folders++}`)

/** Publishes the corpus; `change` overrides options. */
async function publish(
  feedDir: string,
  change: Partial<FeedOptions> = {},
  entries: readonly ManifestEntry[] = corpus.entries,
  onEffect: (effect: string) => void = () => {},
) {
  await using feed = await openFeed(feedDir, { ...options, ...change }, { ...origin, onEffect })
  const isKnown = existsSync(join(feedDir, 'control.json'))
  if (!isKnown && feed.head.steps === 0) await feed.control(control)
  for (const entry of entries) await feed.addManifest(entry)
  await feed.end()
  return feed.head
}

class Crash extends Error {}

/** Publishes and crashes before effect number `at`. Returns false when there are fewer. */
async function crashAt(feedDir: string, at: number): Promise<boolean> {
  let effects = 0
  const onEffect = () => {
    if (effects++ === at) throw new Crash()
  }
  try {
    await publish(feedDir, {}, corpus.entries, onEffect)
    return false
  } catch (error) {
    if (error instanceof Crash) return true
    throw error
  }
}

test('a crash before any effect on the disk, and then a restart, gives the same folder byte for byte', async () => {
  const whole = newFolder()
  const head = await publish(whole)
  assert.ok(head.ended && head.steps > 12)
  const expected = await snapshot(whole)
  assert.deepEqual(
    Object.keys(expected).filter(path => path.endsWith('.tmp')),
    [],
  )
  const tryPoint = async (at: number): Promise<boolean> => {
    const feedDir = newFolder()
    if (!(await crashAt(feedDir, at))) return false
    if (at % 4 === 0) await crashAt(feedDir, at >> 1)
    await publish(feedDir)
    assert.deepEqual(await snapshot(feedDir), expected, `crash at effect ${at}`)
    rmSync(feedDir, { recursive: true })
    return true
  }
  // Points are tried side by side, as most of the time is spent waiting for the disk.
  let points = 0
  for (let crashed = 16; crashed === 16; points += crashed) {
    const tries = await Promise.all(Array.from({ length: 16 }, (_, i) => tryPoint(points + i)))
    crashed = tries.filter(Boolean).length
  }
  assert.ok(points > 25, `${points} points`)
})

test('a torn tail of the ledger and torn files aside are written over', async () => {
  const whole = newFolder()
  await publish(whole)
  const expected = await snapshot(whole)
  const half = newFolder()
  {
    await using feed = await openFeed(half, options, origin)
    await feed.control(control)
    for (const entry of corpus.entries.slice(0, 5)) await feed.addManifest(entry)
    assert.ok(feed.head.steps > 3 && !feed.head.ended)
  }
  const { steps } = JSON.parse(readFileSync(join(half, 'head.json'), 'utf8'))
  const tails = ['{"step":', '{"step":99}\n', '\0'.repeat(100), '\n'.repeat(100_000)]
  for (const tail of tails) {
    const feedDir = newFolder()
    cpSync(half, feedDir, { recursive: true })
    appendFileSync(join(feedDir, ledgerPath(steps, 5)), tail)
    writeFileSync(join(feedDir, ledgerPath(steps + 5, 5)), tail)
    writeFileSync(join(feedDir, 'head.json.tmp'), tail)
    await publish(feedDir)
    assert.deepEqual(await snapshot(feedDir), expected, JSON.stringify(tail))
  }
})

test('publishing again changes nothing, and a lost block is made again', async () => {
  const feedDir = newFolder()
  await publish(feedDir)
  const expected = await snapshot(feedDir)
  await publish(feedDir, {}, corpus.entries, effect => assert.fail(effect))
  const block = Object.keys(expected).find(path => path.startsWith('blocks/'))!
  truncateSync(join(feedDir, block), 100)
  await publish(feedDir)
  assert.deepEqual(await snapshot(feedDir), expected)
})

test('published steps that would come out otherwise are refused', async () => {
  const feedDir = newFolder()
  await publish(feedDir)
  const [first, ...others] = corpus.entries
  const changed = [{ ...first, sha256: '0'.repeat(64), tokens: first.tokens }, ...others]
  await publish(newFolder(), {}, changed)
  const cases: [string, Partial<FeedOptions>, readonly ManifestEntry[], string][] = [
    ['another seed', { seed: 1 }, corpus.entries, 'bad-pipeline'],
    ['another batch', { batch: 4 }, corpus.entries, 'bad-pipeline'],
    ['fewer tokens', {}, [{ ...first, tokens: first.tokens - 16 }, ...others], 'corrupt'],
    [
      'another manifest',
      {},
      others.filter(e => e.domain !== first.domain || e.number > 0).map(renumber(first.domain)),
      'source-changed',
    ],
  ]
  for (const [name, change, entries, code] of cases)
    await assert.rejects(publish(feedDir, change, entries), { code }, name)
  const path = join(feedDir, ledgerPath(0, 5))
  writeFileSync(path, readFileSync(path, 'utf8').replace('"samples":8', '"samples":9'))
  await assert.rejects(publish(feedDir), { code: 'source-changed' })
})

const renumber = (domain: string) => (entry: ManifestEntry) =>
  entry.domain === domain ? { ...entry, number: entry.number - 1 } : entry

test('shards of another tokenizer, a bad option and a control of the past are refused', async () => {
  await using feed = await openFeed(newFolder(), options, origin)
  await feed.addManifest(corpus.entries[0])
  await assert.rejects(feed.addManifest({ ...corpus.entries[1], tokenizer: 'other' }), { code: 'bad-pipeline' })
  await assert.rejects(feed.control({ step: 0, batch: 2 }), { code: 'bad-option' })
  for (const bad of [{ length: 0 }, { batch: 1.5 }, { mixture: { en: -1 } }, { mixture: {} }])
    await assert.rejects(openFeed(newFolder(), { ...options, ...bad }, origin), { code: 'bad-option' })
})

test('a control entry is in force at its step and lasts over restarts', async () => {
  const feedDir = newFolder()
  await publish(feedDir)
  const step = (n: number) => JSON.parse(readFileSync(join(feedDir, ledgerPath(n, 5)), 'utf8').split('\n')[n % 5])
  assert.deepEqual([step(5).control, step(6).control], [0, 1])
  assert.deepEqual(step(6).mixture, { en: 0.5, zh: 0.5 })
})
