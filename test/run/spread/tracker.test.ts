import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { writeDurably } from '../../../src/disk/durable-file.ts'
import { type FeedIdentity, feedId } from '../../../src/feed/files/head.ts'
import { limits } from '../../../src/limits.ts'
import type { MemoryLog } from '../../../src/log/memory/memory-log.ts'
import type { Plan } from '../../../src/pipeline/plan.ts'
import { emptyDecideTotals, emptyShardTotals } from '../../../src/record/totals.ts'
import type { RunEvent } from '../../../src/run/events.ts'
import { Lead } from '../../../src/run/lead.ts'
import { Progress } from '../../../src/run/progress.ts'
import { makeFolder } from '../../temporary.ts'
import { examine } from '../examine.ts'
import { contextOf, newLog, partitions, plan, settle } from './memory-run.ts'

type Module = typeof import('../../../src/run/spread/tracker.ts')
const { check, mutate } = examine<Module>('spread/tracker.ts')

const withShards = { ...plan, tokenizer: {} } as unknown as Plan
const withFeed = { ...withShards, feed: {} } as unknown as Plan

/** Commits a position of a stage; `note` is what it says. */
async function move(log: MemoryLog, stage: string, slot: number, note: object = {}, partition = 0): Promise<void> {
  await using owner = await (stage === 'annotate' ? log.ownPartition(stage, partition) : log.own(stage))
  await owner.commit({ positions: [{ partition, offset: 0n, slot, note: JSON.stringify(note) }], appends: [] })
}

/** Publishes so many steps, without what they are made of. */
async function publish(dir: string, steps: number, ended: boolean): Promise<void> {
  const identity = { version: 1, run: 'r' } as unknown as FeedIdentity
  const head = { ...identity, feed: feedId(identity), shards: '', steps, digest: '', ended, leftover: {} }
  await mkdir(join(dir, 'feed'), { recursive: true })
  // As a run does it: who looks meanwhile sees the one before.
  await writeDurably(join(dir, 'feed', 'head.json'), [Buffer.from(JSON.stringify(head))])
}

/** Tracks a run while the clock stands still; `look` lets it look once more and says whether it sees the run's end. */
async function begin(
  { trackRun }: Module,
  t: TestContext,
  given: { plan?: Plan; hasFolder?: boolean; isDraining?: boolean } = {},
) {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  // For who imported it by name.
  syncBuiltinESMExports()
  const [log, dir, stop] = [newLog(), makeFolder('tracker'), new AbortController()]
  t.after(() => {
    // One that looks just now would go on by the real clock, for ever.
    stop.abort()
    t.mock.timers.reset()
    syncBuiltinESMExports()
  })
  const events: RunEvent[] = []
  const progress = new Progress()
  const lead = new Lead(['decide', 'shard'])
  const watch = (event: RunEvent) => {
    events.push(event)
    progress.see(event)
  }
  const context = contextOf(log, { dir, plan: given.plan ?? withShards, lead, watch })
  const { hasFolder = true, isDraining = false } = given
  let result: boolean | null = null
  const look = async () => {
    const told = events.length + 1
    for (const late = performance.now() + 500; result === null && events.length < told && performance.now() < late; ) {
      t.mock.timers.tick(10_000)
      await settle()
    }
    return result
  }
  const start = () => {
    trackRun({ context, hasFolder, isDraining }, stop.signal).then(ended => {
      result = ended
    })
  }
  return { log, dir, stop, events, lead, figures: () => progress.figures(), look, start, result: () => result }
}

check('its figures are what the positions say, again and again until the run has ended', async (module, t) => {
  const { log, events, figures, look, start } = await begin(module, t)
  const slots = () => events.flatMap(event => (event.kind === 'positions' ? event.slots : [])).at(-1)
  const [totals, shardTotals] = [
    { ...emptyDecideTotals(), documents: 9, kept: 5 },
    { ...emptyShardTotals(), tokens: 70 },
  ]
  start()
  await look()
  assert.deepEqual(slots(), { load: 0, annotate: 0, decide: 0, shard: 0 })
  await move(log, 'load', 8, { readBytes: 1234 })
  for (const [partition, slot] of [6, 4, 5].entries()) await move(log, 'annotate', slot, {}, partition)
  await move(log, 'decide', 3, { totals })
  await move(log, 'shard', 2, { totals: shardTotals })
  assert.equal(await look(), null)
  assert.deepEqual(slots(), { load: 8, annotate: 4, decide: 3, shard: 2 })
  const { annotated, decided, sharded, readBytes, decide, shard } = figures()
  assert.deepEqual([annotated, decided, sharded, readBytes], [4, 3, 2, 1234])
  assert.deepEqual([decide.documents, decide.kept, shard.tokens], [9, 5, 70])
  await move(log, 'shard', 9, { ended: true })
  assert.equal(await look(), true)
})

check('loading is held back by what the positions say, of each stage behind it', async (module, t) => {
  const { log, lead, look, start, stop } = await begin(module, t)
  start()
  await look()
  const { stageLeadSlotsMax } = limits
  let isLet = false
  const wait = lead.waitFor(stageLeadSlotsMax + 5, stop.signal).then(() => {
    isLet = true
  })
  for (const stage of ['decide', 'shard']) {
    await move(log, stage, 5)
    assert.equal(isLet, false)
    await look()
  }
  await wait
})

/** What has ended, and whether the run has, as a process of one kind sees it. */
const stages = ['load', 'annotate', 'decide', 'shard']
const cases: [what: string, given: { plan?: Plan; hasFolder?: boolean }, last: string][] = [
  ['that makes shards', {}, 'shard'],
  ['that makes none', { plan }, 'decide'],
  ['whose folder it does not see', { hasFolder: false }, 'annotate'],
]
for (const [what, given, last] of cases)
  check(`a run ${what} has ended when its last stage has`, async (module, t) => {
    const { log, look, start } = await begin(module, t, given)
    start()
    for (const stage of stages.slice(0, stages.indexOf(last) + 1)) {
      const count = stage === 'annotate' ? partitions : 1
      for (let partition = 0; partition < count; partition++) {
        assert.equal(await look(), null, `before ${stage}/${partition}`)
        await move(log, stage, 9, { ended: true }, partition)
      }
    }
    assert.equal(await look(), true)
  })

check('a run with a feed has ended when all of it is published, whichever comes last', async (module, t) => {
  const { dir, log, figures, look, start } = await begin(module, t, { plan: withFeed })
  start()
  await move(log, 'shard', 9, { ended: true })
  assert.equal(await look(), null)
  await publish(dir, 3, false)
  assert.equal(await look(), null)
  assert.equal(figures().steps, 3)
  await publish(dir, 4, true)
  assert.equal(await look(), true)
  assert.equal(figures().steps, 4)
})

check('a feed that has ended does not end a run that is not sharded', async (module, t) => {
  const { dir, look, start } = await begin(module, t, { plan: withFeed })
  start()
  await publish(dir, 4, true)
  assert.equal(await look(), null)
})

check('who drains ends when all that is loaded is decided, and others do not', async (module, t) => {
  for (const isDraining of [true, false]) {
    const { log, look, start } = await begin(module, t, { isDraining })
    await move(log, 'load', 6)
    start()
    for (const partition of [0, 1, 2]) {
      assert.equal(await look(), null)
      await move(log, 'annotate', 6 + partition, {}, partition)
    }
    await move(log, 'decide', 5)
    assert.equal(await look(), null)
    await move(log, 'decide', 6)
    assert.equal(await look(), isDraining || null)
    t.mock.timers.reset()
  }
})

check('a worker that drains ends when all that is loaded is annotated', async (module, t) => {
  const { log, look, start } = await begin(module, t, { hasFolder: false, isDraining: true })
  await move(log, 'load', 6)
  start()
  for (const partition of [0, 1, 2]) {
    assert.equal(await look(), null)
    await move(log, 'annotate', 6 + partition, {}, partition)
  }
  assert.equal(await look(), true)
})

check('told to stop it ends at once, without the run', async (module, t) => {
  const { stop, look, start, result } = await begin(module, t)
  start()
  assert.equal(await look(), null)
  stop.abort()
  for (let i = 0; i < 5; i++) await settle()
  assert.equal(result(), false)
})

mutate(/its figures/, 'it looks once', 'while (!signal.aborted) {', 'for (let i = 0; i < 1; i++) {')
mutate(/its figures/, 'the first of the partitions counts', 'firstUnannotated(load, annotate)', 'annotate[0].slot')
mutate(
  /its figures/,
  'what was decided is not told',
  'standingAt(load, annotated, decide,',
  'standingAt(load, annotated, load,',
)
mutate(/held back/, 'deciding holds nobody back', "lead.report('decide', decide.slot)", '')
mutate(
  /held back/,
  'sharding is taken for deciding',
  "lead.report('shard', shard.slot)",
  "lead.report('shard', decide.slot)",
)
mutate(/that makes shards/, 'deciding is taken for the end', 'plan.tokenizer ? shard : decide', 'decide')
mutate(/that makes none/, 'sharding is waited for', 'plan.tokenizer ? shard : decide', 'shard')
mutate(/does not see/, 'one partition is taken for all', 'annotate.every(', 'annotate.some(')
mutate(/does not see/, 'it waits for what it does not see', 'if (!hasFolder) return', 'if (!context) return')
mutate(/whichever comes last/, 'the feed is not waited for', ' && (!plan.feed || feed?.ended === true)', '')
mutate(/whichever comes last/, 'steps are taken for the end', 'feed?.ended === true)', '(feed?.steps ?? 0) > 0)')
mutate(/not sharded/, 'the feed is all that counts', 'isEnded([plan.tokenizer ? shard : decide]) && ', '')
mutate(/who drains/, 'all drain', 'isDraining && isDone', 'isDone')
mutate(/who drains/, 'what is not decided is left', ' && (!hasFolder || decide.slot >= load.slot)', '')
mutate(/told to stop/, 'it waits until it would look again', '{ signal }', '{}')
