import assert from 'node:assert/strict'
import { cpSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { forkFeed } from '../../../src/feed/change/fork.ts'
import { planTrim, restoreBlocks, trimBlocks } from '../../../src/feed/change/trim.ts'
import { readControls } from '../../../src/feed/files/control-file.ts'
import { readHead } from '../../../src/feed/files/head.ts'
import { letGoPath, readLetGo } from '../../../src/feed/files/let-go-block.ts'
import type { Trim } from '../../../src/feed/files/trim-file.ts'
import type { FeedOptions } from '../../../src/feed/options.ts'
import type { ControlEntry } from '../../../src/feed/plan/control.ts'
import { type FeedOrigin, openFeed, reopenFeed } from '../../../src/feed/publish.ts'
import { type FeedBatch, readFeed } from '../../../src/feed/read.ts'
import { findPacking } from '../../../src/inspect/fed-packing.ts'
import { findFedSamples } from '../../../src/inspect/fed-samples.ts'
import { openShard } from '../../../src/shards/shard.ts'
import { runPython, skipWithout } from '../../python/python.ts'
import { makeFolder } from '../../temporary.ts'
import { type Corpus, snapshot, writeCorpus } from '../corpus.ts'

const home = makeFolder('trim')
let corpus: Corpus

/** Feeds of several kinds over the same shards: passes over a domain, packings, lengths that change, old data again, a ledger of before. */
const kinds: Readonly<Record<string, { options: FeedOptions; controls?: readonly ControlEntry[]; ledger?: 1 }>> = {
  mixed: { options: { length: 16, batch: 6, blockTokens: 120, mixture: { en: 2, zh: 1 }, dry: 'renormalise' } },
  repeated: { options: { length: 16, batch: 6, blockTokens: 300, mixture: { en: 1, zh: 3 }, dry: 'repeat' } },
  filled: { options: { length: 16, batch: 4, blockTokens: 300, packing: 'best-fit-filled', cutTargets: 'next' } },
  longer: {
    options: { length: 16, batch: 6, blockTokens: 600 },
    controls: [
      { step: 7, length: 32, batch: 3 },
      { step: 9, length: 48, batch: 2 },
      { step: 15, length: 16, batch: 6 },
    ],
  },
  again: { options: { length: 16, batch: 6, blockTokens: 120, replay: { share: 0.25 } } },
  older: { options: { length: 16, batch: 4, blockTokens: 300 }, ledger: 1 },
}
const feeds = new Map<string, { dir: string; batches: FeedBatch[] }>()
const originOf = (ledger?: 1): FeedOrigin => ({
  run: 'test',
  shards: join(home, 'shards'),
  tokenizer: 't',
  fingerprint: 'f',
  endOfText: 7,
  segmentSteps: 10,
  ...(ledger && { ledger }),
})

async function publish(dir: string, kind: string, entries = corpus.entries, isWhole = true) {
  const { options, controls = [], ledger } = kinds[kind]
  await using feed = await openFeed(dir, options, originOf(ledger))
  const known = (await readControls(dir)).length
  for (const entry of controls.slice(known)) await feed.control(entry)
  for (const entry of entries) await feed.addManifest(entry)
  // A domain that is repeated never ends.
  if (isWhole) await feed.end(60)
}

before(async () => {
  corpus = await writeCorpus(home, { domains: ['en', 'zh'], shards: 14, seed: 7 })
  for (const kind of Object.keys(kinds)) {
    const dir = join(home, kind)
    await publish(dir, kind)
    feeds.set(kind, { dir, batches: await Array.fromAsync(readFeed(dir)) })
  }
})

let copies = 0
function copyFeed(kind: string): string {
  const dir = join(home, `copy-${copies++}`)
  cpSync(join(home, kind), dir, { recursive: true })
  return dir
}

const trimOf = (step: number): Trim => ({
  step,
  who: 'ann@host',
  at: '2026-01-02T03:04:05.000Z',
  note: 'disk is full',
  trainers: [['run-7', step]],
})

async function trim(dir: string, step: number, onEffect?: (effect: string) => void) {
  const blocks = await planTrim(dir, (await readHead(dir))!, step)
  await trimBlocks(dir, blocks, trimOf(step), onEffect)
  return blocks.map(({ path }) => path)
}

async function* entriesOf() {
  yield* corpus.entries
}
const restore = async (dir: string, onEffect?: (effect: string) => void) =>
  restoreBlocks(dir, (await readHead(dir))!, { shards: entriesOf(), hasEnded: true }, onEffect)

function readTokens(path: string): Int32Array {
  using shard = openShard(path)
  const tokens = new Int32Array(8)
  // No other column has such numbers.
  shard.readTokens(100, tokens)
  return tokens
}

/** What a reader gets of each step: its batch, or what it is told. */
async function readEach(dir: string, steps: number): Promise<(FeedBatch | string)[]> {
  return Promise.all(
    Array.from({ length: steps }, async (_, from) => {
      try {
        for await (const batch of readFeed(dir, { from })) return batch
      } catch (error) {
        return `${(error as { code?: string }).code}: ${(error as Error).message}`
      }
      return 'nothing'
    }),
  )
}

for (const kind of Object.keys(kinds))
  test(`a trimmed feed (${kind}) gives all from its step on, and says of what is gone when and why`, async () => {
    const { batches } = feeds.get(kind)!
    const steps = batches.length
    assert.ok(steps > 20)
    const dir = copyFeed(kind)
    const gone: number[] = []
    let last = 0
    for (const step of [0, 1, 7, 13, steps - 2, steps]) {
      const paths = await trim(dir, step)
      gone.push(paths.length)
      // A trim that finds nothing takes nothing from anybody.
      if (paths.length > 0) last = step
      for (const path of paths) assert.equal(existsSync(join(dir, path)), false)
      assert.deepEqual(await trim(dir, step), [], 'the same again finds nothing')
      for (const [i, read] of (await readEach(dir, steps)).entries())
        if (i >= step || typeof read !== 'string') assert.deepEqual(read, batches[i], `step ${i} of a trim to ${step}`)
        else {
          assert.match(read, /^trimmed: .*blocks\/.*\.arrow was let go: the feed in .* was trimmed by ann@host on 2026/)
          assert.match(read, new RegExp(`\\(disk is full\\): it can be read from step ${last} on; beside its run`))
        }
      const told = new Set((await readEach(dir, steps)).filter(read => typeof read === 'string'))
      assert.equal(told.size > 0, gone.some(Boolean), `${gone} of ${kind}`)
    }
    assert.equal(gone[0], 0)
    assert.ok(gone.filter(Boolean).length > 1, `${gone}`)
  })

for (const kind of Object.keys(kinds))
  test(`a start plans a trimmed feed (${kind}) to the same steps, and makes no block again`, async () => {
    const dir = join(home, `goes-on-${kind}`)
    await publish(dir, kind, corpus.entries.slice(0, 9), false)
    const { steps } = (await readHead(dir))!
    assert.ok(steps > 3)
    const [path] = await trim(dir, steps)
    const trimmed = await snapshot(dir)
    const shard = join(home, 'shards', readLetGo(dir, letGoPath(path))!.identity.shards[0].path)
    renameSync(shard, `${shard}.away`)
    await publish(dir, kind, corpus.entries.slice(0, 9), false).finally(() => renameSync(`${shard}.away`, shard))
    assert.deepEqual(await snapshot(dir), trimmed, 'no shard of a block that was let go is read')
    await publish(dir, kind)
    const { batches } = feeds.get(kind)!
    assert.deepEqual((await readEach(dir, batches.length)).slice(steps), batches.slice(steps))
    await restore(dir)
    assert.deepEqual(await snapshot(dir), await snapshot(feeds.get(kind)!.dir))
  })

for (const kind of Object.keys(kinds))
  test(`blocks that were let go (${kind}) are made again from the shards, byte for byte, stopped at any effect`, async () => {
    const expected = await snapshot(feeds.get(kind)!.dir)
    const { batches } = feeds.get(kind)!
    let isOver = false
    for (let point = 0; !isOver; point++) {
      const dir = copyFeed(kind)
      await trim(dir, 14)
      let effects = 0
      isOver = await restore(dir, () => {
        if (effects++ === point) throw new Error('crash')
      }).then(
        () => true,
        () => false,
      )
      const read = await readEach(dir, batches.length)
      assert.deepEqual(read.slice(14), batches.slice(14), `crash at ${point}`)
      assert.ok(read.every((one, i) => typeof one !== 'string' || (i < 14 && one.startsWith('trimmed: '))))
      await restore(dir)
      assert.deepEqual(await snapshot(dir), expected, `crash at ${point}`)
      rmSync(dir, { recursive: true })
    }
  })

test('a crash before any effect leaves a feed that is whole or says so, and the same again gives the same', async () => {
  const { batches } = feeds.get('mixed')!
  const whole = copyFeed('mixed')
  await trim(whole, 14)
  const expected = await snapshot(whole)
  let isOver = false
  let points = 0
  for (; !isOver; points++) {
    const dir = copyFeed('mixed')
    let effects = 0
    isOver = await trim(dir, 14, () => {
      if (effects++ === points) throw new Error('crash')
    }).then(
      () => true,
      () => false,
    )
    for (const [i, read] of (await readEach(dir, batches.length)).entries())
      if (typeof read === 'string') assert.match(read, /^trimmed: /, `crash at ${points}, step ${i}`)
      else assert.deepEqual(read, batches[i], `crash at ${points}`)
    await trim(dir, 14)
    assert.deepEqual(await snapshot(dir), expected, `crash at ${points}`)
    rmSync(dir, { recursive: true })
  }
  assert.ok(points > 8, `${points}`)
})

test('a fork behind what was let go is as of the whole feed; before it there is none', async () => {
  const { dir: whole } = feeds.get('mixed')!
  const dir = copyFeed('mixed')
  await trim(dir, 14)
  const order = { at: 16, skip: [17, 18] as const, note: null }
  const made: FeedBatch[][] = []
  for (const [i, from] of [whole, dir].entries()) {
    const to = join(home, 'forks', `${i}`)
    await forkFeed(from, to, order)
    await using feed = await reopenFeed(to)
    for (const entry of corpus.entries) await feed.addManifest(entry)
    await feed.end()
    made.push(await Array.fromAsync(readFeed(to, { from: 14 })))
  }
  assert.deepEqual(made[1], made[0])
  assert.match(String((await readEach(join(home, 'forks', '1'), 1))[0]), /^trimmed: .* from step 14 on/)
  const early = forkFeed(dir, join(home, 'forks', 'early'), { ...order, at: 13 })
  await assert.rejects(early, { code: 'trimmed', message: /step 13 can't be forked: .* from step 14 on/ })
  assert.equal(existsSync(join(home, 'forks', 'early.tmp')), false, 'it is refused before any work')
  const { steps } = (await readHead(dir))!
  for (const step of [13, steps + 1])
    await assert.rejects(trim(dir, step), { code: 'bad-option', message: /has steps 14 to \d+$/ })
})

test('what is damaged is told, and nothing is made of it', async () => {
  const dir = copyFeed('mixed')
  const [path] = await trim(dir, 14)
  const left = join(dir, path.replace('blocks/', 'trimmed/'))
  const bytes = readFileSync(left)
  rmSync(left)
  await assert.rejects(restore(dir), { code: 'corrupt', message: /trimmed\/.* is missing/ })
  writeFileSync(left, bytes.subarray(0, 40))
  await assert.rejects(restore(dir), { code: 'corrupt' })
  writeFileSync(left, bytes)
  const shard = join(home, 'shards', readLetGo(dir, letGoPath(path))!.identity.shards[0].path)
  const bytesOfShard = readFileSync(shard)
  const at = bytesOfShard.indexOf(new Uint8Array(readTokens(shard).buffer))
  writeFileSync(shard, Buffer.from(bytesOfShard).fill(bytesOfShard[at] ^ 1, at, at + 1))
  const restored = restore(dir).finally(() => writeFileSync(shard, bytesOfShard))
  await assert.rejects(restored, { code: 'corrupt', message: /give another blocks\/.* than was let go/ })
  assert.equal(existsSync(join(dir, path)), false)
  const head = JSON.parse(readFileSync(join(dir, 'head.json'), 'utf8'))
  writeFileSync(join(dir, 'head.json'), JSON.stringify({ ...head, steps: 9 }))
  await assert.rejects(publish(dir, 'mixed'), { code: 'corrupt', message: /9 steps, and trimmed.json .* before 14/ })
  writeFileSync(join(dir, 'trimmed.json'), '{"version":1}')
  const told = (await readEach(dir, 1))[0]
  assert.match(String(told), /^corrupt: .*trimmed\.json does not say what was let go/)
})

test('what a block that was let go has cut is counted all the same', async () => {
  const dir = copyFeed('filled')
  const head = (await readHead(dir))!
  const cuts = async () => [...(await findPacking(dir, head, []))]
  const before = await cuts()
  assert.ok((await trim(dir, 14)).length > 0)
  assert.deepEqual(await cuts(), before)
})

test('a block whose rest was cut anew goes with what was fed of it, and its samples are known all the same', async () => {
  const dir = copyFeed('longer')
  const spans = new Map(corpus.entries.map(({ path, tokens }, address) => [path, [{ start: 0, tokens, address }]]))
  const before = await findFedSamples(dir, spans)
  assert.deepEqual(new Set(before.map(({ cut = 0 }) => cut)), new Set([0, 1, 2, 3]))
  assert.equal((await trim(dir, 6)).includes('blocks/en/00000000.arrow'), false)
  const gone = await trim(dir, before.at(-1)!.step?.step ?? 20)
  for (const name of ['00000000.arrow', '00000000.cut1.arrow']) assert.ok(gone.includes(`blocks/en/${name}`), `${gone}`)
  assert.deepEqual(await findFedSamples(dir, spans), before)
})

test('Python says the same of what was let go', { skip: skipWithout('numpy', 'pyarrow') }, async () => {
  const dir = copyFeed('mixed')
  await trim(dir, 14)
  const script = `
import sys
from headrace import Feed, FeedError
feed = Feed(sys.argv[1])
print([len(feed.read(step)["domains"]) for step in range(14, feed.head["steps"])][:2])
try:
    feed.read(0)
except FeedError as error:
    print(error)
`
  const [read, said] = runPython(['-c', script, dir]).split('\n')
  assert.equal(read, '[6, 6]')
  const expected = (await readEach(dir, 1))[0] as string
  assert.match(said, /blocks\/.*\.arrow was let go: the feed was trimmed by ann@host on 2026-01-02.* \(disk is full\)/)
  assert.match(said, /it can be read from step 14 on; beside its run, headrace trim --restore makes the rest again$/)
  assert.match(
    expected,
    /it can be read from step 14 on; beside its run, headrace trim --restore makes the rest again$/,
  )
})
