import assert from 'node:assert/strict'
import { cpSync, existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { changeSettings, findReplaced, publishedTokens, type SettingsOrder } from '../../../src/feed/change/settings.ts'
import { readControls } from '../../../src/feed/files/control-file.ts'
import { type Head, readHead } from '../../../src/feed/files/head.ts'
import { LedgerReader } from '../../../src/feed/files/ledger.ts'
import type { Step } from '../../../src/feed/files/steps.ts'
import type { FeedOptions } from '../../../src/feed/options.ts'
import { type ControlEntry, type SettingsChange, settingsAt } from '../../../src/feed/plan/control.ts'
import { type FeedOrigin, type FeedPublisher, openFeed, reopenFeed } from '../../../src/feed/publish.ts'
import { skipWithout } from '../../python/python.ts'
import { makeFolder } from '../../temporary.ts'
import { type Corpus, snapshot, writeCorpus } from '../corpus.ts'
import { comparePython } from '../python.ts'

const dir = makeFolder('settings')
const options: FeedOptions = { length: 16, batch: 16, blockTokens: 4000, mixture: { code: 1, en: 2, zh: 1 } }
const origin: FeedOrigin = {
  run: 'test',
  shards: join(dir, 'shards'),
  tokenizer: 't',
  fingerprint: 'f',
  segmentSteps: 64,
}
let corpus: Corpus
let folders = 0
const newFolder = () => join(dir, `feed-${folders++}`)

before(async () => {
  corpus = await writeCorpus(dir, { domains: ['code', 'en', 'zh'], shards: 80, rows: 100, seed: 17 })
})

const order = (change: SettingsChange, more: Partial<SettingsOrder> = {}): SettingsOrder => {
  return {
    id: `order-${folders++}`,
    step: null,
    change,
    who: 'ann@mill',
    at: '2026-01-02T03:04:05.678Z',
    note: 'why',
    ...more,
  }
}

/** Gives a feed that is open the shards from one on, as they come. */
async function addShards(feed: FeedPublisher, from: number, to = corpus.entries.length): Promise<void> {
  for (const entry of corpus.entries.slice(from, to)) await feed.addManifest(entry)
  if (to === corpus.entries.length) await feed.end()
}

/** Publishes what so many shards give, new or gone on with, as a start of the run does. */
async function publish(to: string, shards = corpus.entries.length, onEffect?: (effect: string) => void): Promise<void> {
  await using feed = await openFeed(to, options, { ...origin, ...(onEffect && { onEffect }) })
  await addShards(feed, 0, shards)
}

async function readSteps(path: string): Promise<Step[]> {
  const head = (await readHead(path))!
  const ledger = new LedgerReader(path, head)
  const steps: Step[] = []
  for (let step = 0; step < head.steps; step++) steps.push(await ledger.open(step))
  return steps
}

/** Lines of the ledger up to a step, as they stand. */
async function readLines(path: string, to: number): Promise<string[]> {
  const ledger = new LedgerReader(path, (await readHead(path))!)
  const lines: string[] = []
  for (let step = 0; step < to; step++) lines.push(await ledger.read(step))
  return lines
}

/** Tokens of each domain in steps from one on, as shares. */
function sharesOf(steps: readonly Step[], from: number, count: number): Map<string, number> {
  const totals = (at: number) => new Map(Object.entries(at < 0 ? {} : steps[at].totals))
  const [first, last] = [totals(from - 1), totals(from + count - 1)]
  const given = Array.from(last, ([name, { tokens }]) => [name, tokens - (first.get(name)?.tokens ?? 0)] as const)
  const sum = given.reduce((total, [, tokens]) => total + tokens, 0)
  return new Map(given.map(([name, tokens]) => [name, tokens / sum]))
}

function checkShares(steps: readonly Step[], from: number, weights: Readonly<Record<string, number>>): void {
  const shares = sharesOf(steps, from, 100)
  for (const [name, weight] of Object.entries(weights))
    assert.ok(Math.abs((shares.get(name) ?? 0) - weight) < 0.002, `${name}: ${shares.get(name)} of ${weight}`)
}

/** Files that are not the same in both. */
function differing(one: Readonly<Record<string, string>>, other: Readonly<Record<string, string>>): string[] {
  return [...new Set([...Object.keys(one), ...Object.keys(other)])].filter(name => one[name] !== other[name])
}

/** Throws unless the feed is, byte for byte, what its control entries and the shards give from the first on. */
async function checkReplanned(path: string): Promise<void> {
  const again = newFolder()
  await publish(again, 0)
  cpSync(join(path, 'control.json'), join(again, 'control.json'))
  await publish(again)
  const made = await snapshot(again)
  const there = await snapshot(path)
  // What was cut for a step that was tried before an entry came may be in none.
  const known = Object.entries(there).filter(([name]) => name in made || !name.startsWith('blocks/'))
  assert.deepEqual(differing(Object.fromEntries(known), made), [])
}

const newMixture = { code: 0.5, en: 0.2, zh: 0.3 }

test('a mixture changes from its step on: in a feed that is open, and in one that was stopped', async () => {
  const whole = newFolder()
  await publish(whole)
  for (const isLive of [true, false]) {
    const path = newFolder()
    await using feed = await openFeed(path, options, origin)
    await addShards(feed, 0, 40)
    const { steps: published } = feed.head
    if (!isLive) await feed[Symbol.asyncDispose]()
    await using open = isLive ? feed : await reopenFeed(path)
    const changed = await changeSettings(open, path, order({ mixture: newMixture }))
    // The next step was tried by who has the feed open.
    assert.deepEqual(changed, { step: published + (isLive ? 1 : 0), isNew: true })
    await addShards(open, isLive ? 40 : 0)
    assert.deepEqual(await readLines(path, changed.step), await readLines(whole, changed.step))
    const steps = await readSteps(path)
    assert.ok(steps.length > changed.step + 100 && changed.step > 60, `${steps.length} steps`)
    checkShares(steps, changed.step, newMixture)
    assert.throws(() => checkShares(steps, changed.step - 50, newMixture))
    checkShares(steps, 0, { code: 0.25, en: 0.5, zh: 0.25 })
    await checkReplanned(path)
    assert.deepEqual(
      (await readControls(path)).map(({ id, ...entry }) => entry),
      [{ step: changed.step, mixture: newMixture, who: 'ann@mill', at: '2026-01-02T03:04:05.678Z', note: 'why' }],
    )
  }
})

test('a batch changes from its step on, and a later entry takes its place', async () => {
  const path = newFolder()
  await publish(path, 40)
  const { steps: published } = (await readHead(path))!
  {
    await using feed = await reopenFeed(path)
    await changeSettings(feed, path, order({ batch: 24 }, { step: published + 5 }))
    await changeSettings(feed, path, order({ batch: 8 }, { step: published + 9 }))
  }
  await publish(path)
  const steps = await readSteps(path)
  const at = (step: number) => (step < published + 5 ? 16 : step < published + 9 ? 24 : 8)
  assert.deepEqual(
    steps.map(({ samples }) => samples),
    steps.map(({ step }) => at(step)),
  )
  assert.ok(steps.length > published + 20)
  await checkReplanned(path)
})

/** What a head says of its end. */
const endOf = ({ ended, endedBy, leftover }: Head) => [ended, endedBy, Object.keys(leftover).length > 0]

test('a budget ends a feed with the last whole step within it, and a raised one goes on', async () => {
  const whole = newFolder()
  await publish(whole)
  const all = await readSteps(whole)
  const upTo = (steps: number) => all.slice(0, steps).reduce((sum, { tokens }) => sum + tokens, 0)
  // Exactly so many tokens are within it, and one less is not.
  for (const [budget, steps] of [
    [upTo(30), 30],
    [upTo(30) - 1, 29],
    [upTo(31) - 1, 30],
  ]) {
    const path = newFolder()
    await using feed = await openFeed(path, options, origin)
    await changeSettings(feed, path, order({ budget }))
    await addShards(feed, 0, 30)
    assert.deepEqual([feed.head.steps, ...endOf(feed.head)], [steps, true, 'budget', false], 'shards are still to come')
    assert.equal(await publishedTokens(path, feed.head), upTo(steps))
    // What was tried may get another budget at once.
    const raised = await changeSettings(feed, path, order({ budget: upTo(steps + 10) }))
    assert.deepEqual(raised, { step: steps, isNew: true })
    await feed.planOn()
    assert.deepEqual([feed.head.steps, ...endOf(feed.head)], [steps + 10, true, 'budget', false])
    await addShards(feed, 30)
    assert.deepEqual([feed.head.steps, ...endOf(feed.head)], [steps + 10, true, 'budget', true])
    await checkReplanned(path)
    {
      await using again = await reopenFeed(path)
      await changeSettings(again, path, order({ budget: null }))
      await addShards(again, 0)
      assert.deepEqual(endOf(again.head), [true, undefined, true])
      assert.equal('endedBy' in again.head, false)
    }
    // The steps are those without a budget, but that they count other entries.
    assert.deepEqual(
      (await readSteps(path)).map(({ domains }) => domains),
      all.map(({ domains }) => domains),
    )
    await checkReplanned(path)
  }
})

test('what an ended feed leaves by its budget is all that its shards hold beyond its steps', async () => {
  const path = newFolder()
  await publish(path, 0)
  {
    await using feed = await openFeed(path, options, origin)
    await changeSettings(feed, path, order({ budget: 5000 }))
  }
  await publish(path)
  const head = (await readHead(path))!
  const [last] = (await readSteps(path)).slice(-1)
  const tokens = new Map<string, number>()
  for (const entry of corpus.entries) tokens.set(entry.domain, (tokens.get(entry.domain) ?? 0) + entry.tokens)
  assert.equal(head.endedBy, 'budget')
  assert.deepEqual(
    Object.fromEntries(Object.entries(head.leftover).map(([name, left]) => [name, left.tokens])),
    Object.fromEntries(Array.from(tokens, ([name, all]) => [name, all - (last.totals[name]?.tokens ?? 0)])),
  )
})

test('what is in force is recorded once, and a later entry of the same option is no reason to leave it out', async () => {
  const path = newFolder()
  await publish(path, 40)
  await using feed = await reopenFeed(path)
  const { steps } = feed.head
  const cases: [change: SettingsChange, step: number | null, expected: { step: number; isNew: boolean }][] = [
    [{ batch: 16 }, null, { step: steps, isNew: false }],
    [{ mixture: { zh: 1, en: 2, code: 1 } }, null, { step: steps, isNew: false }],
    [{ budget: null }, null, { step: steps, isNew: false }],
    [{ batch: 8 }, steps + 4, { step: steps + 4, isNew: true }],
    [{ batch: 8 }, steps + 4, { step: steps + 4, isNew: false }],
    [{ batch: 8 }, steps + 6, { step: steps + 6, isNew: false }],
    [{ batch: 16 }, steps + 2, { step: steps + 2, isNew: true }],
    [{ mixture: null }, steps, { step: steps, isNew: true }],
  ]
  let entries = 0
  for (const [change, step, expected] of cases) {
    assert.deepEqual(await changeSettings(feed, path, order(change, { step })), expected, JSON.stringify(change))
    entries += Number(expected.isNew)
    assert.equal((await readControls(path)).length, entries)
  }
  // The same order is one entry, whatever came behind it.
  const once = order({ batch: 32 }, { id: 'once' })
  for (let i = 0; i < 2; i++) {
    assert.deepEqual(await changeSettings(feed, path, once), { step: steps, isNew: true })
    await changeSettings(feed, path, order({ batch: 40 + i }))
  }
  assert.equal((await readControls(path)).filter(({ id }) => id === 'once').length, 1)
})

test('a step of the past, a passed budget and values that are none are refused with what would do', async () => {
  const path = newFolder()
  await publish(path, 40)
  await using feed = await reopenFeed(path)
  const { steps } = feed.head
  const tokens = await publishedTokens(path, feed.head)
  const cases: [SettingsChange, number | null, RegExp][] = [
    [{ batch: 8 }, steps - 1, new RegExp(`step ${steps - 1} can't be changed.* name step ${steps} or a later one`)],
    [{ mixture: newMixture }, 0, new RegExp(`step 0 can't be changed.* name step ${steps} or a later one`)],
    [{ budget: tokens - 1 }, null, new RegExp(`${tokens - 1} tokens is passed: the ${steps} steps .* hold ${tokens};`)],
    [{ batch: 0 }, null, /'batch'.* 0/],
    [{ batch: 1.5 }, null, /'batch'.* 1\.5/],
    [{ mixture: { en: 0 } }, null, /'mixture'/],
    [{ mixture: { en: -1, zh: 1 } }, null, /'en' is -1/],
    [{ mixture: { en: Number.NaN, zh: 1 } }, null, /'en' is NaN/],
    [{ budget: 1e30 }, null, /'budget'/],
  ]
  const files = await snapshot(path)
  for (const [change, step, message] of cases)
    await assert.rejects(
      changeSettings(feed, path, order(change, { step })),
      { code: 'bad-option', message },
      JSON.stringify(change),
    )
  assert.deepEqual(differing(await snapshot(path), files), [])
})

class Crash extends Error {}

test('a death before any effect, and then the same order again, gives the same feed', async () => {
  const stopped = newFolder()
  await publish(stopped, 40)
  const ended = newFolder()
  await publish(ended, 0)
  {
    await using feed = await openFeed(ended, options, origin)
    await changeSettings(feed, ended, order({ budget: 20_000 }, { id: 'first' }))
  }
  await publish(ended)
  const cases: [from: string, shards: number, change: SettingsChange][] = [
    [stopped, 40, { mixture: newMixture }],
    [ended, corpus.entries.length, { budget: 30_000 }],
  ]
  for (const [from, shards, change] of cases) {
    const once = order(change)
    /** Records it and goes on, as the command does with a feed that has ended; dies before effect number `fatal`. */
    const apply = async (path: string, fatal = Number.POSITIVE_INFINITY) => {
      let effects = 0
      const onEffect = () => {
        if (effects++ === fatal) throw new Crash()
      }
      try {
        await using feed = await reopenFeed(path, onEffect)
        await changeSettings(feed, path, once)
        if (shards === corpus.entries.length) await addShards(feed, 0)
        return true
      } catch (error) {
        if (error instanceof Crash) return false
        throw error
      }
    }
    const copy = (path: string) => {
      const to = newFolder()
      cpSync(path, to, { recursive: true })
      return to
    }
    const expected = copy(from)
    assert.ok(await apply(expected))
    const files = await snapshot(expected)
    assert.notDeepEqual(differing(files, await snapshot(from)), [])
    let points = 0
    for (; ; points++) {
      const path = copy(from)
      const isWhole = await apply(path, points)
      await apply(path)
      assert.deepEqual(differing(await snapshot(path), files), [], `effect ${points}`)
      rmSync(path, { recursive: true })
      if (isWhole) break
    }
    assert.ok(points >= (from === ended ? 8 : 3), `${points} points`)
  }
})

test('the Python reader gives a changed feed as the reader in TypeScript does', {
  skip: skipWithout('pyarrow', 'numpy'),
}, async () => {
  const path = newFolder()
  await publish(path, 30)
  {
    await using feed = await reopenFeed(path)
    await changeSettings(feed, path, order({ mixture: newMixture }))
    await changeSettings(feed, path, order({ batch: 8 }, { step: feed.head.steps + 3 }))
    await changeSettings(feed, path, order({ budget: 40_000 }))
  }
  await publish(path)
  assert.equal((await readHead(path))!.endedBy, 'budget')
  const dumps = makeFolder('settings-dumps')
  await comparePython(dumps, [path], 4)
  assert.ok(existsSync(dumps))
})

test('of entries for the same option the last recorded holds, and it says which it replaced before they came into force', () => {
  const entries: ControlEntry[] = [
    { id: 'a', step: 20, mixture: { en: 1 } },
    { id: 'b', step: 20, batch: 2 },
    { id: 'c', step: 5, mixture: { zh: 1 } },
    { id: 'd', step: 10, mixture: null },
  ]
  const stepsOf = (id: string, of = entries) => findReplaced(of, id).map(entry => entry.id)
  assert.deepEqual(
    ['a', 'b', 'c', 'd', 'none'].map(id => stepsOf(id)),
    [[], [], ['a'], ['a'], []],
  )
  for (const [step, mixture] of [
    [4, null],
    [5, { zh: 1 }],
    [10, null],
    [20, null],
  ] as const)
    assert.deepEqual(settingsAt(step, { mixture: null, batch: 4, length: 8 }, entries).mixture, mixture, `step ${step}`)
  // An entry of before a skip names its step by the number of then.
  const skipped: ControlEntry[] = [
    { id: 'a', step: 8, batch: 2 },
    { step: 4, fork: { feed: 'f', skip: [4, 7] } },
    { id: 'b', step: 4, batch: 3 },
    { id: 'c', step: 3, batch: 3 },
  ]
  assert.deepEqual([stepsOf('b', skipped), stepsOf('c', skipped)], [[], ['a', 'b']])
})
