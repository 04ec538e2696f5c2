import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import type { TestContext } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { limits } from '../../src/limits.ts'
import { MemoryLog } from '../../src/log/memory/memory-log.ts'
import { pipeline } from '../../src/pipeline/pipeline.ts'
import { planPipeline } from '../../src/pipeline/plan.ts'
import { emptyFigures } from '../../src/record/figures.ts'
import type { RunEvent, Watch } from '../../src/run/events.ts'
import { loadAll } from '../../src/run/load/load-stage.ts'
import type { Pool } from '../../src/run/measure/pool.ts'
import { Progress } from '../../src/run/progress.ts'
import { setLimits } from '../simulate/small-limits.ts'
import { examine } from './examine.ts'
import { asOwner, countingSource } from './fixture.ts'

// Loading of slots of a record each, ahead of two stages whose part the test plays.
type Module = typeof import('../../src/run/lead.ts')
const { check, mutate } = examine<Module>('lead.ts')
const leadMax = 4
const records = 30

/** Lets everything go on that can. */
async function settle(): Promise<void> {
  for (let turns = 0; turns < 20; turns++) await turn()
}

/** Loads on a log in memory, and counts the slots that were cut; `watch` is told besides. */
async function begin({ Lead }: Module, t: TestContext, watch: Watch = () => {}) {
  const before = { stageLeadSlotsMax: limits.stageLeadSlotsMax, slotBytes: limits.slotBytes }
  setLimits({ stageLeadSlotsMax: leadMax, slotBytes: 1024 })
  t.after(() => setLimits(before))
  const drain = new AbortController()
  t.after(() => drain.abort())
  const lead = new Lead(['decide', 'shard'])
  let loaded = 0
  const see = (event: RunEvent) => {
    if (event.kind === 'loaded') loaded++
    watch(event)
  }
  const context = {
    dir: '',
    plan: planPipeline(pipeline('p').from(countingSource([records], 1024))),
    shape: { partitions: 1, lanes: 1 },
    segments: [],
    binding: null,
    log: new MemoryLog(),
    pool: { size: 8 } as Pool,
    lead,
    drain: drain.signal,
    failed: new AbortController().signal,
    watch: see,
    checkOwner: () => {},
  }
  const more = { settle: async () => {}, addLast: async () => false, [Symbol.asyncDispose]: async () => {} }
  const parts = { encode: async () => [], openMore: async () => more }
  const stage = asOwner(context, 'annotate', owner => loadAll(context, owner, parts))
  await settle()
  return { lead, drain, stage, loaded: () => loaded }
}

check(
  'loading is ahead of the slowest stage by the limit and no further, and goes on when that reports',
  async (module, t) => {
    const { lead, stage, loaded } = await begin(module, t)
    // The slot at the limit is let pass: so many are between it and the slowest stage.
    assert.equal(loaded(), leadMax + 1)
    const reports = [
      ['decide', 3, 0],
      ['shard', 2, 2],
      ['shard', 9, 3],
      ['decide', 8, 8],
      ['load', 0, 8],
      ['decide', records, 9],
      ['shard', records, records],
    ] as const
    for (const [name, slot, slowest] of reports) {
      lead.report(name, slot)
      await settle()
      assert.equal(loaded(), Math.min(records, slowest + leadMax + 1), `after ${name} at ${slot}`)
    }
    await stage
  },
)

// Who looks on: nobody, one who counts, one who lies to whoever asks it, one whose figures are thrown away and begun anew at each event.
const liar = new Progress()
const watches: Record<string, () => Watch> = {
  'nobody looks on': () => () => {},
  'progress is shown': () => {
    const progress = new Progress()
    return event => {
      progress.see(event)
      progress.figures()
    }
  },
  'what is shown is another run': () => () =>
    liar.see({ kind: 'positions', slots: {}, figures: { ...emptyFigures(), decided: 1e9, sharded: 1e9 } }),
  'what is shown is thrown away': () => event => new Progress().see(event),
}
for (const [what, makeWatch] of Object.entries(watches))
  check(`the lead is the same when ${what}`, async (module, t) => {
    const { lead, stage, loaded } = await begin(module, t, makeWatch())
    for (let slot = 0; slot < records; slot += 3) {
      assert.equal(loaded(), Math.min(records, slot + leadMax + 1))
      lead.report('shard', slot + 3)
      lead.report('decide', slot + 3)
      await settle()
    }
    await stage
  })

check('a drain ends the wait', async (module, t) => {
  const { drain, stage, loaded } = await begin(module, t)
  drain.abort()
  await stage
  assert.equal(loaded(), leadMax + 1)
})

check('a wait leaves nothing behind, however often it is woken', async (module, t) => {
  const { lead, drain } = await begin(module, t)
  const wait = lead.waitFor(100, drain.signal)
  for (let slot = 0; slot <= 100; slot++) {
    lead.report('decide', slot)
    lead.report('shard', slot)
    await turn()
    assert.ok(getEventListeners(drain.signal, 'abort').length <= 8)
  }
  await wait
})

mutate(/no further/, 'nothing holds loading back', '> limits.stageLeadSlotsMax', '> Number.POSITIVE_INFINITY')
mutate(/no further/, 'the fastest stage is waited for', 'Math.min(', 'Math.max(')
mutate(/no further/, 'a report wakes nobody', 'this.#wake()', '')
mutate(/no further/, 'any stage may report', 'if (this.#done.has(stage)) ', '')
mutate(/nobody looks on/, 'nothing holds loading back', '> limits.stageLeadSlotsMax', '> Number.POSITIVE_INFINITY')
mutate(/drain ends/, 'a drain wakes nobody', "stop.addEventListener('abort', wake)", '')
mutate(/leaves nothing/, 'listeners stay', "stop.removeEventListener('abort', wake)", '')
