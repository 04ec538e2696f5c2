import assert from 'node:assert/strict'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { changeSettings } from '../../../src/feed/change/settings.ts'
import { readControls } from '../../../src/feed/files/control-file.ts'
import { readHead } from '../../../src/feed/files/head.ts'
import { LedgerReader } from '../../../src/feed/files/ledger.ts'
import type { FeedOptions } from '../../../src/feed/options.ts'
import type { ControlEntry, SettingsChange } from '../../../src/feed/plan/control.ts'
import { lengthPhases } from '../../../src/feed/plan/length.ts'
import { type FeedOrigin, openFeed, reopenFeed } from '../../../src/feed/publish.ts'
import { type FeedBatch, type ReadOptions, readFeed } from '../../../src/feed/read.ts'
import { drawFrom } from '../../random.ts'
import { makeFolder } from '../../temporary.ts'
import { type Corpus, snapshot, writeCorpus } from '../corpus.ts'

const dir = makeFolder('length')
const origin: FeedOrigin = {
  run: 'test',
  shards: join(dir, 'shards'),
  tokenizer: 't',
  fingerprint: 'f',
  endOfText: 0,
  segmentSteps: 32,
}
const base: FeedOptions = { length: 16, batch: 16, blockTokens: 4000 }
const variants: Record<string, Partial<FeedOptions>> = {
  concatenate: {},
  'best-fit': { packing: 'best-fit' },
  filled: { packing: 'best-fit-filled', cutMax: 0.1 },
  aligned: { packing: 'best-fit-filled', align: 8, cutTargets: 'next' },
  mixture: { mixture: { code: 1, en: 3 }, packing: 'best-fit', dry: 'renormalise' },
  repeat: { dry: 'repeat', repeatMax: 2, mixture: { code: 1, en: 5 } },
}
/** To longer samples, to still longer ones within the same blocks, and back to shorter ones. */
const entries: readonly ControlEntry[] = [
  { id: 'a', step: 20, length: 64, batch: 4 },
  { id: 'b', step: 24, length: 160, batch: 4 },
  { id: 'c', step: 36, length: 32, batch: 8 },
]
/** Samples one by one, so that a feed ends with the very last. */
const toTheEnd: ControlEntry = { id: 'd', step: 46, batch: 1 }
const lengthAt = (step: number) => (step < 20 ? 16 : step < 24 ? 64 : step < 36 ? 160 : 32)
let corpus: Corpus
let folders = 0
const newFolder = () => join(dir, `feed-${folders++}`)

before(async () => {
  corpus = await writeCorpus(dir, { domains: ['code', 'en'], shards: 15, rows: 30, tokensMax: 150, seed: 29 })
})

type OnEffect = (effect: string) => void

/** Publishes what so many shards give, new or gone on with. What of the controls is not recorded yet is recorded before. */
async function publish(
  path: string,
  options: Partial<FeedOptions> = {},
  controls: readonly ControlEntry[] = entries,
  onEffect?: OnEffect,
): Promise<void> {
  await using feed = await openFeed(path, { ...base, ...options }, { ...origin, ...(onEffect && { onEffect }) })
  const known = (await readControls(path)).map(({ id }) => id)
  for (const entry of controls) if (!known.includes(entry.id)) await feed.control(entry)
  for (const entry of corpus.entries) await feed.addManifest(entry)
  await feed.end()
}

async function readAll(path: string, options: ReadOptions = {}): Promise<FeedBatch[]> {
  const batches: FeedBatch[] = []
  for await (const batch of readFeed(path, options)) batches.push(batch)
  return batches
}

async function readLines(path: string, to: number): Promise<string[]> {
  const ledger = new LedgerReader(path, (await readHead(path))!)
  const lines: string[] = []
  for (let step = 0; step < to; step++) lines.push(await ledger.read(step))
  return lines
}

/** How often each token was fed. Throws unless each span has tokens of its document that follow one another. */
function countTokens(batches: readonly FeedBatch[]): Map<number, number> {
  const fed = new Map<number, number>()
  for (const { inputIds, cuSeqlens, cuSeqlensPadded, documents } of batches)
    for (const [span, id] of documents.entries()) {
      if (id === '') continue
      const from = cuSeqlensPadded[span]
      const ids = inputIds.subarray(from, from + cuSeqlens[span + 1] - cuSeqlens[span])
      const document = corpus.documents.get(id)!
      const start = document.indexOf(ids[0])
      assert.deepEqual(ids, document.subarray(start, start + ids.length), `a piece of ${id}`)
      for (const token of ids) fed.set(token, (fed.get(token) ?? 0) + 1)
    }
  return fed
}

/** Throws where two pieces of a sample are one: what was cut before is whole again in longer samples. */
function checkJoined(batches: readonly FeedBatch[]): void {
  for (const { length, inputIds, cuSeqlens, documents } of batches)
    for (let span = 1; span < documents.length; span++) {
      const at = cuSeqlens[span]
      const goesOn = at % length !== 0 && documents[span] === documents[span - 1] && documents[span] !== ''
      assert.ok(!goesOn || inputIds[at] !== inputIds[at - 1] + 1, `two pieces of ${documents[span]} are one`)
    }
}

test('the length changes at its steps, no token is lost or fed twice, and steps before are as without it', async () => {
  for (const [name, options] of Object.entries(variants)) {
    const [path, plain] = [newFolder(), newFolder()]
    await publish(path, options, [...entries, toTheEnd])
    await publish(plain, options, [])
    const head = (await readHead(path))!
    assert.ok(head.steps > 60, `${name}: ${head.steps} steps`)
    assert.deepEqual(await readLines(path, 20), await readLines(plain, 20), name)
    const batches = await readAll(path, { verify: 'files' })
    assert.equal(batches.length, head.steps)
    for (const { step, length, samples, inputIds } of batches) {
      assert.equal(length, lengthAt(step), `${name}: step ${step}`)
      assert.equal(samples, step < 20 ? 16 : step < 36 ? 4 : step < 46 ? 8 : 1)
      assert.equal(inputIds.length, samples * length)
    }
    const fed = countTokens(batches)
    const epochs = options.dry === 'repeat' ? 2 : 1
    const all = [...corpus.documents.values()].flatMap(tokens => [...tokens])
    assert.deepEqual({ ...head.leftover }, {})
    assert.deepEqual(
      all.filter(token => fed.get(token) !== epochs),
      [],
      `${name}: each token ${epochs} times`,
    )
    assert.equal(fed.size, all.length)
    if (name === 'concatenate' || name === 'best-fit') checkJoined(batches)
  }
})

test('any number of ranks, and a reader that goes on at the change, get the same samples', async () => {
  const path = newFolder()
  await publish(path, variants.aligned)
  const whole = await readAll(path)
  for (const world of [2, 4]) {
    const ranks = await Promise.all(Array.from({ length: world }, (_, rank) => readAll(path, { rank, world })))
    for (const [i, { samples, length, inputIds, targets }] of whole.entries())
      for (let sample = 0; sample < samples; sample++) {
        const [mine, row] = [ranks[sample % world][i], Math.floor(sample / world)]
        const of = (values: Int32Array, at: number) => values.subarray(at * length, (at + 1) * length)
        assert.deepEqual(of(mine.inputIds, row), of(inputIds, sample), `sample ${sample} of step ${i}`)
        assert.deepEqual(of(mine.targets, row), of(targets, sample), `targets of ${sample} of step ${i}`)
      }
  }
  for (const stop of [19, 20, 21, 24, 36]) {
    const reader = readFeed(path)
    for await (const { step } of reader) if (step === stop - 1) break
    assert.deepEqual(await readAll(path, { from: reader.state()! }), whole.slice(stop), `from step ${stop}`)
  }
})

test('readers that know of one length are kept away before the change is recorded', async () => {
  const path = newFolder()
  const versions: number[] = []
  const look = async () => {
    if ((await readControls(path)).length > 0) versions.push((await readHead(path))?.version ?? 0)
  }
  const looking: Promise<void>[] = []
  await using feed = await openFeed(path, base, {
    ...origin,
    onEffect: effect => {
      if (effect.includes('control.json')) looking.push(readHead(path).then(head => void versions.push(head!.version)))
    },
  })
  for (const entry of corpus.entries.slice(0, 8)) await feed.addManifest(entry)
  await feed.control({ step: feed.head.steps + 1, length: 32 })
  await Promise.all(looking)
  await look()
  assert.deepEqual(new Set(versions), new Set([5]))
})

class Crash extends Error {}

test('a crash before any effect on the disk, and then a restart, gives the same folder byte for byte', async () => {
  const draw = drawFrom(Math.floor(Math.random() * 2 ** 31))
  const whole = newFolder()
  let effects = 0
  await publish(whole, variants['best-fit'], entries, () => {
    effects++
  })
  const expected = await snapshot(whole)
  const points = new Set([...Array(8).keys(), ...Array.from({ length: 6 }, () => draw(effects))])
  for (const at of points) {
    const path = newFolder()
    let left = at
    const crash = () => {
      if (left-- === 0) throw new Crash()
    }
    await assert.rejects(publish(path, variants['best-fit'], entries, crash), Crash)
    await publish(path, variants['best-fit'])
    assert.deepEqual(await snapshot(path), expected, `crash at effect ${at} of ${effects}`)
  }
})

test('a live feed and one that has stopped take it at the next step, and plan it again the same', async () => {
  for (const isLive of [true, false]) {
    const [path, again] = [newFolder(), newFolder()]
    await using feed = await openFeed(path, base, origin)
    for (const entry of corpus.entries.slice(0, 8)) await feed.addManifest(entry)
    const { steps } = feed.head
    assert.ok(steps > 10)
    if (!isLive) await feed[Symbol.asyncDispose]()
    await using open = isLive ? feed : await reopenFeed(path)
    const changed = await changeSettings(open, path, order({ length: 128 }))
    assert.deepEqual(changed, { step: isLive ? steps + 1 : steps, isNew: true })
    const [entry] = await readControls(path)
    assert.deepEqual([entry.length, entry.batch], [128, 2], 'a step has as many tokens as before')
    for (const shard of corpus.entries.slice(isLive ? 8 : 0)) await open.addManifest(shard)
    await open.end()
    await publish(again, {}, [entry])
    const made = await snapshot(again)
    const there = Object.entries(await snapshot(path)).filter(([name]) => name in made || !name.startsWith('blocks/'))
    assert.deepEqual(Object.fromEntries(there), made)
    assert.equal((await readHead(path))!.version, 5, 'readers that know of one length are kept away')
  }
})

const order = (change: SettingsChange, step: number | null = null) => {
  return { id: `order-${folders++}`, step, change, who: 'ann@mill', at: '2026-01-02T03:04:05.678Z', note: null }
}

test('what a feed can not have is refused before anything is written', async () => {
  const cases: [options: Partial<FeedOptions>, change: SettingsChange, step: number | null, says: RegExp][] = [
    [{}, { length: 48 }, null, /16 samples of 16 tokens by then, and samples of 48 do not divide these 256/],
    [{}, { length: 64 }, 3, /step 3 can't be changed: the steps before \d+ are planned/],
    [{}, { length: 0 }, null, /'length'/],
    [{}, { length: 2 ** 31, batch: 1 }, null, /'length'/],
    [{ align: 8 }, { length: 20, batch: 4 }, null, /'length' 20 and 'align' 8, which does not divide it/],
  ]
  for (const [options, change, step, says] of cases) {
    const path = newFolder()
    await publish(path, options, [])
    const before = await snapshot(path)
    await using feed = await reopenFeed(path)
    await assert.rejects(changeSettings(feed, path, order(change, step)), says)
    assert.deepEqual(await snapshot(path), before)
  }
  const path = newFolder()
  await using old = await openFeed(path, base, { ...origin, ledger: 1 })
  for (const entry of corpus.entries) await old.addManifest(entry)
  await assert.rejects(changeSettings(old, path, order({ length: 32 })), /begun before their length could change/)
})

test('what is in force is not recorded again', async () => {
  const path = newFolder()
  await publish(path)
  await using feed = await reopenFeed(path)
  const { steps } = feed.head
  assert.deepEqual(await changeSettings(feed, path, order({ length: 32 })), { step: steps, isNew: false })
  assert.deepEqual(await changeSettings(feed, path, order({ length: 64 })), { step: steps, isNew: true })
  assert.deepEqual((await readControls(path)).at(-1)!.batch, 4)
})

test('phases of one length, also behind steps that a fork passes over', () => {
  const first = { length: 16, batch: 4 }
  const skip: ControlEntry = { step: 20, fork: { feed: 'f', skip: [20, 29] } }
  const cases: [controls: ControlEntry[], from: number, to: number, phases: [number, number, number][]][] = [
    [[], 0, 9, [[0, 9, 16]]],
    [
      [{ step: 4, length: 32 }],
      0,
      9,
      [
        [0, 4, 16],
        [4, 9, 32],
      ],
    ],
    [[{ step: 4, length: 32 }], 4, 9, [[4, 9, 32]]],
    [[{ step: 4, length: 32 }], 0, 4, [[0, 4, 16]]],
    [[{ step: 0, length: 32 }], 0, 4, [[0, 4, 32]]],
    [
      [
        { step: 4, length: 32 },
        { step: 4, length: 64 },
      ],
      0,
      9,
      [
        [0, 4, 16],
        [4, 9, 64],
      ],
    ],
    [
      [
        { step: 4, length: 32 },
        { step: 6, length: 16 },
      ],
      3,
      8,
      [
        [3, 4, 16],
        [4, 6, 32],
        [6, 8, 16],
      ],
    ],
    [
      [
        { step: 4, batch: 8 },
        { step: 6, length: 16 },
      ],
      0,
      8,
      [[0, 8, 16]],
    ],
    [
      [{ step: 25, length: 32 }, skip],
      0,
      30,
      [
        [0, 20, 16],
        [20, 30, 32],
      ],
    ],
    [
      [{ step: 35, length: 32 }, skip],
      0,
      30,
      [
        [0, 25, 16],
        [25, 30, 32],
      ],
    ],
  ]
  for (const [controls, from, to, phases] of cases)
    assert.deepEqual(
      lengthPhases(first, controls, from, to).map(phase => [phase.from, phase.to, phase.length]),
      phases,
    )
})
