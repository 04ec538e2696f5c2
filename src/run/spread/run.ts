import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { makeFolder } from '../../disk/durable-file.ts'
import { lockDirectory } from '../../disk/lock.ts'
import { HeadraceError } from '../../errors.ts'
import { limits } from '../../limits.ts'
import type { Share } from '../../log/log.ts'
import { bindingOf } from '../../record/binding.ts'
import { type StageName, stageNames, topics } from '../../record/layout.ts'
import { openKafka, prepareTopics } from '../../record/open-log.ts'
import { slotAppend } from '../../record/slots.ts'
import { admitNow, enterRun, type Start, segmentOf } from '../admit.ts'
import type { ShareChange } from '../events.ts'
import { Lead } from '../lead.ts'
import { loadAll } from '../load/load-stage.ts'
import { Pool } from '../measure/pool.ts'
import { identifyPlan } from '../measure/same-plan.ts'
import type { WatchedOptions } from '../options.ts'
import { ownStage } from '../own-stage.ts'
import { openRedriveInbox } from '../redrive/redrive-inbox.ts'
import { openRetention } from '../retention.ts'
import { shardAll } from '../shard/shard-stage.ts'
import { openSink } from '../shard/sink.ts'
import { annotatePartition, type SpreadContext } from './annotate-stage.ts'
import { claimStage } from './claim.ts'
import { DecideSeat } from './decide-seat.ts'
import { encodeRaw } from './raw.ts'
import { Shares } from './shares.ts'
import { slotOfSnapshot } from './snapshot.ts'
import { trackRun } from './tracker.ts'
import { checkUpgraded, endUpgrade, upgradeRun } from './upgrade.ts'

type KafkaLog = Awaited<ReturnType<typeof openKafka>>

/**
 * Takes part in a run that several processes share, until the run has ended or `drain` aborts. They share the partitions of annotating,
 * for which a process needs the brokers alone. Loading, deciding and sharding have one owner each; who stands by must see the run's folder.
 */
export async function runSpread(start: Start, options: WatchedOptions): Promise<void> {
  const { dir, plan, ref, place } = start
  const { watch, drain } = options
  const stages = (options.stages ?? stageNames).filter(stage => stage !== 'shard' || plan.tokenizer)
  const hasFolder = stages.some(stage => stage !== 'annotate')
  await using log = await openKafka(dir, place)
  const found = hasFolder ? await prepareRun(start, log, options) : await findRun(log, place, drain)
  if (!found) return
  const { shape, binding } = found
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
  const work = { context, start, log, options, isDraining: drain.aborted }
  await using seat = stages.includes('decide')
    ? await DecideSeat.open(context, options.state ?? join(dir, 'state'), fail)
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
  readonly start: Start
  readonly log: KafkaLog
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
  const { context, start, isDraining } = work
  const { dir, plan, shape } = context
  const slotsMax = () => Math.ceil((context.pool.size * limits.slotsInFlightPerWorker) / shares.count(stage)) + 1
  if (stage === 'annotate') return annotatePartition(context, partition, stop, slotsMax)
  if (stage === 'load' && isDraining) return
  // Looked at first, so that a process of an old pipeline takes no stage from one of the new.
  await checkUpgraded(start)
  await using owner = await ownStage(context, stage as StageName)
  // Its files are claimed once the log has made this process the owner, and the pipeline must still be the run's then.
  const checkOwner = await claimStage(dir, stage)
  const { segments, pipeline } = await checkUpgraded(start)
  // Loading is held back by what the log says of the others, whoever does their work: they have nothing to report here.
  const ordered = { ...context, segments, checkOwner, lead: new Lead([]) }
  const failed = AbortSignal.any([context.failed, stop])
  if (stage === 'decide') {
    await using retention = openRetention(ordered, work.log, work.options, { lastingSlot: slotOfSnapshot })
    await seat!.decide({ ...ordered, failed }, owner, stop, slot => retention.sealed(slot))
  } else if (stage === 'load') {
    const fingerprint = plan.annotateFingerprint
    // What was read is committed, also when the share is given back.
    const loading = { ...ordered, drain: AbortSignal.any([context.drain, stop]), lead: context.lead }
    await loadAll(loading, owner, {
      // Who annotates must be of the pipeline that loaded.
      encode: async (slot, chunks) => [
        slotAppend(topics.raw, slot, shape.partitions, encodeRaw(chunks), { fingerprint }),
      ],
      openMore: openRedriveInbox(loading),
    })
  } else {
    await using sink = await openSink(ordered, pipeline)
    await shardAll({ ...ordered, failed }, owner, stop, sink)
  }
}

/** What a process is told of the run that it takes part in. */
type Found = Pick<SpreadContext, 'shape' | 'binding'>

/** Makes the run, or finds it as it is; processes that begin at once do so one after the other. */
async function prepareRun(start: Start, log: KafkaLog, { isUpgrade = false, note }: WatchedOptions): Promise<Found> {
  const { dir, place } = start
  await makeFolder(dir)
  await using _ = await lockSoon(dir)
  await endUpgrade(dir)
  // They are asked how far the run is, also by one that died before it had made them.
  await prepareTopics(log, place, note)
  const admission = await admitNow(start, log, isUpgrade)
  const isChange = admission.kind === 'upgrade'
  const run = await (isChange ? upgradeRun(start, log) : enterRun(start, admission))
  const { partitions, lanes, spread } = run
  if (!spread)
    throw new HeadraceError('bad-option', `the run in ${dir} is one process's: begin another with --run NAME`)
  return { shape: { partitions, lanes, spread }, binding: bindingOf(run) }
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
async function findRun(log: KafkaLog, place: Start['place'], drain: AbortSignal): Promise<Found | null> {
  for (;;) {
    const partitions = await log.partitionsOf(topics.raw)
    if (partitions > 0) return { shape: { partitions, lanes: place.lanes, spread: true }, binding: null }
    if (drain.aborted) return null
    await sleep(1000, undefined, { signal: drain }).catch(() => {})
  }
}
