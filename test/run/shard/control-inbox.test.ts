import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeFolder as makeLasting } from '../../../src/disk/durable-file.ts'
import { readControls } from '../../../src/feed/files/control-file.ts'
import type { SettingsChange } from '../../../src/feed/plan/control.ts'
import { type FeedPublisher, openFeed } from '../../../src/feed/publish.ts'
import { controlAnswers, controlRequests } from '../../../src/record/control-request.ts'
import { ControlInbox } from '../../../src/run/shard/control-inbox.ts'
import { writeCorpus } from '../../feed/corpus.ts'
import { makeFolder } from '../../temporary.ts'

const dir = makeFolder('control-inbox')
const corpus = await writeCorpus(dir, { domains: ['en', 'zh'], shards: 12, seed: 3 })
let folders = 0

/** Opens a new feed with what its run has given so far, and the run's folder, in which people leave requests. */
async function openNew(onEffect: (effect: string) => void = () => {}): Promise<{ run: string; feed: FeedPublisher }> {
  const run = join(dir, `run-${folders++}`)
  await makeLasting(run)
  const feed = await reopen(run, onEffect)
  return { run, feed }
}

async function reopen(run: string, onEffect: (effect: string) => void = () => {}): Promise<FeedPublisher> {
  const origin = { run: 'test', shards: join(dir, 'shards'), tokenizer: 't', fingerprint: 'f', onEffect }
  const feed = await openFeed(join(run, 'feed'), { length: 16, batch: 4, blockTokens: 200 }, origin)
  for (const entry of corpus.entries.slice(0, 6)) await feed.addManifest(entry)
  assert.ok(feed.head.steps > 3)
  return feed
}

async function ask(run: string, id: string, second: number, change: SettingsChange, step: number | null = null) {
  const at = `2026-01-02T03:04:0${second}.000Z`
  await controlRequests.put(run, id, { kind: 'control', id, step, change, who: 'ann@mill', at, note: null })
}

const take = (run: string, feed: FeedPublisher) => new ControlInbox(run, join(run, 'feed'), feed).take()
const answersOf = async (run: string) =>
  Array.from(await controlAnswers.list(run), ([id, answer]) => {
    return [id, Object.fromEntries(Object.entries(answer).filter(([name]) => name !== 'at'))] as const
  })

test('requests are taken in the order in which they were asked for, and each is answered', async () => {
  const { run, feed } = await openNew()
  await using _ = feed
  assert.equal(await take(run, feed), false)
  const next = feed.head.steps + 1
  await ask(run, 'a', 3, { batch: 2 })
  await ask(run, 'b', 1, { batch: 8 })
  await ask(run, 'c', 2, { batch: 16 }, 0)
  assert.equal(await take(run, feed), true)
  const refused = `step 0 can't be changed: the steps before ${next} are planned; name step ${next} or a later one`
  assert.deepEqual(await answersOf(run), [
    ['a', { kind: 'answer', step: next, isNew: true }],
    ['b', { kind: 'answer', step: next, isNew: true }],
    ['c', { kind: 'answer', refused }],
  ])
  assert.deepEqual(
    (await readControls(join(run, 'feed'))).map(({ id, batch }) => [id, batch]),
    [
      ['b', 8],
      ['a', 2],
    ],
  )
  assert.equal((await controlRequests.list(run)).size, 0)
})

test('a process that dies around any effect records a request once, and the next one answers it', async () => {
  for (let fatal = 0, isDone = false; !isDone; fatal++) {
    let [isArmed, effects] = [false, 0]
    const { run, feed } = await openNew(() => {
      if (isArmed && effects++ === fatal) throw new Error('death')
    })
    await ask(run, 'a', 1, { batch: 8 })
    isArmed = true
    {
      await using _ = feed
      isDone = await take(run, feed).catch(() => false)
    }
    // One that died behind its answer, and before the request was removed, finds it again.
    await ask(run, 'a', 1, { batch: 8 })
    await using again = await reopen(run)
    assert.equal(await take(run, again), true)
    const entries = await readControls(join(run, 'feed'))
    assert.deepEqual(
      entries.map(({ id }) => id),
      ['a'],
      `effect ${fatal}`,
    )
    assert.deepEqual(await answersOf(run), [['a', { kind: 'answer', step: entries[0].step, isNew: true }]])
    assert.ok(isDone || fatal < 10)
  }
})

test('a request that is damaged is an error with its file, and answers that nobody fetched go in time', async () => {
  const { run, feed } = await openNew()
  await using _ = feed
  await controlAnswers.put(run, 'old', { kind: 'answer', at: '2020-01-01T00:00:00.000Z', refused: 'no' })
  await controlAnswers.put(run, 'new', { kind: 'answer', at: new Date().toISOString(), refused: 'no' })
  await ask(run, 'a', 1, { batch: 8 })
  await take(run, feed)
  assert.deepEqual(
    (await answersOf(run)).map(([id]) => id),
    ['a', 'new'],
  )
  await writeFile(join(run, 'inbox', 'x.control'), '{}')
  await assert.rejects(take(run, feed), { code: 'corrupt', message: /x\.control is no change of a feed: delete it/ })
})
