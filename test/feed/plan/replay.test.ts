import assert from 'node:assert/strict'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { changeSettings } from '../../../src/feed/change/settings.ts'
import { BlockFile } from '../../../src/feed/files/block-file.ts'
import { readControls } from '../../../src/feed/files/control-file.ts'
import { type Head, readHead } from '../../../src/feed/files/head.ts'
import { LedgerReader } from '../../../src/feed/files/ledger.ts'
import type { Step } from '../../../src/feed/files/steps.ts'
import { type FeedOptions, type ReplayOptions, resolveFeedOptions } from '../../../src/feed/options.ts'
import type { ControlEntry } from '../../../src/feed/plan/control.ts'
import { type FeedOrigin, openFeed, reopenFeed } from '../../../src/feed/publish.ts'
import { readFeed } from '../../../src/feed/read.ts'
import { makeFolder } from '../../temporary.ts'
import { type Corpus, snapshot, writeCorpus } from '../corpus.ts'

const dir = makeFolder('again')
const origin: FeedOrigin = {
  run: 'test',
  shards: join(dir, 'shards'),
  tokenizer: 't',
  fingerprint: 'f',
  endOfText: 0,
  segmentSteps: 32,
}
const base: FeedOptions = { length: 16, batch: 16, blockTokens: 1500 }
let corpus: Corpus
let folders = 0
const newFolder = () => join(dir, `feed-${folders++}`)

before(async () => {
  corpus = await writeCorpus(dir, { domains: ['code', 'en'], shards: 40, rows: 20, tokensMax: 60, seed: 31 })
})

/** Publishes all shards, asked for steps after every `stride` of them. */
async function publish(
  path: string,
  options: Partial<FeedOptions>,
  controls: readonly ControlEntry[] = [],
  onEffect?: (effect: string) => void,
): Promise<Head> {
  await using feed = await openFeed(path, { ...base, ...options }, { ...origin, ...(onEffect && { onEffect }) })
  const known = (await readControls(path)).length
  for (const entry of controls.slice(known)) await feed.control(entry)
  for (const entry of corpus.entries) await feed.addManifest(entry)
  await feed.end()
  return feed.head
}

async function readSteps(path: string): Promise<Step[]> {
  const head = (await readHead(path))!
  const ledger = new LedgerReader(path, head)
  const steps: Step[] = []
  for (let step = 0; step < head.steps; step++) steps.push(await ledger.open(step))
  return steps
}

const domainOf = (id: string) => id.slice(0, id.indexOf('/'))

/** What an onlooker counts of a feed that reads all of it: by domain the tokens that came again, and how often one did at most. */
interface Seen {
  readonly fed: Map<string, number>
  readonly again: Map<string, number>
  readonly times: Map<number, number>
  /** Of each step, its tokens and those of them that came again. */
  readonly steps: { tokens: number; again: number; samples: number }[]
}

/** Throws where a sample has tokens that came before and others that did not, or that are of the same step. */
async function look(path: string): Promise<Seen> {
  const seen: Seen = { fed: new Map(), again: new Map(), times: new Map(), steps: [] }
  const add = (counts: Map<string, number>, name: string, count: number) =>
    counts.set(name, (counts.get(name) ?? 0) + count)
  for await (const { inputIds, cuSeqlens, documents, length, samples, step } of readFeed(path)) {
    const before = new Map(seen.times)
    const rows = Array.from({ length: samples }, () => new Set<number>())
    const counts = { tokens: 0, again: 0, samples: 0 }
    for (const [span, id] of documents.entries()) {
      if (id === '') continue
      const ids = inputIds.subarray(cuSeqlens[span], cuSeqlens[span + 1])
      const isAgain = before.has(ids[0])
      for (const token of ids) {
        assert.equal(before.has(token), isAgain, `step ${step}: a part of a piece came before`)
        seen.times.set(token, (seen.times.get(token) ?? 0) + 1)
      }
      rows[Math.floor(cuSeqlens[span] / length)].add(Number(isAgain))
      add(isAgain ? seen.again : seen.fed, domainOf(id), ids.length)
      counts.tokens += ids.length
      if (isAgain) counts.again += ids.length
    }
    assert.ok(
      rows.every(kinds => kinds.size === 1),
      `step ${step}: a sample is new or comes again`,
    )
    counts.samples = rows.filter(kinds => kinds.has(1)).length
    seen.steps.push(counts)
  }
  return seen
}

const cases: [name: string, options: Partial<FeedOptions>, controls?: readonly ControlEntry[]][] = [
  ['all domains', { replay: { share: 0.2 } }],
  ['one domain', { replay: { share: 0.1, from: ['en'] } }],
  ['a mixture', { mixture: { code: 1, en: 4 }, dry: 'renormalise', replay: { share: 0.25 } }],
  ['a domain that is fed no more', { replay: { share: 0.1, from: ['code'] } }, [{ step: 40, mixture: { en: 1 } }]],
  ['short samples', { packing: 'best-fit', replay: { share: 0.3 } }],
  ['from a step on', {}, [{ step: 30, replay: { share: 0.2 } }]],
  ['to a step', { replay: { share: 0.2 } }, [{ step: 60, replay: null }]],
  ['longer samples', { replay: { share: 0.2 } }, [{ step: 50, length: 64, batch: 4 }]],
]
for (const [name, options, controls = []] of cases)
  test(`a share of each step is drawn again, and counted: ${name}`, async () => {
    const path = newFolder()
    const head = await publish(path, options, controls)
    const seen = await look(path)
    const { replay } = { ...options, ...controls.find(entry => entry.replay) } as { replay: ReplayOptions }
    const { share, from = ['code', 'en'], repeatsMax = 3 } = replay
    assert.ok([...seen.again.keys()].every(domain => from!.includes(domain)))
    for (const [token, times] of seen.times) assert.ok(times <= 1 + repeatsMax, `token ${token} came ${times} times`)
    for (const [domain, tokens] of seen.again) assert.equal(head.replayed![domain].tokens, tokens)
    const begin = seen.steps.findIndex(({ again }) => again > 0)
    const end = controls.find(entry => entry.replay === null)?.step ?? seen.steps.length
    assert.ok(begin >= 0 && begin < end - 20, `from step ${begin} on`)
    assert.ok(begin >= (controls.find(entry => entry.replay)?.step ?? 0))
    let [all, again] = [0, 0]
    for (const [step, counts] of seen.steps.slice(begin, end).entries()) {
      all += counts.tokens
      again += counts.again
      // Each of what gives is within a sample of its weight.
      const lengthMax = controls.some(({ length }) => length) ? 64 : 16
      assert.ok(Math.abs(share * all - again) <= 2 * lengthMax, `step ${begin + step}: ${again} of ${all}`)
    }
    assert.ok(seen.steps.slice(end).every(counts => counts.again === 0))
    // What is new comes as without it: every token once, but those that no step holds.
    const left = Object.values(head.leftover).reduce((sum, { tokens }) => sum + tokens, 0)
    const tokens = [...corpus.documents.values()].reduce((sum, document) => sum + document.length, 0)
    assert.equal([...seen.fed.values()].reduce((sum, count) => sum + count, 0) + left, tokens)
    const totals = (await readSteps(path)).at(-1)!.totals
    for (const [domain, count] of seen.fed) assert.equal(totals[domain].tokens, count + (seen.again.get(domain) ?? 0))
  })

test('all blocks are drawn again before any is a second time, each in another order, and none more often than it may', async () => {
  const path = newFolder()
  await publish(path, { replay: { share: 0.6, repeatsMax: 2 } })
  const times = new Map<string, Map<number, number>>(['code', 'en'].map(domain => [domain, new Map()]))
  let twice = 0
  for (const { domains } of await readSteps(path))
    for (const [domain, ranges] of Object.entries(domains))
      for (const { block, epoch, from } of ranges) {
        const known = times.get(domain)!
        if (epoch === 0) for (let before = 0; before < block; before++) known.set(before, known.get(before) ?? 0)
        if (epoch === 0 || from > 0) continue
        known.set(block, known.get(block) ?? 0)
        assert.deepEqual([known.get(block), Math.min(...known.values())], [epoch - 1, epoch - 1], `${domain} ${block}`)
        known.set(block, epoch)
        if (epoch === 2) twice++
      }
  assert.ok(twice > 5, `${twice} blocks twice`)
  const orders = [0, 1, 2].map(epoch => {
    using block = new BlockFile(path, { domain: 'en', number: 0, epoch })
    return String(block.read(0, block.samples).start)
  })
  assert.equal(new Set(orders).size, 3)
})

test('what waits for shards, is stopped anywhere or planned again gives the same feed', async () => {
  const options = { replay: { share: 0.2 }, mixture: { code: 1, en: 2 }, dry: 'renormalise' } as const
  const controls: ControlEntry[] = [{ step: 40, length: 32, batch: 8 }]
  const whole = newFolder()
  let effects = 0
  await publish(whole, options, controls, () => {
    effects++
  })
  const expected = await snapshot(whole)
  for (const at of [5, 17, 40, 80, 120, 200].filter(effect => effect < effects)) {
    const path = newFolder()
    let left = at
    const crash = () => {
      if (left-- === 0) throw new RangeError('crash')
    }
    await assert.rejects(publish(path, options, controls, crash), RangeError)
    await publish(path, options, controls)
    assert.deepEqual(await snapshot(path), expected, `stopped at effect ${at}`)
  }
  const late = newFolder()
  {
    await using feed = await openFeed(late, { ...base, ...options }, origin)
    for (const entry of controls) await feed.control(entry)
    for (const entry of corpus.entries.slice(0, 25)) await feed.addManifest(entry)
  }
  await publish(late, options, controls)
  assert.deepEqual(await snapshot(late), expected)
})

test('a feed without it is what it was, and a change that fits in no feed is refused', async () => {
  const { replay, ...without } = resolveFeedOptions('a feed', { ...base, replay: null }) as FeedOptions
  assert.deepEqual(replay, undefined)
  assert.deepEqual(without, resolveFeedOptions('a feed', base))
  const refused: [Partial<FeedOptions>, RegExp][] = [
    [{ replay: { share: 0 } }, /'share' is 0: give a number above 0 and below 1/],
    [{ replay: { share: 1 } }, /'share' is 1: give/],
    [{ replay: { share: 0.1, repeatsMax: 0 } }, /'repeatsMax' is 0: give a whole number from 1/],
    [{ replay: { share: 0.1, from: [] } }, /'from' is \[\]: give a list of at least 1/],
    [{ replay: { share: 0.1, form: ['a'] } as never }, /it has no 'form'/],
    [{ replay: 0.1 as never }, /'replay' 0\.1: give a share/],
    [{ replay: { share: 0.1 }, dry: 'repeat' }, /'dry' "repeat", which both feed documents again: give one of them/],
  ]
  for (const [options, says] of refused) await assert.rejects(publish(newFolder(), options), says)
  const path = newFolder()
  await publish(path, { dry: 'repeat', repeatMax: 2 })
  await using feed = await reopenFeed(path)
  const order = { id: 'a', step: null, who: 'ann@mill', at: '2026-01-02T03:04:05.678Z', note: null }
  await assert.rejects(changeSettings(feed, path, { ...order, change: { replay: { share: 0.1 } } }), /which both feed/)
})

test('a fork that passes over steps counts what it was given again', async () => {
  const path = newFolder()
  const controls: ControlEntry[] = [{ step: 30, fork: { feed: 'f', skip: [30, 49] } }]
  const head = await publish(path, { replay: { share: 0.3 } }, controls)
  const steps = await readSteps(path)
  const whole = newFolder()
  await publish(whole, { replay: { share: 0.3 } })
  const planned = await readSteps(whole)
  const rangesOf = (list: readonly Step[]) => list.map(({ domains }) => ({ ...domains }))
  assert.deepEqual(rangesOf(steps), rangesOf([...planned.slice(0, 30), ...planned.slice(50)]))
  const again = steps.flatMap(({ domains }) => Object.values(domains).flat()).filter(({ epoch }) => epoch > 0)
  assert.equal(
    Object.values(head.replayed!).reduce((sum, { samples }) => sum + samples, 0),
    again.reduce((sum, { from, to }) => sum + to - from, 0),
  )
})
