import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { lockDirectory } from '../../src/disk/lock.ts'
import { type ForkOrder, forkFeed } from '../../src/feed/change/fork.ts'
import { BlockFile } from '../../src/feed/files/block-file.ts'
import type { Step } from '../../src/feed/files/steps.ts'
import { readControls, reopenFeed } from '../../src/feed/publish.ts'
import { nameLinks } from '../../src/promote/links.ts'
import { planPromotion, promote } from '../../src/promote/promote.ts'
import { RunReader } from '../../src/record/run-reader.ts'
import { hashFiles } from '../run/fixture.ts'
import { type MadeRun, makeRun } from './made-runs.ts'
import { readSamples, readSteps } from './oracle.ts'
import { docs, loose, makePair, recompute } from './pair.ts'

const whole = { problems: [], unknown: null }

/** A fork with no step of its own. */
async function forkBare(feed: string, at: number, skip: ForkOrder['skip'] = null): Promise<string> {
  const to = join(feed, '..', 'forks', `at-${at}`)
  assert.ok(await forkFeed(feed, to, { at, skip, note: null }))
  return to
}

/** Plans a fork as far as the run's shards go. */
async function planOn(dir: string, { manifest }: MadeRun): Promise<void> {
  await using feed = await reopenFeed(dir)
  for (const entry of manifest) await feed.addManifest(entry)
  await feed.end()
}

async function checkOnce(feed: string): Promise<void> {
  const tokens = (await readSamples(feed)).flatMap(sample => sample.tokens)
  assert.ok(tokens.length > 0)
  assert.equal(new Set(tokens).size, tokens.length, 'a token is fed twice')
}

/** The folder of a run's shards below a run that was promoted to it. */
async function linksOf(dir: string): Promise<string> {
  await using run = await RunReader.open(dir)
  return nameLinks(run)
}

/** Paths of all shards that steps have blocks of. */
function shardsOf(feed: string): string[] {
  return readSteps(feed).steps.flatMap(({ domains }) =>
    Object.entries(domains).flatMap(([domain, ranges]) =>
      ranges.flatMap(({ block: number, epoch }) => {
        using file = new BlockFile(feed, { domain, number, epoch })
        return file.identity.shards.map(({ path }) => path)
      }),
    ),
  )
}

test('a feed that has ended goes on with another run from an earlier step: its fork is promoted', async () => {
  const { a, b, feed } = await makePair({})
  const { lines } = readSteps(feed)
  await assert.rejects(promote(a.dir, b.dir, { step: 3 }), {
    code: 'bad-option',
    message: new RegExp(
      `: headrace fork ${feed} --at 3 --bare, and then headrace promote ${a.dir} ${b.dir} --feed ${a.dir}/forks/at-3$`,
    ),
  })
  const fork = await forkBare(feed, 3)
  await using lock = await lockDirectory(a.dir)
  lock.check()
  const { entry, steps } = await promote(a.dir, b.dir, { feed: fork })
  assert.ok(entry.step === 3 && steps > 4 && entry.promote.rows.fed > 0)
  assert.deepEqual(readSteps(fork).lines.slice(0, 3), lines.slice(0, 3))
  assert.deepEqual(readSteps(feed).lines, lines)
  await checkOnce(fork)
  assert.deepEqual(await recompute(a.dir, {}, fork), [whole])
})

test('what a fork passes over before it is promoted is covered', async () => {
  const { a, b, feed } = await makePair({})
  // It alone begins with a block, which has more samples.
  const begins = ({ domains }: Step) => Object.values(domains).some(([{ from }]) => from === 0)
  const at = readSteps(feed).steps.findIndex((step, i) => i > 0 && begins(step))
  const fork = await forkBare(feed, at, [at, at])
  const passed = (await readSamples(feed)).filter(({ step }) => step === at).flatMap(({ tokens }) => tokens)
  await promote(a.dir, b.dir, { feed: fork })
  await checkOnce(fork)
  const fed = new Set((await readSamples(fork)).flatMap(({ tokens }) => tokens))
  assert.deepEqual(
    passed.filter(token => fed.has(token)),
    [],
  )
  assert.deepEqual(await recompute(a.dir, {}, fork), [whole])
})

test('a promotion behind passed-over steps, of which there are too few, is refused with how many are missing', async () => {
  const { folder, a, feed } = await makePair({})
  const few = await makeRun(join(folder, 'few'), docs, { ...loose, threshold: 0.9 })
  const last = readSteps(feed).lines.length - 1
  const fork = await forkBare(feed, 3, [4, last])
  const { steps } = await promote(a.dir, few.dir, { feed: fork })
  assert.equal(steps, 4, 'it has come to what it passes over')
  const unskipped = await makePair({})
  const other = await forkBare(unskipped.feed, 3)
  const fewOfOther = await makeRun(join(unskipped.folder, 'few'), docs, { ...loose, threshold: 0.9 })
  const missing = last + 1 - (await promote(unskipped.a.dir, fewOfOther.dir, { feed: other })).steps
  assert.ok(missing > 0)
  const before = await hashFiles(fork)
  for (const ask of [promote, planPromotion])
    await assert.rejects(ask(a.dir, a.dir, { feed: fork }), {
      code: 'bad-option',
      message: new RegExp(
        `^step 4 of the feed in ${fork} stands behind steps that it passes over \\(4 to ${last}, .*\\), and ${missing} of them are missing: its shards give no more`,
      ),
    })
  assert.deepEqual(await hashFiles(fork), before)
})

test('a fork of a promoted feed plans what that feed has, and its promotion is recomputed', async () => {
  const { a, b, feed } = await makePair()
  const { entry, steps } = await promote(a.dir, b.dir)
  assert.ok(entry.step > 2 && steps > entry.step + 2)
  const samples = (await readSamples(feed)).map(({ tokens }) => tokens)
  const skip = [entry.step - 1, entry.step + 1] as const
  const fork = await forkBare(feed, entry.step - 2, skip)
  await planOn(fork, a)
  assert.deepEqual(
    (await readSamples(fork)).map(({ tokens }) => tokens),
    [...samples.slice(0, skip[0]), ...samples.slice(skip[1] + 1)],
  )
  assert.deepEqual(await recompute(a.dir, {}, fork), [whole])
})

test('a fork that parts before a promotion may be promoted to a third run, and the promotion that it has left stays without effect', async () => {
  const { folder, a, b, feed } = await makePair()
  const { entry } = await promote(a.dir, b.dir)
  const c = await makeRun(join(folder, 'c'), docs, { ...loose, threshold: 0.1 })
  const fork = await forkBare(feed, entry.step - 2)
  const done = await promote(a.dir, c.dir, { feed: fork })
  assert.deepEqual(done.entry.promote.from, entry.promote.from)
  assert.ok(done.steps > entry.step + 1)
  await checkOnce(fork)
  const links = await Promise.all([b, c].map(({ dir }) => linksOf(dir)))
  const used = links.map(name => shardsOf(fork).some(path => path.includes(name)))
  assert.deepEqual(used, [false, true])
  assert.equal((await readControls(fork)).length, 3)
  assert.deepEqual(await recompute(a.dir, {}, fork), [whole, whole])
  // To the second run now: what its promotion chose for the feed is not what the fork has left to feed.
  const again = await promote(a.dir, b.dir, { feed: fork })
  assert.deepEqual(again.entry.promote.from, done.entry.promote.to)
  await checkOnce(fork)
})
