import { join } from 'node:path'
import { decodeBatch } from '../../../src/batch/arrow/ipc.ts'
import { makeFolder as makeFolderAt } from '../../../src/disk/durable-file.ts'
import type { Log } from '../../../src/log/log.ts'
import type { Plan } from '../../../src/pipeline/plan.ts'
import { bindingOf } from '../../../src/record/binding.ts'
import { openLogToWrite } from '../../../src/record/open-log.ts'
import { readRunFile } from '../../../src/record/run-file.ts'
import { admitNow, enterRun, placeRun } from '../../../src/run/admit.ts'
import type { RunContext } from '../../../src/run/context.ts'
import { decideAll } from '../../../src/run/decide/decide-stage.ts'
import { openState } from '../../../src/run/decide/decide-state.ts'
import type { RunEvent } from '../../../src/run/events.ts'
import { loadAll } from '../../../src/run/load/load-stage.ts'
import { type Job, progressBytes } from '../../../src/run/measure/jobs.ts'
import type { Pool } from '../../../src/run/measure/pool.ts'
import { finishSlot } from '../../../src/run/measure/slot-work.ts'
import { serve } from '../../../src/run/measure/worker.ts'
import type { ReplayOptions } from '../../../src/run/options.ts'
import { placeReplay } from '../../../src/run/replay/begin.ts'
import { openReplay } from '../../../src/run/replay/open-replay.ts'
import { replayAll } from '../../../src/run/replay/replay-stage.ts'
import { openTokens } from '../../../src/run/replay/reuse-tokens.ts'
import { shardAll } from '../../../src/run/shard/shard-stage.ts'
import { openSink } from '../../../src/run/shard/sink.ts'
import { TextRemoval } from '../../../src/run/text-removal.ts'
import { contextOf } from '../context.ts'
import { asOwner } from '../fixture.ts'

/** A worker's own code, asked on this thread: a run then costs no threads. */
export function poolHere(plan: Plan): Pool {
  const asked: { resolve(result: unknown): void; reject(error: unknown): void }[] = []
  let ask: (job: Job) => void = () => {}
  const answer = ({ result, error }: { result?: unknown; error?: object }) => {
    const { resolve, reject } = asked.shift()!
    if (error) reject(Object.assign(new Error(), error))
    else resolve(result)
  }
  serve(
    Promise.resolve(plan),
    { postMessage: message => answer(message as object), on: (_, listener) => (ask = listener) },
    new Int32Array(new SharedArrayBuffer(progressBytes)),
  )
  const run = (job: Job) =>
    new Promise((resolve, reject) => {
      asked.push({ resolve, reject })
      ask(structuredClone(job))
    })
  return {
    size: 1,
    annotate: (slot, chunks, stored = null) => run({ kind: 'annotate', slot, chunks, stored, alone: null }),
    keepTexts: async (slot, entries) => (await run({ kind: 'keep', slot, entries })) as Uint8Array,
    tokenize: async (slot, entries) => {
      const value = await run({ kind: 'tokenize', slot, entries, alone: false })
      return decodeBatch(value as Uint8Array).batch
    },
  } as Pool
}

const never = new AbortController().signal

interface Options {
  /** Default the source. */
  readonly replay?: ReplayOptions
  /** The log as the stages see it. */
  readonly view?: (log: Log) => Log
  readonly watch?: (event: RunEvent) => void
  readonly drain?: AbortSignal
  readonly failed?: AbortSignal
  readonly partitions?: number
}

/** Runs the stages one after the other, as one process does them side by side, and goes on where the folder stands. */
export async function runWhole(
  dir: string,
  plan: Plan,
  { replay, view = log => log, watch = () => {}, drain = never, failed = never, partitions = 1 }: Options = {},
): Promise<void> {
  await makeFolderAt(dir)
  const known = await readRunFile(dir)
  const cut = placeRun(dir, known, { partitions, lanes: 2 })
  const replayed = replay ? await placeReplay(dir, known, cut, replay) : null
  await using opened = replayed && (await openReplay(dir, replayed, plan, replay!))
  const place = replayed ?? cut
  await using log = await openLogToWrite(dir, { ...place, storedText: plan.storedText }, place, () => {})
  const ref = { loader: '', module: 'file:///pipeline.ts', input: [], follow: false }
  const start = { dir, plan, ref, place }
  const run = await enterRun(start, await admitNow(start, log, false))
  const shape = { partitions: run.partitions, lanes: run.lanes }
  const binding = bindingOf(run)
  const own = poolHere(plan)
  await using reusing = opened && (await openTokens(own, plan, opened.replay, new AbortController().signal))
  const context: RunContext = contextOf({
    dir,
    plan,
    shape,
    segments: run.segments,
    binding,
    priming: opened?.replay.recalling?.priming ?? null,
    log: view(log),
    pool: reusing?.work ?? own,
    watch,
    drain,
    failed,
  })
  const ended = AbortSignal.abort()
  if (opened) {
    await asOwner(context, 'annotate', owner => replayAll(context, owner, opened.replay))
  } else {
    const openMore = async () => ({
      settle: async () => {},
      addLast: async () => false,
      [Symbol.asyncDispose]: async () => {},
    })
    const encode = async (slot: number, chunks: Parameters<Pool['annotate']>[1]) =>
      finishSlot(context, slot, { chunks, stored: null, base: undefined })
    await asOwner(context, 'annotate', owner => loadAll(context, owner, { encode, openMore }))
  }
  await using state = await openState(context, join(dir, 'state'))
  await asOwner(context, 'decide', owner => decideAll(context, owner, state, ended, () => {}))
  await using sink = await openSink(context, run)
  if (plan.tokenizer) await asOwner(context, 'shard', owner => shardAll(context, owner, ended, sink))
  await using removal = new TextRemoval(context, log)
  await removal.end()
}
