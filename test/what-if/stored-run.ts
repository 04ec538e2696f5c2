import assert from 'node:assert/strict'
import { cp, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { encodeBatch } from '../../src/batch/arrow/ipc.ts'
import { readFates } from '../../src/inspect/fates.ts'
import { JournalLog } from '../../src/log/journal/journal-log.ts'
import type { Pipeline } from '../../src/pipeline/pipeline.ts'
import { planPipeline } from '../../src/pipeline/plan.ts'
import type { LocatedFate } from '../../src/record/fate.ts'
import { topics } from '../../src/record/layout.ts'
import { readRunFile, writeRunFile } from '../../src/record/run-file.ts'
import { RunReader } from '../../src/record/run-reader.ts'
import { measuredAppends, readBySlot } from '../../src/record/slots.ts'
import { admitNow, enterRun, segmentOf } from '../../src/run/admit.ts'
import type { RunContext } from '../../src/run/context.ts'
import { decideAll } from '../../src/run/decide/decide-stage.ts'
import { openState } from '../../src/run/decide/decide-state.ts'
import { loadAll } from '../../src/run/load/load-stage.ts'
import { annotateSlot, encodeDead } from '../../src/run/measure/annotate-slot.ts'
import { openRedriveInbox } from '../../src/run/redrive/redrive-inbox.ts'
import type { Chunk } from '../../src/sources/source.ts'
import { contextOf } from '../run/context.ts'
import { asOwner } from '../run/fixture.ts'

const shape = { partitions: 2, lanes: 2 }

/**
 * Runs a pipeline to its end into the run's folder `dir`: the stages that load and decide, with measuring on this thread, as threads of
 * its own are most of what a small run costs.
 */
export async function storeRun(dir: string, pipeline: Pipeline): Promise<void> {
  await mkdir(dir)
  const plan = planPipeline(pipeline)
  await using log = new JournalLog(join(dir, 'log'), { writable: true })
  const ref = { loader: '', module: 'file:///pipeline.ts', input: [], follow: false }
  const start = { dir, plan, ref, place: { log: null, logConfig: null, ...shape } }
  const { segments } = await enterRun(start, await admitNow(start, log, false))
  const context = contextOf({ dir, plan, log, segments, shape })
  const encode = async (slot: number, chunks: readonly Chunk[]) => {
    const { scored, dead } = await annotateSlot(plan, chunks)
    const measured = { scored: encodeBatch(scored), dead: dead.length ? encodeDead(dead) : null }
    const counts = { rows: scored.rows, deadRows: dead.length }
    return measuredAppends(shape, slot, { ...measured, ...counts }, plan.annotateFingerprint)
  }
  await asOwner(context, 'annotate', owner => loadAll(context, owner, { encode, openMore: openRedriveInbox(context) }))
  await decideRun(context)
}

/** The same where the run in `measured` has measured all as this pipeline does: its slots are taken, and decided by the stage. */
export async function storeDecided(dir: string, pipeline: Pipeline, measured: string): Promise<void> {
  const plan = planPipeline(pipeline)
  await cp(join(measured, 'log', 'annotate'), join(dir, 'log', 'annotate'), { recursive: true })
  const run = (await readRunFile(measured))!
  assert.equal(plan.annotateFingerprint, run.segments[0].annotate)
  const { segments } = await writeRunFile(dir, { ...run, segments: [segmentOf(plan)] })
  await using log = new JournalLog(join(dir, 'log'), { writable: true })
  await decideRun(contextOf({ dir, plan, log, segments, shape }))
}

/** The same with two pipelines: the second decides from slot `at` on. `between` is called when the slots before it are decided. */
export async function storeUpgraded(
  dir: string,
  pipelines: readonly Pipeline[],
  measured: string,
  at: number,
  between: () => Promise<void>,
): Promise<void> {
  const run = (await readRunFile(measured))!
  const segments = pipelines.map((pipeline, i) => ({ ...segmentOf(planPipeline(pipeline)), from: i * at }))
  await mkdir(dir)
  await using source = new JournalLog(join(measured, 'log'), { writable: false })
  const scored = await Array.fromAsync(readBySlot(source, topics.scored, shape.partitions))
  const entries = [...scored, ...(await Array.fromAsync(readBySlot(source, topics.dead, 1)))]
  for (const [i, pipeline] of pipelines.entries()) {
    await writeRunFile(dir, { ...run, segments: segments.slice(0, i + 1) })
    await using log = new JournalLog(join(dir, 'log'), { writable: true })
    await using owner = await log.own('annotate')
    const appends = entries.filter(({ headers }) => Number(headers.slot) < at === (i === 0))
    await owner.commit({ positions: [], appends })
    await decideRun(contextOf({ dir, plan: planPipeline(pipeline), log, segments: segments.slice(0, i + 1), shape }))
    if (i === 0) await between()
  }
}

async function decideRun(context: RunContext): Promise<void> {
  await asOwner(context, 'decide', async owner => {
    await using state = await openState(context, join(context.dir, 'state'))
    await decideAll(context, owner, state, AbortSignal.abort(), () => {})
  })
}

/** What became of each document of a run, by its id. */
export async function fatesOf(dir: string): Promise<Map<string, LocatedFate>> {
  await using run = await RunReader.open(dir)
  const fates = await Array.fromAsync(readFates(run))
  return new Map(fates.filter(({ fate }) => fate !== 'dead').map(fate => [fate.id, fate]))
}
