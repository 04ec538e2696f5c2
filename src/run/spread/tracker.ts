import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { readHead } from '../../feed/files/head.ts'
import type { Position } from '../../log/log.ts'
import type { StageName } from '../../record/layout.ts'
import { isEnded, readDecideNote, readLoadNote, readShardNote } from '../../record/notes.ts'
import { firstUnannotated, positionsOf } from '../../record/slots.ts'
import type { RunContext } from '../context.ts'

/** How often a process looks how far its run is, and how much longer for each partition that it asks for. */
const lookMs = 1000
const lookMsPerPartition = 20

/** What a process looks on at: the whole run, or what a worker without its folder can tell. */
export interface TrackedRun {
  readonly context: RunContext
  /** False for a process that annotates only. */
  readonly hasFolder: boolean
  /** Ends when what was loaded before is done, too. */
  readonly isDraining: boolean
}

/**
 * Keeps the progress of a spread run up to date, whoever works on it, until the run has ended, for which it returns true, or the signal
 * aborts. The loader's lead over the other stages is held back by what this finds.
 */
export async function trackRun(tracked: TrackedRun, signal: AbortSignal): Promise<boolean> {
  const waitMs = lookMs + lookMsPerPartition * tracked.context.shape.partitions
  while (!signal.aborted) {
    if (await look(tracked)) return true
    await sleep(waitMs, undefined, { signal }).catch(() => {})
  }
  return false
}

async function look({ context, hasFolder, isDraining }: TrackedRun): Promise<boolean> {
  const { log, shape, progress, plan, watch } = context
  const [load, decide, shard] = await Promise.all(['load', 'decide', 'shard'].map(stage => log.position(stage, 0)))
  const annotate = await positionsOf(log, 'annotate', shape.partitions)
  progress.annotated = firstUnannotated(load, annotate)
  progress.decided = decide.slot
  progress.sharded = shard.slot
  progress.readBytes = readLoadNote(load).readBytes
  progress.decide = readDecideNote(decide).totals
  progress.shard = readShardNote(shard).totals
  const slots: Partial<Record<StageName, number>> = {
    ...{ load: load.slot, annotate: progress.annotated, decide: decide.slot },
    ...(plan.tokenizer && { shard: shard.slot }),
  }
  watch?.({ kind: 'positions', slots })
  if (!hasFolder) return (isDraining && progress.annotated >= load.slot) || isAnnotated(annotate)
  const feedEnded = await lookAtFeed(context)
  const last = plan.tokenizer ? shard : decide
  return (isEnded([last]) && feedEnded) || (isDraining && isDrained(context, [load, decide]))
}

/** A worker's part has ended when all partitions have. */
function isAnnotated(positions: readonly Position[]): boolean {
  return positions.every(position => isEnded([position]))
}

/** Sharding commits when it seals, so that it is the next start that does what is open once more. */
function isDrained({ progress }: RunContext, [load, decide]: readonly Position[]): boolean {
  return progress.annotated >= load.slot && decide.slot >= load.slot
}

async function lookAtFeed({ dir, plan, progress }: RunContext): Promise<boolean> {
  if (!plan.feed) return true
  const head = await readHead(join(dir, 'feed'))
  progress.steps = head?.steps ?? 0
  return head?.ended === true
}
