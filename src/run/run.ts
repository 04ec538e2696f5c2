import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeFolder, writeDurably } from '../durable-file.ts'
import { HeadraceError, wrapDiskError } from '../errors.ts'
import { openFeed } from '../feed/publish.ts'
import { limits } from '../limits.ts'
import { JournalLog } from '../log/journal.ts'
import { lockDirectory } from '../log/lock.ts'
import type { Plan } from '../pipeline/plan.ts'
import type { RunContext, RunShape } from './context.ts'
import { runDecideStage } from './decide-stage.ts'
import type { PipelineRef } from './jobs.ts'
import { runLoadStage } from './load.ts'
import { Pool } from './pool.ts'
import { emptyProgress, type Progress } from './progress.ts'
import { type ManifestSink, runShardStage } from './shard-stage.ts'

export interface RunOptions {
  /** Folder of this run: `DIR/RUN`. */
  readonly dir: string
  readonly workers: number
  /** Aborts to drain: what was read is finished, nothing more is read, and the run can go on later. */
  readonly drain: AbortSignal
  /** Filled as the run goes. */
  readonly progress?: Progress
}

/** What `run.json` says: fixed when the run is created, and checked whenever it goes on. */
export interface RunFile extends RunShape {
  readonly version: 1
  readonly pipeline: string
  readonly module: string
  readonly input: readonly string[]
  readonly slotBytes: number
  readonly annotate: string
  readonly decide: string
  readonly shard: string
  readonly feed: unknown
  /** What the tokenizer is, or null for a run that makes no shards. */
  readonly tokenizer: unknown
}

/**
 * Runs a pipeline until its source ends or `drain` aborts, and returns the figures. Called again with the same folder it goes on where
 * it was, or, when it had ended, returns at once. Throws a HeadraceError for what the user or the world can mend.
 */
export async function runPipeline(plan: Plan, ref: PipelineRef, options: RunOptions): Promise<Progress> {
  const { dir, drain } = options
  const progress = options.progress ?? emptyProgress()
  await makeFolder(dir)
  await using _lock = await lockDirectory(dir)
  const shape = await openRunFile(dir, plan, ref)
  await using log = new JournalLog(join(dir, 'log'), { writable: true })
  await using pool = new Pool(options.workers, ref)
  const failure = new AbortController()
  const context: RunContext = { dir, plan, shape, log, pool, progress, drain, failed: failure.signal }
  await using sink = await openSink(context)
  await runStages(context, sink, failure)
  return progress
}

/** Runs the stages side by side. Each ends when the one before has; the first failure stops them all and is what is thrown. */
async function runStages(context: RunContext, sink: ManifestSink | null, failure: AbortController): Promise<void> {
  const annotated = new AbortController()
  const decided = new AbortController()
  let first: unknown = null
  const guard = async (work: Promise<void>, done: AbortController | null) => {
    try {
      await work
    } catch (error) {
      first ??= error
      failure.abort(error)
    } finally {
      done?.abort()
    }
  }
  await Promise.all([
    guard(runLoadStage(context), annotated),
    guard(runDecideStage(context, annotated.signal), decided),
    context.plan.tokenizer ? guard(runShardStage(context, decided.signal, sink), null) : null,
  ])
  if (first) throw first
}

async function openSink(context: RunContext): Promise<(ManifestSink & AsyncDisposable) | null> {
  const { plan, dir, progress } = context
  if (!plan.feed) return null
  const { endOfTextId } = plan.tokenizer!.options
  const feed = await openFeed(join(dir, 'feed'), {
    ...plan.feed,
    run: plan.name,
    shards: join(dir, 'shards'),
    tokenizer: plan.tokenizer!.options,
    fingerprint: plan.shardFingerprint,
    endOfText: typeof endOfTextId === 'number' ? endOfTextId : null,
  })
  return {
    add: async entry => {
      progress.steps = await feed.addManifest(entry)
    },
    end: async () => {
      progress.steps = await feed.end()
    },
    [Symbol.asyncDispose]: () => feed[Symbol.asyncDispose](),
  }
}

async function openRunFile(dir: string, plan: Plan, ref: PipelineRef): Promise<RunShape> {
  const path = join(dir, 'run.json')
  const mine: RunFile = {
    ...{ version: 1, pipeline: plan.name, module: ref.module, input: ref.input },
    ...{ partitions: 1, lanes: limits.lanes, slotBytes: limits.slotBytes },
    ...{
      annotate: plan.annotateFingerprint,
      decide: plan.decideFingerprint,
      shard: plan.shardFingerprint,
      feed: plan.feed,
      tokenizer: plan.tokenizer?.options ?? null,
    },
  }
  const known = await readRunFile(dir)
  if (known) {
    checkSameRun(dir, known, mine)
    return known
  }
  await writeDurably(path, [Buffer.from(`${JSON.stringify(mine, null, 2)}\n`)])
  return mine
}

/** A run's file, or null where there is no run. */
export async function readRunFile(dir: string): Promise<RunFile | null> {
  const text = await readFile(join(dir, 'run.json'), 'utf8').catch(error => {
    if (error.code === 'ENOENT') return null
    throw wrapDiskError(error, `reading ${join(dir, 'run.json')}`)
  })
  return text === null ? null : parseRunFile(join(dir, 'run.json'), text)
}

function parseRunFile(path: string, text: string): RunFile {
  let run: RunFile | null = null
  try {
    run = JSON.parse(text)
  } catch {
    // Said below.
  }
  if (run?.version === 1 && run.partitions > 0 && run.lanes > 0) return run
  throw new HeadraceError('corrupt', `${path} is no run file of this version: restore it, or begin another run`)
}

function checkSameRun(dir: string, known: RunFile, mine: RunFile): void {
  for (const part of ['annotate', 'decide', 'shard', 'feed', 'input'] as const) {
    const [then, now] = [JSON.stringify(known[part]), JSON.stringify(mine[part])]
    if (then !== now)
      throw new HeadraceError(
        'bad-pipeline',
        `the run in ${dir} was begun with another pipeline: ${part} was ${then} and is ${now}; begin another with --run NAME, or undo the change`,
      )
  }
}
