import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, readdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { ledgerPath } from '../../src/feed/files/ledger.ts'
import type { FeedOptions } from '../../src/feed/options.ts'
import { type FeedOrigin, openFeed } from '../../src/feed/publish.ts'
import { type FeedBatch, type FeedState, type ReadOptions, readFeed } from '../../src/feed/read.ts'
import { folderBefore, folderOf } from '../../src/shards/folder.ts'
import { python, skipWithout } from '../python/python.ts'
import { drawFrom } from '../random.ts'
import { sweep } from '../sweep.ts'
import { makeFolder } from '../temporary.ts'
import { type Corpus, writeCorpus } from './corpus.ts'
import { comparePython, comparePythonAnywhere } from './python.ts'

const dir = makeFolder('read')
const padding = 999_999
const seed = Math.floor(Math.random() * 2 ** 31)
console.log(`seed ${seed}`)
const options: FeedOptions = { length: 16, batch: 12, blockTokens: 900 }
const origin: FeedOrigin = {
  run: 'test',
  shards: join(dir, 'shards'),
  tokenizer: 't',
  fingerprint: 'f',
  endOfText: padding,
  segmentSteps: 5,
}
const domains = ['en', 'zh/水', 'code', '😀', '__proto__', 'constructor', 'EN']
const earlier = 'folders as before'
const variants: Record<string, Partial<FeedOptions>> = {
  concatenate: {},
  'best-fit': { packing: 'best-fit' },
  mixture: { mixture: { en: 1, 'zh/水': 2, code: 0 } },
  filled: { packing: 'best-fit-filled', cutMax: 0.1 },
  aligned: { align: 4, packing: 'best-fit-filled', cutMax: 0.1 },
  'aligned end to end': { align: 8 },
  next: { cutTargets: 'next' },
  'aligned next': { cutTargets: 'next', align: 4, packing: 'best-fit' },
  repeat: { dry: 'repeat', repeatMax: 2, packing: 'best-fit' },
  // As a feed is that was begun under the rule before for names of folders.
  [earlier]: {},
}
const feedDir = (name: string) => join(dir, `feed-${name}`)
let corpus: Corpus

before(async () => {
  corpus = await writeCorpus(dir, {
    domains,
    shards: 36,
    seed: 3,
  })
  for (const [name, change] of Object.entries(variants)) {
    await using feed = await openFeed(feedDir(name), { ...options, ...change }, origin)
    for (const entry of corpus.entries) await feed.addManifest(entry)
    await feed.end()
  }
  for (const domain of domains) {
    const [now, then] = [folderOf, folderBefore].map(of => join(feedDir(earlier), 'blocks', of(domain)))
    if (now !== then) renameSync(now, then)
  }
})

async function readAll(path: string, readOptions: ReadOptions = {}): Promise<FeedBatch[]> {
  const batches: FeedBatch[] = []
  for await (const batch of readFeed(path, readOptions)) batches.push(batch)
  return batches
}
const headOf = (path: string) => JSON.parse(readFileSync(join(path, 'head.json'), 'utf8'))

/** Throws unless batches hold what a FeedBatch promises of real documents. Returns how often each token was fed. */
function checkBatches(batches: readonly FeedBatch[], { align = 1, cutTargets }: FeedOptions): Map<number, number> {
  const fed = new Map<number, number>()
  for (const batch of batches) {
    const { samples, length, inputIds, targets, positionIds, cuSeqlens, cuSeqlensPadded, documents, domains } = batch
    assert.deepEqual(
      [inputIds, targets, positionIds].map(a => a.length),
      Array(3).fill(samples * length),
    )
    assert.deepEqual([cuSeqlensPadded[0], cuSeqlensPadded.at(-1)], [0, samples * length])
    if (align === 1) assert.deepEqual(cuSeqlens, cuSeqlensPadded)
    assert.equal(batch.targetsInStep, targets.filter(target => target !== -100).length)
    assert.equal(documents.length, cuSeqlens.length - 1)
    for (let row = 1; row < samples; row++)
      assert.ok(cuSeqlensPadded.includes(row * length), 'no piece lies over two rows')
    for (const [span, id] of documents.entries()) {
      const [from, end] = [cuSeqlensPadded[span], cuSeqlensPadded[span + 1]]
      const to = from + cuSeqlens[span + 1] - cuSeqlens[span]
      assert.ok(from < to && to <= end && end - to < align && from % align === 0)
      assert.deepEqual(
        [...positionIds.subarray(from, end)],
        Array.from({ length: end - from }, (_, i) => i),
      )
      for (let i = to; i < end; i++) assert.deepEqual([inputIds[i], targets[i]], [padding, -100])
      const ids = [...inputIds.subarray(from, to)]
      if (id === '') {
        assert.ok(targets.subarray(from, to).every(target => target === -100))
        assert.ok(ids.every(token => token === padding) && to % length === 0, 'padding ends a row')
        continue
      }
      const document = corpus.documents.get(id)!
      const start = document.indexOf(ids[0])
      assert.deepEqual(ids, [...document.subarray(start, start + ids.length)], `a piece of ${id}`)
      const next = (cutTargets === 'next' && document[start + ids.length]) || -100
      assert.deepEqual([...targets.subarray(from, to)], [...ids.slice(1), next])
      assert.equal(
        domains[Math.floor(from / length)],
        id.slice(0, id.lastIndexOf('/', id.lastIndexOf('/', id.lastIndexOf('/') - 1) - 1)),
      )
      for (const token of ids) fed.set(token, (fed.get(token) ?? 0) + 1)
    }
  }
  return fed
}

/** Throws unless every token of the fed domains was fed `epochs` times, less what the head says is left over. */
function checkExactlyOnce(batches: readonly FeedBatch[], path: string, epochs: number): void {
  const fed = checkBatches(batches, headOf(path))
  const times = [...fed.values()]
  assert.ok(
    times.every(n => n <= epochs),
    'no token is fed twice in an epoch',
  )
  const leftover: Record<string, { tokens: number }> = headOf(path).leftover
  const left = Object.values(leftover).reduce((sum, { tokens }) => sum + tokens, 0)
  const all = corpus.entries.reduce((sum, { tokens }) => sum + tokens, 0)
  const unfed = Object.entries(leftover).filter(([name]) => !batches.some(b => b.domains.includes(name)))
  const never = unfed.reduce((sum, [, { tokens }]) => sum + tokens, 0)
  assert.equal(
    times.reduce((a, b) => a + b, 0),
    (all - never) * epochs - (left - never),
  )
}

for (const name of Object.keys(variants))
  test(`${name}: every token is fed once an epoch, with its targets, positions and document`, async () => {
    const batches = await readAll(feedDir(name), { verify: 'files' })
    assert.equal(batches.length, headOf(feedDir(name)).steps)
    checkExactlyOnce(batches, feedDir(name), name === 'repeat' ? 2 : 1)
  })

test('the checks see a batch fed twice, one left out, a wrong label and a wrong document', async () => {
  const path = feedDir('concatenate')
  const batches = await readAll(path)
  assert.throws(() => checkExactlyOnce([...batches, batches[2]], path, 1))
  assert.throws(() => checkExactlyOnce(batches.slice(1), path, 1))
  const [first, ...others] = batches
  const check = (changed: FeedBatch) => checkBatches([changed, ...others], options)
  assert.throws(() => check({ ...first, targets: first.targets.with(3, 5) }))
  assert.throws(() => check({ ...first, inputIds: first.inputIds.with(0, 5) }))
  assert.throws(() => check({ ...first, documents: first.documents.toReversed() }))
})

test('any world reads the same samples: sample k is rank k mod world', async () => {
  const path = feedDir('best-fit')
  const whole = await readAll(path)
  for (const world of [2, 3, 4, 6, 12]) {
    const ranks = await Promise.all(Array.from({ length: world }, (_, rank) => readAll(path, { rank, world })))
    for (const [step, batch] of whole.entries()) {
      const targets = ranks.flatMap(rank => [...rank[step].targets])
      const ofAll = targets.filter(target => target !== -100).length
      for (const part of [batch, ...ranks.map(rank => rank[step])]) assert.equal(part.targetsInStep, ofAll)
      for (let k = 0; k < batch.samples; k++) {
        const part = ranks[k % world][step]
        const at = Math.floor(k / world) * 16
        for (const name of ['inputIds', 'targets', 'positionIds'] as const)
          assert.deepEqual(part[name].subarray(at, at + 16), batch[name].subarray(16 * k, 16 * k + 16))
        assert.equal(part.domains[Math.floor(k / world)], batch.domains[k])
      }
    }
  }
  await assert.rejects(
    readAll(path, { world: 5 }),
    /12 samples, which 5 ranks can't share; use one of 1, 2, 3, 4, 6, 12/,
  )
  for (const bad of [{ rank: 2, world: 2 }, { rank: -1 }, { world: 0 }, { rank: 0.5 }])
    await assert.rejects(readAll(path, bad), { code: 'bad-option' })
})

test('a reader goes on from its state, with another world too, and counts only what it handed out', async () => {
  const path = feedDir('concatenate')
  const whole = await readAll(path)
  for (const stop of sweep(0, whole.length)) {
    const reader = readFeed(path, { world: 2 })
    let handed = 0
    if (stop > 0) for await (const _ of reader) if (++handed === stop) break
    const state = reader.state() ?? { feed: headOf(path).feed, step: 0, digest: headOf(path).feed }
    assert.deepEqual([state.step, handed], [stop, stop])
    assert.deepEqual(await readAll(path, { from: JSON.parse(JSON.stringify(state)) }), whole.slice(stop))
    assert.deepEqual(await readAll(path, { from: stop }), whole.slice(stop))
  }
})

test('a resumed reader stands where it was resumed before it reads; no position is not the beginning', async () => {
  const path = feedDir('concatenate')
  const [first] = await readAll(path)
  const state: FeedState = { feed: headOf(path).feed, step: 1, digest: first.digest }
  const resumed = readFeed(path, { from: state })
  assert.deepEqual(resumed.state(), state)
  for await (const { step } of resumed) if (step === 1) break
  assert.equal(resumed.state()?.step, 2)
  for (const from of [undefined, 0, 3]) {
    const reader = readFeed(path, from === undefined ? {} : { from })
    assert.equal(reader.state(), null)
    for (const nowhere of [null, undefined])
      assert.throws(() => readFeed(path, { from: nowhere as unknown as FeedState }), {
        code: 'bad-option',
        message: /'from' (null|undefined): give .*; no position was saved: leave it out to begin with the first step/,
      })
  }
})

test("another feed's state, another history's and one of the future are refused", async () => {
  const path = feedDir('concatenate')
  const reader = readFeed(path)
  for await (const { step } of reader) if (step === 2) break
  const state = reader.state() as FeedState
  const cases: [FeedState | number, string, RegExp][] = [
    [{ ...state, feed: headOf(feedDir('mixture')).feed }, 'bad-option', /is of feed/],
    [{ ...state, digest: '0'.repeat(64) }, 'bad-option', /another history/],
    [{ ...state, step: 2 }, 'bad-option', /another history/],
    [{ ...state, step: 1e6 }, 'not-found', /after the/],
    [-1, 'bad-option', /'from' -1: give the number of a step/],
  ]
  for (const [from, code, message] of cases) await assert.rejects(readAll(path, { from }), { code, message })
})

test('bits flipped in shards, blocks and the ledger: none reaches a trainer', async () => {
  const path = join(dir, 'flipped', 'feed')
  cpSync(feedDir('concatenate'), path, { recursive: true })
  cpSync(join(dir, 'shards'), join(path, '..', 'shards'), { recursive: true })
  const whole = await readAll(path)
  const draw = drawFrom(seed)
  const filesOf = (folder: string) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .map(name => join(folder, name))
      .filter(name => /\.(arrow|jsonl)$/.test(name))
  const kinds = ['../shards', 'blocks', 'steps'].map(folder => filesOf(join(path, folder)))
  const isFound = (verify: 'files' | 'pieces' | 'off') =>
    readAll(path, { verify }).then(
      batches => {
        // Ids alone are bound by nothing but the shard's own hash.
        const tokensOf = (batch: FeedBatch) => ({ ...batch, documents: [] })
        if (verify === 'pieces') assert.deepEqual(batches.map(tokensOf), whole.map(tokensOf))
        return false
      },
      error => {
        // Unless it is hashed, a block may name a shard that is not there.
        assert.ok(error.code === 'corrupt' || (verify === 'off' && error.code === 'not-found'), String(error))
        return true
      },
    )
  const found = { files: 0, pieces: 0, off: 0 }
  const flips = process.env.CI ? 200 : 40
  for (let flip = 0; flip < flips; flip++) {
    const files = kinds[flip % kinds.length]
    const file = files[draw(files.length)]
    const bytes = readFileSync(file)
    const bit = draw(8 * bytes.length)
    const changed = Buffer.from(bytes)
    changed[bit >> 3] ^= 1 << (bit & 7)
    writeFileSync(file, changed)
    for (const verify of ['files', 'pieces', 'off'] as const) if (await isFound(verify)) found[verify]++
    writeFileSync(file, bytes)
  }
  assert.equal(found.files, flips, `seed ${seed}`)
  assert.ok(found.pieces > found.off, JSON.stringify(found))
})

test('damage is found: ledger, block, shard', async () => {
  const copy = (name: string) => {
    const to = join(dir, `damaged-${name}`, 'feed')
    cpSync(feedDir('concatenate'), to, { recursive: true })
    cpSync(join(dir, 'shards'), join(to, '..', 'shards'), { recursive: true })
    return to
  }
  const ledger = copy('ledger')
  const path = join(ledger, ledgerPath(0, 5))
  writeFileSync(path, readFileSync(path, 'utf8').replace('"from":', '"from" :'))
  await assert.rejects(readAll(ledger), { code: 'corrupt' })
  const shard = copy('shard')
  const file = join(shard, '..', 'shards', corpus.entries[0].path)
  const bytes = readFileSync(file)
  bytes[bytes.indexOf(Buffer.from(Int32Array.of(5).buffer))] ^= 1
  writeFileSync(file, bytes)
  await assert.rejects(readAll(shard, { verify: 'files' }), { code: 'corrupt' })
  truncateSync(file, bytes.length - 4)
  await assert.rejects(readAll(shard), { code: 'corrupt' })
  await assert.rejects(readAll(join(dir, 'nothing')), { code: 'not-found' })
})

test('a follower reads steps as they are published and ends with the feed', async () => {
  const path = feedDir('followed')
  const follower = readAll(path, { follow: true, pollMs: 1 })
  {
    await using feed = await openFeed(path, options, origin)
    for (const entry of corpus.entries) await feed.addManifest(entry)
    await feed.end()
  }
  assert.deepEqual(await follower, await readAll(feedDir('concatenate')))
  const stop = new AbortController()
  const waiting = readAll(feedDir('never'), { follow: true, signal: stop.signal })
  stop.abort()
  assert.deepEqual(await waiting, [])
})

test('a follower says what it waited for in vain, and waits where the head is away or half there', async () => {
  const waiting = { follow: true, pollMs: 1, timeoutMs: 20 }
  await assert.rejects(readAll(feedDir('never'), waiting), {
    code: 'not-found',
    message: /waited 0 s for the feed in .*\(head\.json is missing\): see whether its run is at work, or .* timeoutMs/,
  })
  const path = join(makeFolder('open'), 'feed')
  cpSync(feedDir('concatenate'), path, { recursive: true })
  cpSync(join(dir, 'shards'), join(path, '..', 'shards'), { recursive: true })
  const file = join(path, 'head.json')
  const head = headOf(path)
  const whole = JSON.stringify(head)
  writeFileSync(file, JSON.stringify({ ...head, ended: false }))
  await assert.rejects(readAll(path, waiting), { message: /for step \d+ of .* \(it has \d+ steps and has not ended\)/ })
  const states: [text: string | null, fault: RegExp][] = [
    [whole.slice(0, 40), /head\.json is not whole/],
    [null, /head\.json is missing/],
  ]
  for (const [text, fault] of states) {
    if (text === null) rmSync(file)
    else writeFileSync(file, text)
    await assert.rejects(readAll(path, waiting), { message: fault })
    const patient = readAll(path, { follow: true, pollMs: 1 })
    await turn()
    writeFileSync(`${file}.new`, whole)
    renameSync(`${file}.new`, file)
    assert.equal((await patient).length, head.steps)
  }
  writeFileSync(file, whole.slice(0, 40))
  await assert.rejects(readAll(path), { code: 'corrupt' })
})

test('the Python client gives the same batches', { skip: skipWithout('pyarrow', 'numpy') }, async () => {
  await comparePython(makeFolder('python-dumps'), Object.keys(variants).map(feedDir), 3)
})

test('the Python client reads any step for any rank of any world', {
  skip: skipWithout('pyarrow', 'numpy'),
}, async () => {
  const feeds = Object.keys(variants).map(feedDir)
  await comparePythonAnywhere(makeFolder('python-anywhere'), feeds, drawFrom(seed), 20)
})

test('of the Python client only FeedError comes, and no step twice', { skip: skipWithout('pyarrow', 'numpy') }, () => {
  const script = join(import.meta.dirname, '..', 'python', 'test_faults.py')
  const args = [script, feedDir('concatenate'), join(dir, 'shards'), makeFolder('python-faults'), String(seed)]
  const { status, stderr } = spawnSync(python, args, { encoding: 'utf8' })
  assert.equal(status, 0, `seed ${seed}: ${stderr}`)
})
