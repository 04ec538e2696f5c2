import assert from 'node:assert/strict'
import { test } from 'node:test'
import { limits } from '../../../src/limits.ts'
import { type Log, readCommitted } from '../../../src/log/log.ts'
import { MemoryLog } from '../../../src/log/memory/memory-log.ts'
import { pipeline } from '../../../src/pipeline/pipeline.ts'
import { planPipeline } from '../../../src/pipeline/plan.ts'
import { topics } from '../../../src/record/layout.ts'
import { Lead } from '../../../src/run/lead.ts'
import { type LoadParts, loadAll } from '../../../src/run/load/load-stage.ts'
import type { Pool } from '../../../src/run/measure/pool.ts'
import type { Chunk, Source } from '../../../src/sources/source.ts'
import { contextOf } from '../context.ts'
import { examine } from '../examine.ts'
import { asOwner, countingSource, encodeMeasured } from '../fixture.ts'

// The loading stage over records of a third of a slot, stopped while it reads any of them.
const { check, mutate } = examine<typeof import('../../../src/run/load/load-stage.ts')>('load/load-stage.ts')
const counts = [7, 3, 0, 5, 1, 1, 1, 4]
const recordBytes = Math.ceil(limits.slotBytes / 3)

const recordsOf = (onRecord: () => void, follow = false) => countingSource(counts, recordBytes, { onRecord, follow })

/** A stand-in for the pool's threads: a slot's value is the list of its records. */
const pool = {
  size: 2,
  annotate: async (_: number, chunks: readonly Chunk[]) => ({
    ...{ scored: Buffer.from(chunks.map(({ split, line }) => `${split}:${line}`).join(' ')), dead: null },
    ...{ rows: chunks.length, deadRows: 0 },
  }),
} as unknown as Pool

/** Nothing is read but what the source has. */
const openMore: LoadParts['openMore'] = async () => ({
  settle: async () => {},
  addLast: async () => false,
  [Symbol.asyncDispose]: async () => {},
})

async function runStage(
  log: Log,
  source: Source,
  drain: AbortSignal,
  { lead = new Lead([]), load = loadAll } = {},
): Promise<void> {
  const plan = planPipeline(pipeline('p').from(source))
  const context = contextOf({ plan, pool, lead, log, shape: { partitions: 1, lanes: 3 }, drain })
  const encode: LoadParts['encode'] = (slot, chunks) => encodeMeasured(context, slot, chunks)
  await asOwner(context, 'annotate', owner => load(context, owner, { encode, openMore }))
}

async function slotsOf(log: Log): Promise<string[]> {
  const slots: string[] = []
  for await (const { headers, value } of readCommitted(log, topics.scored))
    slots.push(headers.end ? `end ${headers.slot}` : `${headers.slot} ${Buffer.from(value)}`)
  return slots
}

const never = new AbortController().signal
const whole = new MemoryLog()
await runStage(
  whole,
  recordsOf(() => {}),
  never,
)
const expected = await slotsOf(whole)
const records = counts.reduce((a, b) => a + b, 0)

test('every record is in one slot, and the last entry is the end', () => {
  const found = expected.slice(0, -1).flatMap(slot => slot.split(' ').slice(1))
  assert.deepEqual(
    found.sort(),
    counts.flatMap((count, split) => Array.from({ length: count }, (_, i) => `${split}:${i + 1}`)),
  )
  assert.match(expected.at(-1)!, /^end /)
})

test('drained while any record is read and gone on with, the slots are the same', async () => {
  for (let stop = 0; stop <= records; stop++) {
    const log = new MemoryLog()
    const drain = new AbortController()
    let seen = 0
    const source = recordsOf(() => {
      if (seen++ === stop) drain.abort()
    })
    await runStage(log, source, drain.signal)
    const drained = await slotsOf(log)
    if (stop < records) assert.ok(!drained.some(slot => slot.startsWith('end')), 'a drained run has no end')
    assert.deepEqual(drained, expected.slice(0, drained.length), `drained at record ${stop}`)
    await runStage(
      log,
      recordsOf(() => {}),
      never,
    )
    assert.deepEqual(await slotsOf(log), expected, `drained at record ${stop}`)
  }
})

test('drained at every record in turn, the slots are the same', async () => {
  const log = new MemoryLog()
  for (let rounds = 0; rounds < 3 * records; rounds++) {
    const drain = new AbortController()
    let seen = 0
    await runStage(
      log,
      recordsOf(() => {
        if (seen++ === rounds % 20) drain.abort()
      }),
      drain.signal,
    )
  }
  assert.deepEqual(await slotsOf(log), expected)
})

check('loading waits while a later stage is far behind, and a drain ends the wait', async ({ loadAll: load }) => {
  const log = new MemoryLog()
  const drain = new AbortController()
  const lead = new Lead(['decide'])
  // As if the next slot were further ahead of the stage than the limit.
  lead.report('decide', -limits.stageLeadSlotsMax - 1)
  let isRead = false
  const source = recordsOf(() => {
    isRead = true
  })
  const stage = runStage(log, source, drain.signal, { lead, load })
  await new Promise(resolve => setImmediate(resolve))
  assert.deepEqual([isRead, await slotsOf(log)], [false, []])
  drain.abort()
  await stage
})

mutate(/loading waits/, 'nothing holds it back', 'await context.lead.waitFor(this.#slot, stop)', '')

test('a run that has ended refuses to follow, and says what to do', async () => {
  const source = recordsOf(() => {}, true)
  await assert.rejects(runStage(whole, source, never), { code: 'bad-option', message: /has ended and can't follow/ })
})
