import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { readHead } from '../../src/feed/files/head.ts'
import type { FeedOptions } from '../../src/feed/options.ts'
import { blockPath } from '../../src/feed/plan/blocks.ts'
import { encodeShardList, writeShardList } from '../../src/feed/plan/shard-list.ts'
import { readControls, reopenFeed } from '../../src/feed/publish.ts'
import { type FeedBatch, readFeed } from '../../src/feed/read.ts'
import { ShardLinks } from '../../src/promote/links.ts'
import type { PromoteOptions } from '../../src/promote/plan.ts'
import { planPromotion, promote } from '../../src/promote/promote.ts'
import { recomputePromotions } from '../../src/promote/recompute.ts'
import { RunReader } from '../../src/record/run-reader.ts'
import { Check } from '../../src/verify/check.ts'
import { findHead, verifyFeed } from '../../src/verify/feed.ts'
import type { Manifest } from '../../src/verify/shards.ts'
import { snapshot } from '../feed/corpus.ts'
import { checkTrimmed } from '../feed/trimmed.ts'
import { Random } from '../random.ts'
import { makeFolder } from '../temporary.ts'
import { domains, type MadeRun, makeDocs, makeRun, publish } from './made-runs.ts'
import { checkFed, coveredBy, type Expected, expectPromotion, readSamples, readSteps } from './oracle.ts'

/** One case: two runs over the same documents, a feed that is published up to somewhere, and a promotion that is killed now and then. */
export interface Case {
  readonly seed: number
  readonly random: Random
  readonly options: FeedOptions
  readonly a: MadeRun
  readonly b: MadeRun
  /** Where the first run stands, or undefined when it has ended. */
  readonly slots: number | undefined
  /** What the promotion is asked for. */
  readonly asked: PromoteOptions & { readonly backfill: Readonly<Record<string, string>> }
}

export async function drawCase(seed: number): Promise<Case> {
  const random = new Random(seed)
  const folder = makeFolder('promote')
  const slots = random.between(6, 24)
  const docs = makeDocs(random, slots)
  const drawRules = () => ({ threshold: random.unit() * 0.6, clusterWidth: random.pick([0, 1, 1, 2, 4]) })
  const reached = random.chance(0.4) ? undefined : random.between(1, slots - 1)
  const shardTokens = random.pick([30, 80])
  const [first, second] = ['a', 'b'].map(name => join(folder, name))
  for (const dir of [first, second]) mkdirSync(dir)
  const a = await makeRun(first, docs, drawRules(), { slots: reached, shardTokens })
  const b = await makeRun(second, docs, drawRules(), { shardTokens: random.pick([40, 90]) })
  const backfilled = domains.filter(domain => b.kept.some(doc => doc.domain === domain) && random.chance(0.5))
  const backfill = Object.fromEntries(backfilled.map(domain => [domain, `${domain} again`]))
  const options = drawOptions(random)
  const weights = options.mixture ? Object.fromEntries(Object.values(backfill).map(name => [name, 2])) : undefined
  return { seed, options, a, b, slots: reached, asked: { backfill, ...(weights && { weights }) }, random }
}

function drawOptions(random: Random): FeedOptions {
  const isMixed = random.chance(0.4)
  const weights = domains.map(name => [name, random.between(1, 4)] as const)
  return {
    length: 16,
    batch: random.pick([1, 1, 2, 3]),
    mixture: isMixed ? Object.fromEntries(weights) : null,
    packing: random.pick(['concatenate', 'best-fit'] as const),
    dry: random.pick(['renormalise', 'renormalise', 'repeat', 'wait'] as const),
    repeatMax: 2,
    seed: random.between(0, 9),
    blockTokens: random.pick([60, 200]),
  }
}

class Kill extends Error {}

/** Promotes; `fatal` is the number of the effect before which it is killed. Returns false when it was. */
async function tryPromote({ a, b, asked }: Case, fatal: number): Promise<boolean> {
  let effects = 0
  const onEffect = () => {
    if (effects++ === fatal) throw new Kill()
  }
  try {
    await promote(a.dir, b.dir, { ...asked, onEffect })
    return true
  } catch (error) {
    if (error instanceof Kill) return false
    throw error
  }
}

/** Checks all that a promotion promises on a case. Returns the figures of what it did, so that a test can say that there was something to do. */
export async function checkCase(one: Case, howPromoted: (one: Case) => Promise<void> = promoteWithKills) {
  const { a, b, options, slots, asked } = one
  const feed = join(a.dir, 'feed')
  await publish(a, options, slots === undefined)
  const begun = await readHead(feed)
  if (!begun || begun.steps === 0) return null
  const before = readSteps(feed).lines
  const files = await snapshot(feed)
  const covered = coveredBy(feed, path => a.shards.get(path)!)
  const expected = expectPromotion(covered, [a], b, Object.keys(asked.backfill))
  await howPromoted(one)
  const { lines } = readSteps(feed)
  assert.deepEqual(lines.slice(0, before.length), before, 'steps before')
  await checkOldFiles(feed, files, before.length)
  const samples = await readSamples(feed)
  checkFed(feed, samples, new Set([...expected.covered, ...expected.fed, ...expected.backfilled]))
  const counts = await checkEntry(one, before.length, expected)
  await checkResume(feed, before.length)
  await checkAgain(one)
  const step = one.random.between(0, lines.length)
  const trimmed = await checkTrimmed(feed, one.a.manifest, step, () => checkAgain(one))
  return {
    ...counts,
    steps: lines.length - before.length,
    trimmed,
    epochs: Math.max(...samples.map(({ epoch }) => epoch)),
  }
}

/** Kills it at random, plans between, and in the end has it done by the same command or by a start of the run. */
export async function promoteWithKills(one: Case): Promise<void> {
  const { a, b, random, options, slots, asked } = one
  const planned = await planPromotion(a.dir, b.dir, asked)
  while (random.chance(0.7)) if (await tryPromote(one, random.between(0, 40))) break
  const controls = await readControls(join(a.dir, 'feed'))
  if (controls.length > 0 && random.chance(0.5)) await publish(a, options, slots === undefined)
  await promote(a.dir, b.dir, asked)
  const [entry] = await readControls(join(a.dir, 'feed'))
  assert.deepEqual(entry, planned.entry, 'the plan')
}

/** What the steps before name is as it was; of the rest, blocks that were cut ahead may be others now. */
async function checkOldFiles(feed: string, files: Record<string, string>, step: number): Promise<void> {
  const now = await snapshot(feed)
  for (const { domains: of } of readSteps(feed).steps.slice(0, step))
    for (const [domain, ranges] of Object.entries(of))
      for (const { block: number, epoch } of ranges) {
        const path = blockPath({ domain, number, epoch })
        assert.ok(files[path] !== undefined && now[path] === files[path], `${path} has changed`)
      }
}

async function checkEntry({ a }: Case, step: number, expected: Expected) {
  const feed = join(a.dir, 'feed')
  const controls = await readControls(feed)
  const [entry] = controls
  const names = ['covered', 'swapped', 'leftOut', 'backfilled', 'fed'] as const
  const counts = Object.fromEntries(names.map(name => [name, expected[name].size]))
  assert.deepEqual({ ...entry.promote!.rows }, counts)
  assert.equal(entry.step, step)
  await using run = await RunReader.open(a.dir)
  const of = { dir: feed, head: (await readHead(feed))!, controls, run, hasEnded: true }
  for await (const { problems, unknown } of recomputePromotions(of)) assert.deepEqual([problems, unknown], [[], null])
  return counts
}

/** Steps that are planned again are as they were, and no block is written under who reads it. */
async function checkAgain({ a, b, asked, slots }: Case): Promise<void> {
  const effects: string[] = []
  await promote(a.dir, b.dir, { ...asked, onEffect: effect => effects.push(effect) })
  assert.deepEqual(
    effects.filter(effect => effect.includes('blocks')),
    [],
  )
  const note = { ended: slots === undefined, fed: null }
  const manifest = { entries: a.manifest, isWhole: true, note } as unknown as Manifest
  const checks = { blocks: new Check('b', ''), ledger: new Check('l', ''), plan: new Check('p', '') }
  await verifyFeed(a.dir, (await findHead(a.dir))!, { ...manifest, damaged: new Set() }, checks, () => [])
  assert.deepEqual(
    Object.values(checks).flatMap(({ problems }) => problems),
    [],
  )
}

/** A trainer that resumes at the step sees what one sees that reads through. */
async function checkResume(feed: string, step: number): Promise<void> {
  const through: FeedBatch[] = []
  let state = null
  const reader = readFeed(feed)
  for await (const batch of reader) {
    if (batch.step === step - 1) state = reader.state()
    if (batch.step >= step) through.push(batch)
  }
  const resumed: FeedBatch[] = []
  for await (const batch of readFeed(feed, { from: state! })) resumed.push(batch)
  assert.deepEqual(resumed, through)
}

/** The planted mistake: what was covered is not left out. */
export async function promoteAll({ a, b, asked }: Case): Promise<void> {
  const dir = join(a.dir, 'feed')
  const { entry } = await planPromotion(a.dir, b.dir, asked)
  await using next = await RunReader.open(b.dir)
  const links = new ShardLinks(a.dir, next)
  await links.make(b.manifest)
  const shards = b.manifest.map(({ domain, tokens, sha256, bytes, rows, ...of }) => {
    const shard = { path: links.pathOf({ ...of, domain, tokens, sha256, bytes, rows }), sha256, bytes, rows, tokens }
    return { domain, number: null, shard, tokens, firstSlot: of.first.slot, lastSlot: of.last.slot }
  })
  const promoted = encodeShardList('promoted', shards)
  await writeShardList(dir, promoted)
  await using feed = await reopenFeed(dir)
  await feed.control({ ...entry, promote: { ...entry.promote, selection: promoted.name } })
  for (const shard of a.manifest) await feed.addManifest(shard)
  await feed.end()
}
