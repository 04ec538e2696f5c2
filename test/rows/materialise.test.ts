import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { lockDirectory } from '../../src/disk/lock.ts'
import { type FeedBatch, readFeed } from '../../src/feed/read.ts'
import { type MaterialiseOrder, materialise } from '../../src/rows/materialise.ts'
import type { RowFile } from '../../src/rows/row-file.ts'
import { type Corpus, snapshot } from '../feed/corpus.ts'
import { makeFolder } from '../temporary.ts'
import { changedAt, decodeRows, forms, publishFeed, takeDown, writeShards } from './fixture.ts'

const dir = makeFolder('materialise')
const whole = join(dir, 'whole')
let corpus: Corpus
let batches: FeedBatch[]
let feeds = 0

before(async () => {
  corpus = await writeShards(dir)
  await publishFeed(dir, whole, corpus)
  batches = await Array.fromAsync(readFeed(whole))
  assert.ok(batches.length > 14 && batches.some(({ samples }) => samples === 8))
})

/** A copy of the whole feed, beside it. */
function copyFeed(): string {
  const feed = join(dir, `feed-${feeds++}`)
  cpSync(whole, feed, { recursive: true })
  return feed
}
const orderOf = (feed: string, change: Partial<MaterialiseOrder> = {}): MaterialiseOrder => {
  return { feed, from: null, to: null, fileSteps: 4, keepSteps: null, follow: false, ...change }
}
const describe = (feed: string, name: string): RowFile => JSON.parse(readFileSync(join(feed, 'rows', name), 'utf8'))
const namesIn = (feed: string) =>
  readdirSync(join(feed, 'rows'))
    .filter(name => name.endsWith('.json'))
    .sort()
const rowsOf = (feed: string) => snapshot(join(feed, 'rows'))

/** Throws unless the files of rows hold just what readers of the feed are given now. */
async function checkRows(feed: string, first = 0, last = Number.POSITIVE_INFINITY): Promise<void> {
  const expected = await Array.fromAsync(readFeed(feed, { from: first, spans: true }))
  const found = namesIn(feed).flatMap(name => decodeRows(feed, name))
  assert.equal(found.length, Math.min(expected.length, last - first))
  for (const [i, step] of found.entries()) {
    const { inputIds, cuSeqlens, cuSeqlensPadded, documents, domains, digest, targetsInStep, targets, spans } =
      expected[i]
    assert.deepEqual([step.digest, step.targets, step.domains], [digest, targetsInStep, domains])
    assert.deepEqual(
      step.samples.flatMap(sample => [...sample]),
      [...inputIds],
    )
    assert.deepEqual(
      step.spans.map(span => span.document),
      documents,
    )
    let [at, sum] = [0, 0]
    for (const [span, { sample, length: tokens, room, next, kind, slot, row }] of step.spans.entries()) {
      const place = [cuSeqlensPadded[span], cuSeqlens[span], Math.floor(at / expected[i].length)]
      assert.deepEqual(place, [at, sum, sample])
      assert.deepEqual([slot, row, kind], [spans!.slots[span], spans!.rows[span], spans!.kinds[span]])
      const isLearned = targets.subarray(at, at + tokens - 1).every(target => target !== -100)
      if (tokens > 1) assert.equal(kind === 0, isLearned)
      assert.equal(targets[at + tokens - 1], next < 0 ? -100 : next)
      at += room
      sum += tokens
    }
    assert.deepEqual([at, sum], [inputIds.length, cuSeqlens.at(-1)])
  }
}

for (const fileSteps of [1, 4, 1000])
  test(`files of ${fileSteps} steps hold what readers are given, and end where the batch changes`, async () => {
    const feed = copyFeed()
    const done = await materialise(orderOf(feed, { fileSteps }))
    await checkRows(feed)
    assert.deepEqual([done.steps, done.files, done.waiting], [batches.length, namesIn(feed).length, 0])
    for (const name of namesIn(feed)) {
      const { first, steps, batch } = describe(feed, name)
      assert.equal(batch, first < changedAt ? 12 : 8)
      assert.ok(steps <= fileSteps && (first >= changedAt || first + steps <= changedAt))
      assert.ok(Math.floor(first / fileSteps) === Math.floor((first + steps - 1) / fileSteps))
    }
    const again = await materialise(orderOf(feed, { fileSteps }))
    assert.deepEqual([again.steps, again.stood], [0, batches.length])
  })

for (const [name, form] of Object.entries(forms))
  test(`rows of every form hold what readers are given, whatever is taken down later: ${name}`, async () => {
    const feed = join(dir, `feed-${feeds++}`)
    const { steps, version } = await publishFeed(dir, feed, corpus, corpus.entries.length, form)
    const done = await materialise(orderOf(feed))
    assert.deepEqual([done.steps, version], [steps, 5])
    await checkRows(feed)
    const files = namesIn(feed).map(file => describe(feed, file))
    assert.deepEqual(new Set(files.map(file => file.length)), new Set([16, 32]))
    for (const { first, steps, length: tokens, ...said } of files) {
      const isLong = (step: number) => step >= changedAt + 5 && step < changedAt + 8
      assert.deepEqual([first, first + steps - 1].map(isLong), [tokens === 32, tokens === 32])
      const { align, cutTargets } = form
      assert.deepEqual([said.version, said.align, said.cutTargets], [2, align, cutTargets])
    }
    const found = namesIn(feed).flatMap(file => decodeRows(feed, file))
    if (form.cutTargets) assert.ok(found.some(step => step.spans.some(({ next }) => next >= 0)))
    if (form.align) assert.ok(found.some(step => step.spans.some(one => one.room > one.length)))
    const { slot, row } = found[1].spans.find(span => span.kind === 0 && span.length > 1)!
    await takeDown(feed, [[slot, row]], 0, true)
    assert.ok((await materialise(orderOf(feed))).renewed > 0)
    await checkRows(feed)
  })

/** What is done to a copy of the feed first, and how it is materialised then. */
const stopped: [what: string, prepare: (feed: string) => Promise<unknown>, change: Partial<MaterialiseOrder>][] = [
  ['new files', async () => {}, { fileSteps: 8 }],
  [
    'files that are made again and others that go',
    async feed => {
      await materialise(orderOf(feed, { fileSteps: 8 }))
      const { slot, row } = decodeRows(feed, '00000009.json')[0].spans.find(span => span.length > 3)!
      await takeDown(feed, [[slot, row]], 9, true)
    },
    { fileSteps: 8, keepSteps: 8 },
  ],
]
for (const [what, prepare, change] of stopped)
  test(`stopped before each of its effects, it goes on to the same bytes: ${what}`, async () => {
    const base = copyFeed()
    await prepare(base)
    const copyBase = () => {
      const feed = join(dir, `feed-${feeds++}`)
      cpSync(base, feed, { recursive: true })
      return feed
    }
    const expected = copyBase()
    let effects = 0
    const undisturbed = await materialise(orderOf(expected, { ...change, onEffect: () => void effects++ }))
    assert.equal(undisturbed.renewed > 0 && undisturbed.removed > 0, 'keepSteps' in change)
    const wanted = await rowsOf(expected)
    assert.ok(effects > 10)
    for (let fatal = 0; fatal < effects; fatal++) {
      const feed = copyBase()
      let count = 0
      const onEffect = () => {
        if (count++ === fatal) throw new Error('crash')
      }
      await assert.rejects(materialise(orderOf(feed, { ...change, onEffect })), /crash/)
      // What readers find in between is whole.
      for (const name of existsSync(join(feed, 'rows')) ? namesIn(feed) : []) decodeRows(feed, name)
      await materialise(orderOf(feed, change))
      assert.deepEqual(await rowsOf(feed), wanted, `stopped before effect ${fatal}`)
    }
  })

test('killed with its files half written, the next one goes on to the same bytes', async () => {
  const expected = copyFeed()
  await materialise(orderOf(expected))
  const feed = copyFeed()
  const script = `
    import { materialise } from ${JSON.stringify(new URL('../../src/rows/materialise.ts', import.meta.url).href)}
    const order = ${JSON.stringify(orderOf(feed))}
    await materialise(order, step => { if (step === 6) process.kill(process.pid, 'SIGKILL') })`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script])
  assert.deepEqual(await once(child, 'close'), [null, 'SIGKILL'])
  assert.ok(readdirSync(join(feed, 'rows')).some(name => name.endsWith('.tmp')))
  await materialise(orderOf(feed))
  assert.deepEqual(await rowsOf(feed), await rowsOf(expected))
})

test('steps that are named are written, and gaps are filled later', async () => {
  const feed = copyFeed()
  const middle = await materialise(orderOf(feed, { from: 6, to: 11 }))
  assert.equal(middle.steps, 5)
  assert.deepEqual(namesIn(feed), ['00000006.json', '00000008.json', '00000009.json'])
  await checkRows(feed, 6, 11)
  const rest = await materialise(orderOf(feed))
  assert.deepEqual([rest.stood, rest.steps], [5, batches.length - 5])
  await checkRows(feed)
})

test('of a feed that goes on whole files are written, and it follows until the feed has ended', async () => {
  const feed = join(dir, 'live')
  const { steps } = await publishFeed(dir, feed, corpus, 7)
  const first = await materialise(orderOf(feed))
  assert.deepEqual([first.steps, first.waiting], [steps - (steps % 4), steps % 4])
  const following = materialise(orderOf(feed, { follow: true, pollMs: 1 }))
  await publishFeed(dir, feed, corpus)
  const done = await following
  assert.equal(first.steps + done.steps, batches.length)
  const expected = copyFeed()
  await materialise(orderOf(expected))
  assert.deepEqual(Object.keys(await rowsOf(feed)), Object.keys(await rowsOf(expected)))
  await checkRows(feed)
})

test('a signal ends it, and the file at work is not there', async () => {
  const feed = copyFeed()
  const controller = new AbortController()
  const onStep = (step: number) => step === 5 && controller.abort()
  const done = await materialise(orderOf(feed, { signal: controller.signal }), onStep)
  assert.deepEqual([done.steps, namesIn(feed)], [4, ['00000000.json']])
  assert.deepEqual(readdirSync(join(feed, 'rows')).sort(), ['00000000.i32', '00000000.json', '00000000.spans'])
})

test('of a window of steps the older files go, and new ones are begun within it', async () => {
  const feed = copyFeed()
  await materialise(orderOf(feed))
  const all = namesIn(feed).length
  const done = await materialise(orderOf(feed, { keepSteps: 5 }))
  const kept = namesIn(feed)
  assert.equal(done.removed, all - kept.length)
  const { first, steps } = describe(feed, kept[0])
  assert.ok(first + steps > batches.length - 5 && first <= batches.length - 5, `${first} of ${batches.length}`)
  assert.equal(readdirSync(join(feed, 'rows')).length, 3 * kept.length, 'their data is gone, too')
  const fresh = copyFeed()
  const began = await materialise(orderOf(fresh, { keepSteps: 5 }))
  assert.deepEqual(namesIn(fresh), kept)
  assert.ok(began.steps < 10)
})

test('files whose documents were taken down since are made again, as if it had been known before', async () => {
  for (const blank of [false, true]) {
    const feed = copyFeed()
    await materialise(orderOf(feed))
    const names = namesIn(feed)
    const before = Object.fromEntries(names.map(name => [name, describe(feed, name)]))
    const { spans } = decodeRows(feed, names[1])[3]
    const { slot, row } = spans.find(({ kind, length: tokens }) => kind === 0 && tokens > 3)!
    assert.ok(await takeDown(feed, [[slot, row]], 6, blank))
    const done = await materialise(orderOf(feed))
    assert.ok(done.renewed > 0 && done.renewed < names.length, `${done.renewed} files`)
    await checkRows(feed)
    const fresh = copyFeed()
    await takeDown(fresh, [[slot, row]], 6, blank)
    await materialise(orderOf(fresh))
    for (const name of names) {
      const [now, other] = [describe(feed, name), describe(fresh, name)]
      assert.deepEqual({ ...now, ids: other.ids, spans: other.spans }, other)
      assert.equal(now.takeDowns, 1)
      if (now.ids === before[name].ids) continue
      assert.equal(now.ids, before[name].ids.replace('.i32', '.1.i32'))
      assert.equal(existsSync(join(feed, 'rows', before[name].ids)), false)
    }
    assert.deepEqual((await materialise(orderOf(feed))).renewed, 0)
  }
})

test('files of a history that the feed does not have are removed and made again', async () => {
  const feed = copyFeed()
  await materialise(orderOf(feed))
  const wanted = await rowsOf(feed)
  const file = describe(feed, '00000004.json')
  writeFileSync(
    join(feed, 'rows', '00000004.json'),
    JSON.stringify({ ...file, digests: file.digests.with(-1, 'f'.repeat(64)) }),
  )
  const done = await materialise(orderOf(feed))
  assert.deepEqual([done.strange, done.steps], [1, 4])
  assert.deepEqual(await rowsOf(feed), wanted)
})

test('one writer at a time', async () => {
  const feed = copyFeed()
  await materialise(orderOf(feed))
  await using _ = await lockDirectory(join(feed, 'rows'))
  await assert.rejects(materialise(orderOf(feed)), { code: 'locked' })
})

test('what the feed does not have is refused, and a damaged shard ends it with nothing of its file', async () => {
  const feed = copyFeed()
  await assert.rejects(materialise(orderOf(feed, { from: 0, to: 999 })), {
    code: 'bad-option',
    message: /before step 999/,
  })
  await assert.rejects(materialise(orderOf(feed, { from: 999 })), { code: 'bad-option', message: /has no step/ })
  await assert.rejects(materialise(orderOf(join(dir, 'nowhere'))), { code: 'not-found' })
  assert.equal(existsSync(join(feed, 'rows')), false)
  rmSync(join(feed, 'blocks'), { recursive: true })
  await assert.rejects(materialise(orderOf(feed)), { code: 'not-found' })
  assert.deepEqual(readdirSync(join(feed, 'rows')), [])
})
