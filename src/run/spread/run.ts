import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { makeFolder } from '../../disk/durable-file.ts'
import { lockDirectory } from '../../disk/lock.ts'
import { HeadraceError } from '../../errors.ts'
import { limits } from '../../limits.ts'
import type { Log, Share } from '../../log/log.ts'
import { bindingOf } from '../../record/binding.ts'
import { JoinedLog } from '../../record/joined-log.ts'
import { hasTextTopic, type StageName, stageNames, topics } from '../../record/layout.ts'
import { openBase, openKafka, prepareTopics, withTexts } from '../../record/open-log.ts'
import { readRunFile } from '../../record/run-file.ts'
import { admitNow, enterRun, type Start, segmentOf } from '../admit.ts'
import type { RunContext } from '../context.ts'
import type { ShareChange } from '../events.ts'
import { Lead } from '../lead.ts'
import { Pool } from '../measure/pool.ts'
import { identifyPlan } from '../measure/same-plan.ts'
import type { WatchedOptions } from '../options.ts'
import { ownStage } from '../own-stage.ts'
import { placeReplay } from '../replay/begin.ts'
import { openReplay } from '../replay/open-replay.ts'
import type { Replay } from '../replay/replay-stage.ts'
import { openTokens } from '../replay/reuse-tokens.ts'
import { openRetention } from '../retention.ts'
import { shardAll } from '../shard/shard-stage.ts'
import { openSink } from '../shard/sink.ts'
import { TextRemoval } from '../text-removal.ts'
import { annotatePartition, type SpreadContext } from './annotate-stage.ts'
import { claimStage } from './claim.ts'
import { DecideSeat } from './decide-seat.ts'
import { checkLateSource } from './late-source.ts'
import { loadRaw } from './load-share.ts'
import { Shares } from './shares.ts'
import { slotOfSnapshot } from './snapshot.ts'
import { trackRun } from './tracker.ts'
import { checkUpgraded, endUpgrade, upgradeRun } from './upgrade.ts'

type KafkaLog = Awaited<ReturnType<typeof openKafka>>

/**
 * Takes part in a run that several processes share, until the run has ended or `drain` aborts. They share the partitions of annotating,
 * for which a process needs the brokers alone. Loading, deciding and sharding have one owner each; who stands by must see the run's folder.
 */
export async function runSpread(asked: Start, options: WatchedOptions): Promise<void> {
  const { dir, plan, ref, place } = asked
  const { watch, drain } = options
  const stages = (options.stages ?? stageNames).filter(stage => stage !== 'shard' || plan.tokenizer)
  const hasFolder = stages.some(stage => stage !== 'annotate')
  await using log = await openKafka(dir, place)
  await using opened = new AsyncDisposableStack()
  const found = hasFolder ? await prepareRun(asked, log, options, opened) : await findRun(asked, log, drain)
  if (!found) return
  const { shape, binding, start, replay } = found
  watch({ kind: 'opened', log: 'kafka', stages })
  const workerRef = { ...ref, identity: identifyPlan(plan) }
  await using pool = new Pool(options.workers, workerRef, { onLost: lost => watch({ kind: 'worker-lost', ...lost }) })
  const failure = new AbortController()
  const fail = (error: unknown) => failure.abort(error)
  const segments = [segmentOf(plan)]
  const lead = new Lead(plan.tokenizer ? ['decide', 'shard'] : ['decide'])
  const { signal: failed } = failure
  const checkOwner = () => {}
  const context: SpreadContext = {
    dir,
    plan,
    shape,
    segments,
    binding,
    log,
    pool,
    lead,
    drain,
    failed,
    watch,
    checkOwner,
  }
  const needsLate = stages.includes('shard') || (plan.storedText === 'kept' && stages.includes('decide'))
  const reusing = replay && needsLate ? opened.use(await openTokens(pool, plan, replay, failed)) : null
  if (reusing?.late) await checkLateSource({ plan, log, late: reusing.late, note: options.note })
  // Whoever annotates reads what was loaded; the stages behind see a replay's entries joined.
  const ordered: RunContext = { ...context, log: found.view, pool: reusing?.work ?? pool }
  const work = { context, ordered, start, log, replay, options, isDraining: drain.aborted }
  await using seat = stages.includes('decide')
    ? await DecideSeat.open(ordered, options.state ?? join(dir, 'state'), fail)
    : null
  const tell = (shares: readonly Share[], change: ShareChange | null) => watch({ kind: 'shares', shares, change })
  const held: Shares = new Shares((share, stop) => doWork(share, stop, work, seat, held), fail, tell)
  const stop = AbortSignal.any([failed, ...(work.isDraining ? [] : [drain])])
  {
    await using membership = await log.join(stages, held)
    membership.failed.catch(fail)
    tell([], null)
    await trackRun({ context, hasFolder, isDraining: work.isDraining }, stop)
  }
  failed.throwIfAborted()
}

interface Work {
  readonly context: SpreadContext
  /** Of the stages that have one owner. */
  readonly ordered: RunContext
  readonly start: Start
  readonly log: KafkaLog
  readonly replay: Replay | null
  readonly options: WatchedOptions
  readonly isDraining: boolean
}

/** Does the work of a share, as the stage's function does it where one process does all. */
async function doWork(
  { stage, partition }: Share,
  stop: AbortSignal,
  work: Work,
  seat: DecideSeat | null,
  shares: Shares,
): Promise<void> {
  const { context, start, replay, isDraining } = work
  const slotsMax = () => Math.ceil((context.pool.size * limits.slotsInFlightPerWorker) / shares.count(stage)) + 1
  if (stage === 'annotate') return annotatePartition(context, partition, stop, slotsMax)
  if (stage === 'load' && isDraining) return
  // Looked at first, so that a process of an old pipeline takes no stage from one of the new.
  await checkUpgraded(start)
  await using owner = await ownStage(context, stage as StageName)
  // Its files are claimed once the log has made this process the owner, and the pipeline must still be the run's then.
  const checkOwner = await claimStage(context.dir, stage)
  const run = await checkUpgraded(start)
  const { segments } = run
  // Loading is held back by what the log says of the others, whoever does their work: they have nothing to report here.
  const ordered = { ...work.ordered, segments, checkOwner, lead: new Lead([]) }
  const failed = AbortSignal.any([context.failed, stop])
  await using removal = new TextRemoval(ordered, work.log)
  if (stage === 'decide') {
    await using retention = openRetention(ordered, work.log, work.options, { lastingSlot: slotOfSnapshot })
    await seat!.decide({ ...ordered, failed }, owner, stop, slot => {
      retention.sealed(slot)
      removal.decided(slot)
    })
    await removal.end()
  } else if (stage === 'load') {
    // What was read is committed, also when the share is given back.
    const loading = { ...ordered, drain: AbortSignal.any([context.drain, stop]), lead: context.lead }
    await loadRaw(loading, owner, replay)
  } else {
    await using sink = await openSink(ordered, run)
    await shardAll({ ...ordered, failed }, owner, stop, sink)
    await removal.end()
  }
}

/** What a process is told of the run that it takes part in. */
interface Found extends Pick<SpreadContext, 'shape' | 'binding'> {
  /** With the place that the run is given. */
  readonly start: Start
  /** The log as the stages behind annotating see it. */
  readonly view: Log
  readonly replay: Replay | null
}

/** Makes the run, or finds it as it is; processes that begin at once do so one after the other. `opened` holds what it leaves open. */
async function prepareRun(
  asked: Start,
  log: KafkaLog,
  options: WatchedOptions,
  opened: AsyncDisposableStack,
): Promise<Found> {
  const { dir } = asked
  await makeFolder(dir)
  await using _ = await lockSoon(dir)
  await endUpgrade(dir)
  const { start, replay, view } = await placeSpread(asked, log, options, opened)
  // They are asked how far the run is, also by one that died before it had made them.
  const textTopic = hasTextTopic({ ...start.place, storedText: start.plan.storedText })
  await prepareTopics(log, { ...start.place, textTopic }, options.note)
  const admission = await admitNow(start, log, options.isUpgrade ?? false)
  const isChange = admission.kind === 'upgrade'
  const run = await (isChange ? upgradeRun(start, log) : enterRun(start, admission))
  const { partitions, lanes, spread } = run
  if (!spread)
    throw new HeadraceError('bad-option', `the run in ${dir} is one process's: begin another with --run NAME`)
  return { shape: { partitions, lanes, spread, textTopic }, binding: bindingOf(run), start, view, replay }
}

/** Where the run is, and of a replay what it is of: what can't be replayed is refused before anything is made. */
async function placeSpread(
  start: Start,
  log: KafkaLog,
  { replay: asked }: WatchedOptions,
  opened: AsyncDisposableStack,
): Promise<Pick<Found, 'start' | 'view' | 'replay'>> {
  const { dir, plan } = start
  const viewOf = (place: Start['place'], joined: Log) =>
    withTexts(dir, { ...place, storedText: plan.storedText }, joined)
  if (!asked) return { start, view: viewOf(start.place, log), replay: null }
  const place = await placeReplay(dir, await readRunFile(dir), start.place, asked)
  const { replay } = opened.use(await openReplay(dir, place, plan, asked))
  if (!place.base) return { start: { ...start, place }, view: viewOf(place, log), replay }
  const base = await openBase(dir, place.base)
  opened.use(base.log)
  return { start: { ...start, place }, view: viewOf(place, new JoinedLog(log, base)), replay }
}

/** How long another process may take to begin. */
const beginMsMax = 60_000

async function lockSoon(dir: string): ReturnType<typeof lockDirectory> {
  const end = performance.now() + beginMsMax
  for (;;) {
    try {
      return await lockDirectory(dir)
    } catch (error) {
      if (!(error instanceof HeadraceError) || error.code !== 'locked' || performance.now() > end) throw error
      await sleep(100)
    }
  }
}

/** A worker waits until the run's topics are there, which say how it is cut; null when it is stopped before. It sees no run file. */
async function findRun(start: Start, log: KafkaLog, drain: AbortSignal): Promise<Found | null> {
  for (;;) {
    const partitions = await log.partitionsOf(topics.raw)
    const textTopic = hasTextTopic({ ...start.place, storedText: start.plan.storedText })
    const shape = { partitions, lanes: start.place.lanes, spread: true, textTopic }
    if (partitions > 0) return { shape, binding: null, start, view: log, replay: null }
    if (drain.aborted) return null
    await sleep(1000, undefined, { signal: drain }).catch(() => {})
  }
}
