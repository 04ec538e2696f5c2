import { join } from 'node:path'
import { makeFolder } from '../disk/durable-file.ts'
import { lockDirectory } from '../disk/lock.ts'
import { checkOpenFiles } from '../disk/open-files.ts'
import { HeadraceError } from '../errors.ts'
import type { Owner, Topics } from '../log/log.ts'
import type { Plan } from '../pipeline/plan.ts'
import { bindingOf } from '../record/binding.ts'
import type { Figures } from '../record/figures.ts'
import { hasTextTopic, type StageName } from '../record/layout.ts'
import { openLogToWrite } from '../record/open-log.ts'
import { readRunFile } from '../record/run-file.ts'
import { admitNow, enterRun, placeRun } from './admit.ts'
import type { RunContext } from './context.ts'
import { decideAll } from './decide/decide-stage.ts'
import { openState } from './decide/decide-state.ts'
import type { RunEvent } from './events.ts'
import { Lead } from './lead.ts'
import { type LoadParts, loadAll } from './load/load-stage.ts'
import type { PipelineRef } from './measure/jobs.ts'
import { Pool } from './measure/pool.ts'
import { identifyPlan } from './measure/same-plan.ts'
import { finishSlot } from './measure/slot-work.ts'
import { describeScarceMemory } from './memory.ts'
import type { RunOptions, WatchedOptions } from './options.ts'
import { ownStage } from './own-stage.ts'
import { Progress } from './progress.ts'
import { openRedriveInbox } from './redrive/redrive-inbox.ts'
import { placeReplay } from './replay/begin.ts'
import { openReplay } from './replay/open-replay.ts'
import { type Replay, replayAll } from './replay/replay-stage.ts'
import { openTokens } from './replay/reuse-tokens.ts'
import { openRetention, type Retention } from './retention.ts'
import { shardAll } from './shard/shard-stage.ts'
import { type FeedSink, openSink, takeBeside } from './shard/sink.ts'
import { runSpread } from './spread/run.ts'
import { TextRemoval } from './text-removal.ts'

/**
 * Runs a pipeline until its source ends or `drain` aborts, and returns the figures. It goes on with the run of the folder; one that has
 * ended returns at once. Throws a HeadraceError for what the user or the world can mend.
 */
export async function runPipeline(plan: Plan, ref: PipelineRef, options: RunOptions): Promise<Figures> {
  const progress = new Progress()
  const watch = (event: RunEvent) => {
    progress.see(event)
    options.watch?.(event)
  }
  await openAndRun(plan, ref, { ...options, watch })
  return progress.figures()
}

async function openAndRun(plan: Plan, ref: PipelineRef, options: WatchedOptions): Promise<void> {
  const { dir, drain, watch } = options
  checkOpenFiles(options.workers)
  const scarce = describeScarceMemory(options.workers)
  if (scarce !== null) options.note?.(scarce)
  const shared = placeRun(dir, await readRunFile(dir), options)
  if (shared.spread) return runSpread({ dir, plan, ref, place: shared }, options)
  if (options.stages || options.state)
    throw new HeadraceError('bad-option', '--stages and --state are for a run that is begun with --spread')
  await makeFolder(dir)
  await using lock = await lockDirectory(dir)
  const checkOwner = () => lock.check()
  const known = await readRunFile(dir)
  const own = placeRun(dir, known, options)
  const replayed = options.replay ? await placeReplay(dir, known, own, options.replay) : null
  // What can't be replayed is refused before anything is made.
  await using replaying = replayed && (await openReplay(dir, replayed, plan, options.replay!))
  const place = replayed ?? own
  await using log = await openLogToWrite(
    dir,
    { ...place, storedText: plan.storedText },
    place,
    checkOwner,
    options.note,
  )
  const start = { dir, plan, ref, place }
  const run = await enterRun(start, await admitNow(start, log, options.isUpgrade ?? false))
  const stages: StageName[] = ['annotate', 'decide', ...(plan.tokenizer ? (['shard'] as const) : [])]
  watch({ kind: 'opened', log: place.log === null ? 'embedded' : 'kafka', stages })
  const workerRef = { ...ref, identity: identifyPlan(plan) }
  await using pool = new Pool(options.workers, workerRef, { onLost: lost => watch({ kind: 'worker-lost', ...lost }) })
  const failure = new AbortController()
  const { signal: failed } = failure
  const { partitions, lanes, segments } = run
  const shape = { partitions, lanes, textTopic: hasTextTopic(run) }
  const lead = new Lead(plan.tokenizer ? ['decide', 'shard'] : ['decide'])
  await using reusing = replaying && (await openTokens(pool, plan, replaying.replay, failed))
  const context: RunContext = {
    dir,
    plan,
    shape,
    segments,
    binding: bindingOf(run),
    priming: replaying?.replay.recalling?.priming ?? null,
    log,
    pool: reusing?.work ?? pool,
    lead,
    drain,
    failed,
    watch,
    checkOwner,
  }
  await using sink = await openSink(context, run)
  await using retention = openRetention(context, log, options, { isEmbedded: place.log === null })
  await runStages(context, sink, failure, { retention, topics: log }, replaying?.replay ?? null)
}

/** Runs the stages side by side. Each ends when the one before has; the first failure stops them all and is what is thrown. */
async function runStages(
  context: RunContext,
  sink: FeedSink | null,
  failure: AbortController,
  { retention, topics }: { readonly retention: Retention; readonly topics: Topics },
  replay: Replay | null,
): Promise<void> {
  const { plan } = context
  const annotated = new AbortController()
  const decided = new AbortController()
  let first: unknown = null
  const guard = async (stage: StageName, work: (owner: Owner) => Promise<void>, done?: AbortController) => {
    let failed: unknown = null
    try {
      await using owner = await ownStage(context, stage)
      context.checkOwner()
      await work(owner)
    } catch (error) {
      failed = error
      first ??= error
      failure.abort(error)
    } finally {
      context.watch({ kind: 'stage-ended', stage, error: failed })
      done?.abort()
    }
  }
  const parts: LoadParts = {
    encode: (slot, chunks) => finishSlot(context, slot, { chunks, stored: null, base: undefined }),
    openMore: openRedriveInbox(context),
    wantsAllSplits: () => retention.takeSplitsWish(),
  }
  await using removal = new TextRemoval(context, topics)
  const decide = async (owner: Owner) => {
    await using state = await openState(context, join(context.dir, 'state'))
    await decideAll(context, owner, state, annotated.signal, slot => {
      context.watch({ kind: 'tables', bytes: state.bytesUsed() })
      retention.sealed(slot)
      removal.decided(slot)
    })
  }
  await Promise.all([
    guard(
      'annotate',
      owner => (replay ? replayAll(context, owner, replay) : loadAll(context, owner, parts)),
      annotated,
    ),
    guard('decide', decide, decided),
    plan.tokenizer &&
      guard('shard', owner => takeBeside(sink, failure, () => shardAll(context, owner, decided.signal, sink))),
  ])
  if (first) throw first
  await removal.end()
}
