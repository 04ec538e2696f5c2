import assert from 'node:assert/strict'
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { forkFeed } from '../../../src/feed/change/fork.ts'
import { recordTakeDown, type TakeDownOrder } from '../../../src/feed/change/take-down.ts'
import { readHead } from '../../../src/feed/files/head.ts'
import type { Row, TakeDownList } from '../../../src/feed/files/take-down-file.ts'
import type { FeedOptions } from '../../../src/feed/options.ts'
import { type FeedOrigin, openFeed, reopenFeed } from '../../../src/feed/publish.ts'
import { type FeedBatch, readFeed } from '../../../src/feed/read.ts'
import { skipWithout } from '../../python/python.ts'
import { makeFolder } from '../../temporary.ts'
import { type Corpus, snapshot, writeCorpus } from '../corpus.ts'
import { comparePython } from '../python.ts'

const dir = makeFolder('take-down')
const padding = 999_999
const options: FeedOptions = { length: 16, batch: 6, blockTokens: 400 }
const origin: FeedOrigin = {
  run: 'test',
  shards: join(dir, 'shards'),
  tokenizer: 't',
  fingerprint: 'f',
  endOfText: padding,
  segmentSteps: 5,
}
let corpus: Corpus
let whole: FeedBatch[]
let folders = 0

/** Every shard is a slot here, and has its rows from 0 on twice: a row's number names two documents. */
const rows: Row[] = [
  [0, 1],
  [3, 0],
  [4, 5],
]
/** The ids that these rows have. */
let taken: Set<string>

const list: TakeDownList = { by: 'id', names: ['a', 'b'], slots: 10, rows }
const order = (step: number | null, change: Partial<TakeDownOrder> = {}): TakeDownOrder => {
  return { step, isUnread: false, blank: false, note: null, ...change }
}

before(async () => {
  corpus = await writeCorpus(dir, { domains: ['en', 'zh'], shards: 10, seed: 9, tokensMax: 60 })
  whole = await Array.fromAsync(readFeed(await publish(10)))
  const slots = new Map(corpus.entries.map(({ domain, number, first }) => [`${domain}/${number}`, first.slot]))
  const rowOf = (id: string): [number, number] => {
    const [domain, number, , row] = id.split(/[/ ]/)
    return [slots.get(`${domain}/${number}`)!, Number(row)]
  }
  taken = new Set([...corpus.documents.keys()].filter(id => rows.some(row => String(row) === String(rowOf(id)))))
  assert.ok(taken.size >= rows.length)
})

/** A feed of so many shards of the corpus, new or gone on with; ended with all. */
async function publish(shards: number, path?: string): Promise<string> {
  if (path === undefined && published.has(shards)) return copyOf(published.get(shards)!)
  const to = path ?? join(dir, `feed-${folders++}`)
  if (path === undefined) published.set(shards, to)
  await publishInto(to, shards)
  return path === undefined ? copyOf(to) : to
}
const published = new Map<number, string>()

async function publishInto(path: string, shards: number): Promise<void> {
  await using feed = await openFeed(path, options, origin)
  for (const entry of corpus.entries.slice(0, shards)) await feed.addManifest(entry)
  if (shards === corpus.entries.length) await feed.end()
}

/** A feed as another is. */
function copyOf(path: string): string {
  const copy = join(dir, `feed-${folders++}`)
  cpSync(path, copy, { recursive: true })
  return copy
}

/** Throws unless batches are those of the feed with the documents masked from a step on, and nothing else. */
function checkMasked(batches: readonly FeedBatch[], from: number, blankFrom = Number.POSITIVE_INFINITY): void {
  const expected = whole.map(batch => {
    const [targets, inputIds] = [batch.targets.slice(), batch.inputIds.slice()]
    for (const [span, id] of batch.documents.entries()) {
      const [start, end] = [batch.cuSeqlens[span], batch.cuSeqlens[span + 1]]
      if (taken.has(id) && batch.step >= from) targets.fill(-100, start, end)
      if (taken.has(id) && batch.step >= blankFrom) inputIds.fill(padding, start, end)
    }
    const targetsInStep = targets.filter(target => target !== -100).length
    return { ...batch, targets, inputIds, targetsInStep, digest: '' }
  })
  assert.deepEqual(
    batches.map(batch => ({ ...batch, digest: '' })),
    expected,
  )
}

const read = (path: string) => Array.fromAsync(readFeed(path))

test('documents are masked from the recorded step on, and the check sees one step more or less', async () => {
  const holding = whole.filter(({ documents }) => documents.some(id => taken.has(id))).map(({ step }) => step)
  assert.ok(holding.length > 4)
  for (const [i, step] of holding.slice(0, 3).entries()) {
    const path = await publish(10)
    assert.equal(await recordTakeDown(path, list, order(step, { isUnread: true })), true)
    const batches = await read(path)
    checkMasked(batches, step)
    assert.throws(() => checkMasked(batches, step + 1))
    if (i > 0) assert.throws(() => checkMasked(batches, holding[i - 1]))
    assert.deepEqual(
      batches.map(batch => batch.digest),
      whole.map(batch => batch.digest),
    )
    await recordTakeDown(path, list, order(step + 1, { isUnread: true, blank: true }))
    checkMasked(await read(path), step, step + 1)
  }
})

test('of a feed that goes on only steps to come are masked, and their digests say so', async () => {
  const path = await publish(5)
  const { steps } = (await readHead(path))!
  assert.ok(steps > 2 && steps < whole.length - 2)
  await recordTakeDown(path, list, order(null, { note: 'asked' }))
  await publish(10, path)
  const batches = await read(path)
  checkMasked(batches, steps)
  assert.deepEqual(
    batches.map((batch, i) => batch.digest === whole[i].digest),
    batches.map((_, i) => i < steps),
  )
  assert.equal((await readHead(path))!.version, 3)
  assert.equal((await readHead(path))!.feed, (await readHead(await publish(10)))!.feed, 'states go on')
  const files = await snapshot(path)
  await publish(10, path)
  assert.deepEqual(await snapshot(path), files)
})

test('who reads while it is recorded masks what is read later', async () => {
  const path = await publish(10)
  const batches: FeedBatch[] = []
  for await (const batch of readFeed(path)) {
    batches.push(batch)
    if (batch.step === 1) await recordTakeDown(path, list, order(3, { isUnread: true }))
  }
  checkMasked(batches, 3)
})

test('a feed that was begun before its ledger named blocks is of a version that readers without masks refuse', async () => {
  const path = join(dir, 'form-1')
  await using feed = await openFeed(path, options, { ...origin, ledger: 1 })
  for (const entry of corpus.entries) await feed.addManifest(entry)
  await feed.end()
  const before = (await readHead(path))!
  await recordTakeDown(path, list, order(1, { isUnread: true }))
  const after = (await readHead(path))!
  assert.deepEqual([before.version, after.version, after.feed], [1, 2, before.feed])
  checkMasked(await read(path), 1)
})

test('a crash before any effect leaves all of it or nothing, and the same again makes it whole', async () => {
  const wish = order(2, { isUnread: true })
  const untouched = await publish(10)
  const done = copyOf(untouched)
  await recordTakeDown(done, list, wish)
  const expected = await snapshot(done)
  const tryPoint = async (point: number): Promise<boolean> => {
    const path = copyOf(untouched)
    let effects = 0
    const onEffect = () => {
      if (effects++ === point) throw new Error('crash')
    }
    const isOver = await recordTakeDown(path, list, wish, onEffect).then(
      () => true,
      () => false,
    )
    const isMasked = existsSync(join(path, 'control.json'))
    checkMasked(await read(path), isMasked ? 2 : Number.POSITIVE_INFINITY)
    await recordTakeDown(path, list, wish)
    assert.deepEqual(await snapshot(path), expected, `crash at effect ${point}`)
    return isOver
  }
  const tries = await Promise.all(Array.from({ length: 12 }, (_, point) => tryPoint(point)))
  const last = tries.lastIndexOf(false)
  assert.ok(last >= 3 && last < 11, `the last effect is ${last}`)
})

test('the same again, or part of it, or later writes nothing', async () => {
  const path = await publish(10)
  await recordTakeDown(path, list, order(2, { isUnread: true }))
  const files = await snapshot(path)
  for (const [part, step] of [
    [list, 2],
    [list, 5],
    [{ ...list, rows: rows.slice(1) }, 2],
  ] as const)
    assert.equal(await recordTakeDown(path, part, order(step, { isUnread: true })), false)
  assert.deepEqual(await snapshot(path), files)
  assert.equal(await recordTakeDown(path, list, order(1, { isUnread: true })), true)
  checkMasked(await read(path), 1)
})

test('steps of the past are refused, and so is an end that nothing follows', async () => {
  const ended = await publish(10)
  const going = await publish(5)
  const { steps } = (await readHead(going))!
  const cases: [string, TakeDownOrder, RegExp][] = [
    [ended, order(null), /has ended with step \d+, and nothing would be masked: name the first step that no/],
    [ended, order(whole.length + 5, { isUnread: true }), /nothing would be masked/],
    [ended, order(2), /step 2 is published, and may have been read: name the first step/],
    [going, order(steps - 1), new RegExp(`name step ${steps} or a later one, or the first`)],
  ]
  for (const [path, wish, message] of cases)
    await assert.rejects(recordTakeDown(path, list, wish), { code: 'bad-option', message })
})

test('a list or entries that are lost or changed are found, and nothing is read without them', async () => {
  const path = await publish(5)
  const { steps } = (await readHead(path))!
  await recordTakeDown(path, list, order(null))
  await publish(10, path)
  const damaged: [string, (copy: string) => void, RegExp][] = [
    ['no list', copy => rmSync(join(copy, 'take-downs', '00000000.jsonl')), /is missing/],
    [
      'another list',
      copy => {
        const file = join(copy, 'take-downs', '00000000.jsonl')
        writeFileSync(file, readFileSync(file, 'utf8').replace('[3,0]', '[3,1]'))
      },
      /is not the list that control.json names/,
    ],
    ['no entries', copy => rmSync(join(copy, 'control.json')), /has 0 entries, and a step was planned by 1/],
    ['no JSON', copy => writeFileSync(join(copy, 'control.json'), '[{'), /is damaged/],
    [
      'a path of its own',
      copy => {
        const file = join(copy, 'control.json')
        writeFileSync(file, readFileSync(file, 'utf8').replace('take-downs/0', '../take-downs/0'))
      },
      /'takeDown' that is not as Headrace writes it/,
    ],
  ]
  for (const [name, harm, message] of damaged) {
    const copy = copyOf(path)
    harm(copy)
    await assert.rejects(read(copy), { code: 'corrupt', message }, name)
  }
  checkMasked(await read(path), steps)
})

test('a fork has what was taken down in all of its own steps', async () => {
  const path = await publish(10)
  await recordTakeDown(path, list, order(8, { isUnread: true }))
  const to = join(dir, `feed-${folders++}`)
  await forkFeed(path, to, { at: 3, skip: null, note: null })
  {
    await using feed = await reopenFeed(to)
    for (const entry of corpus.entries) await feed.addManifest(entry)
    await feed.end()
  }
  checkMasked(await read(to), 3)
  checkMasked(await read(path), 8)
})

test('the Python client masks the same', { skip: skipWithout('pyarrow', 'numpy') }, async () => {
  const paths = [await publish(5), await publish(10)]
  await recordTakeDown(paths[0], list, order(null))
  await publish(10, paths[0])
  await recordTakeDown(paths[1], list, order(2, { isUnread: true }))
  await recordTakeDown(paths[1], list, order(6, { isUnread: true, blank: true }))
  await comparePython(makeFolder('take-down-python'), paths, 3)
})
