import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { type ForkOrder, forkFeed } from '../../../src/feed/change/fork.ts'
import { ledgerPath } from '../../../src/feed/files/ledger.ts'
import type { FeedOptions } from '../../../src/feed/options.ts'
import { type FeedOrigin, openFeed, reopenFeed } from '../../../src/feed/publish.ts'
import { type FeedBatch, type FeedState, readFeed } from '../../../src/feed/read.ts'
import { skipWithout } from '../../python/python.ts'
import { makeFolder } from '../../temporary.ts'
import { type Corpus, snapshot, writeCorpus } from '../corpus.ts'
import { comparePython } from '../python.ts'

const dir = makeFolder('fork')
const options: FeedOptions = { length: 16, batch: 6, blockTokens: 400, mixture: { en: 2, zh: 1 }, dry: 'renormalise' }
const origin: FeedOrigin = {
  run: 'test',
  shards: join(dir, 'shards'),
  tokenizer: 't',
  fingerprint: 'f',
  endOfText: 7,
  segmentSteps: 10,
}
const feedDir = join(dir, 'feed')
let corpus: Corpus
let whole: FeedBatch[]
let folders = 0
const newFork = () => join(dir, 'forks', `fork-${folders++}`)
const order = (at: number, skip: ForkOrder['skip'] = null): ForkOrder => ({ at, skip, note: null })

before(async () => {
  corpus = await writeCorpus(dir, { domains: ['en', 'zh'], shards: 10, seed: 7 })
  await using feed = await openFeed(feedDir, options, origin)
  for (const entry of corpus.entries) await feed.addManifest(entry)
  await feed.end()
  whole = await Array.fromAsync(readFeed(feedDir))
  assert.ok(whole.length > 14)
})

async function fork(from: string, wish: ForkOrder, onEffect?: (effect: string) => void, to = newFork()) {
  const isNew = await forkFeed(from, to, wish, onEffect)
  await using feed = await reopenFeed(to, onEffect)
  for (const entry of corpus.entries) await feed.addManifest(entry)
  await feed.end()
  return { dir: to, isNew, head: feed.head }
}

/** What a batch gives, without where it stands. */
const content = ({ step: _step, digest: _digest, ...rest }: FeedBatch) => rest

test('a fork shares the steps before it, passes over others, and the feed stays as it is', async () => {
  const files = await snapshot(feedDir)
  for (const [at, skip] of [
    [0, [0, 2]],
    [11, [12, 13]],
    [whole.length, null],
  ] as const) {
    const made = await fork(feedDir, order(at, skip))
    const batches = await Array.fromAsync(readFeed(made.dir, { verify: 'files' }))
    const kept = skip ? [...whole.slice(0, skip[0]), ...whole.slice(skip[1] + 1)] : whole
    assert.deepEqual(batches.map(content), kept.map(content))
    assert.deepEqual(
      batches.map(({ digest }, i) => digest === whole[i]?.digest),
      batches.map((_, i) => i < at),
    )
    const forked = await snapshot(made.dir)
    for (let first = 0; first + 10 <= at; first += 10)
      assert.equal(forked[ledgerPath(first, 10)], files[ledgerPath(first, 10)], 'byte for byte')
  }
  assert.deepEqual(await snapshot(feedDir), files)
  const { dir: shared } = await fork(feedDir, order(2))
  const block = Object.keys(files).find(path => path.startsWith('blocks/'))!
  assert.equal(statSync(join(shared, block)).ino, statSync(join(feedDir, block)).ino)
})

test('a crash before any effect on the disk, and the same again, gives the same fork', async () => {
  const wish = order(4, [6, 7])
  const made = await fork(feedDir, wish)
  const expected = await snapshot(made.dir)
  const tryPoint = async (point: number): Promise<boolean> => {
    let effects = 0
    const to = newFork()
    const onEffect = () => {
      if (effects++ === point) throw new Error('crash')
    }
    const isOver = await fork(feedDir, wish, onEffect, to).then(
      () => true,
      () => false,
    )
    await fork(feedDir, wish, undefined, to)
    assert.deepEqual(await snapshot(to), expected, `crash at effect ${point}`)
    return isOver
  }
  const tries = await Promise.all(Array.from({ length: 20 }, (_, point) => tryPoint(point)))
  assert.ok(!tries[9], 'a fork has more effects than ten')
  const again = await fork(feedDir, wish, effect => assert.fail(effect), made.dir)
  assert.equal(again.isNew, false)
})

test('states of the feed go on in its fork up to there, and none of the fork goes on in the feed', async () => {
  const first = await fork(feedDir, order(6, [8, 9]))
  const second = await fork(first.dir, order(9))
  const states = async (path: string) => {
    const reader = readFeed(path)
    const found: FeedState[] = []
    for await (const _ of reader) found.push(reader.state() as FeedState)
    return found
  }
  const [own, mine, later] = await Promise.all([feedDir, first.dir, second.dir].map(states))
  const cases: [FeedState, where: string, shared: RegExp | null][] = [
    [own[0], first.dir, null],
    [own[5], first.dir, null],
    [own[6], first.dir, /has only the first 6 steps of that in common/],
    [{ ...own[6], feed: mine[0].feed }, first.dir, /another history/],
    [mine[6], first.dir, null],
    [own[5], second.dir, null],
    [own[6], second.dir, /only the first 6 steps/],
    [mine[8], second.dir, null],
    [mine[9], second.dir, /only the first 9 steps/],
    [mine[0], feedDir, /is of feed [0-9a-f]{64}, and this is feed [0-9a-f]{64}$/],
    [later[0], first.dir, /is of feed/],
  ]
  for (const [from, path, refused] of cases) {
    const reading = Array.fromAsync(readFeed(path, { from }))
    if (refused) await assert.rejects(reading, { code: 'bad-option', message: refused })
    else assert.equal((await reading)[0].step, from.step)
  }
})

test('a fork of what is not there, of steps that are to come, or under the name of another is refused', async () => {
  const { steps } = (await fork(feedDir, order(1))).head
  const taken = (await fork(feedDir, order(2))).dir
  const cases: [ForkOrder, to: string, code: string, RegExp][] = [
    [order(steps + 1), newFork(), 'bad-option', /--at is \d+, and the feed has \d+ steps/],
    [order(3, [2, 4]), newFork(), 'bad-option', /begins with step 2, before the fork does/],
    [order(3, [5, 4]), newFork(), 'bad-option', /ends with step 4, before it begins/],
    [order(3, [5, steps]), newFork(), 'bad-option', /ends with step \d+, and the feed has/],
    [order(3), taken, 'bad-option', /holds another feed/],
  ]
  for (const [wish, to, code, message] of cases)
    await assert.rejects(forkFeed(feedDir, to, wish), { code, message }, message.source)
  await assert.rejects(forkFeed(join(dir, 'none'), newFork(), order(0)), { code: 'not-found' })
})

test('a fork of a feed that goes on is planned on by the same again', async () => {
  const going = join(dir, 'going')
  const publish = async (path: string, shards: number) => {
    await using feed = path === going ? await openFeed(going, options, origin) : await reopenFeed(path)
    for (const entry of corpus.entries.slice(0, shards)) await feed.addManifest(entry)
    if (shards === corpus.entries.length) await feed.end()
    return feed.head.steps
  }
  const before = await publish(going, 5)
  const to = newFork()
  await forkFeed(going, to, order(1, [1, 2]))
  assert.equal(await publish(to, 5), before - 2)
  await publish(going, corpus.entries.length)
  assert.equal(await forkFeed(going, to, order(1, [1, 2])), false)
  await publish(to, corpus.entries.length)
  assert.deepEqual(await snapshot(to), await snapshot((await fork(feedDir, order(1, [1, 2]))).dir))
})

test('the Python client reads forks as they are', { skip: skipWithout('pyarrow', 'numpy') }, async () => {
  const made = await fork(feedDir, order(3, [4, 5]))
  await comparePython(makeFolder('fork-python'), [made.dir, (await fork(made.dir, order(6))).dir], 3)
})
