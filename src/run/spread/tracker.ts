import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { readHead } from '../../feed/files/head.ts'
import { figuresOf } from '../../record/figures.ts'
import { wholePosition } from '../../record/long-notes.ts'
import { isEnded } from '../../record/notes.ts'
import { firstUnannotated, positionsOf } from '../../record/slots.ts'
import { standingAt } from '../../record/standing.ts'
import type { RunContext } from '../context.ts'

/** How often a process looks how far its run is, and how much longer for each partition that it asks for. */
const lookMs = 1000
const lookMsPerPartition = 20

interface TrackedRun {
  readonly context: RunContext
  /** False for a process that annotates only. */
  readonly hasFolder: boolean
  /** Ends when what was loaded before is done, too. */
  readonly isDraining: boolean
}

/** Tells how far all processes of a run are, also the loader, until `signal` aborts (false) or the run has ended or is drained (true). */
export async function trackRun(tracked: TrackedRun, signal: AbortSignal): Promise<boolean> {
  const waitMs = lookMs + lookMsPerPartition * tracked.context.shape.partitions
  while (!signal.aborted) {
    if (await look(tracked)) return true
    await sleep(waitMs, undefined, { signal }).catch(() => {})
  }
  return false
}

async function look({ context, hasFolder, isDraining }: TrackedRun): Promise<boolean> {
  const { dir, log, shape, plan, lead, watch } = context
  const load = await log.position('load', 0)
  const [decide, shard] = await Promise.all(
    (['decide', 'shard'] as const).map(async stage => wholePosition(log, stage, await log.position(stage, 0))),
  )
  const annotate = await positionsOf(log, 'annotate', shape.partitions)
  const annotated = firstUnannotated(load, annotate)
  const feed = hasFolder && plan.feed ? await readHead(join(dir, 'feed')) : null
  lead.report('decide', decide.slot)
  lead.report('shard', shard.slot)
  const slots = { load: load.slot, annotate: annotated, decide: decide.slot }
  watch({
    kind: 'positions',
    slots: plan.tokenizer ? { ...slots, shard: shard.slot } : slots,
    figures: { ...figuresOf(standingAt(load, annotated, decide, shard)), steps: feed?.steps ?? 0 },
  })
  // Sharding commits when it seals, so that it is the next start that does what is open once more.
  const isDone = annotated >= load.slot && (!hasFolder || decide.slot >= load.slot)
  if (isDraining && isDone) return true
  if (!hasFolder) return annotate.every(position => isEnded([position]))
  return isEnded([plan.tokenizer ? shard : decide]) && (!plan.feed || feed?.ended === true)
}
