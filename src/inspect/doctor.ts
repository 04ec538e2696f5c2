import { open, readdir, readFile, stat, statfs } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { findLockHolder, type LockHolder } from '../disk/lock.ts'
import { HeadraceError } from '../errors.ts'
import { ledgerPath } from '../feed/files/ledger.ts'
import { listJournal } from '../log/journal/files.ts'
import { scanFile } from '../log/journal/segment.ts'
import type { Plan } from '../pipeline/plan.ts'
import { isReleased } from '../record/choices.ts'
import { findDead } from '../record/dead-records.ts'
import { readHold } from '../record/hold.ts'
import { listEntries } from '../record/inbox.ts'
import { loaderOf } from '../record/layout.ts'
import { type DomainNote, firstOpenSlot, isEnded, readLoadNote, readShardNote } from '../record/notes.ts'
import type { RunReader } from '../record/run-reader.ts'
import { annotatedSlot } from '../record/slots.ts'
import { readSplits, stampsOf } from '../record/splits.ts'
import type { Trip } from '../record/trip.ts'
import type { Split } from '../sources/source.ts'
import { Check, isMissing } from '../verify/check.ts'
import { findHead } from '../verify/feed.ts'
import { openScan } from '../verify/scan.ts'
import { listShards, type Manifest, readVerifiedManifest } from '../verify/shards.ts'
import { findStates, verifyState } from '../verify/state.ts'

/** How far a stage is: slots committed, and how many fewer than the stage before. */
export interface StageState {
  readonly stage: string
  readonly slots: number
  readonly behind: number
  readonly isEnded: boolean
}

/** Bytes at the end of a file that are no whole frame, or, where they are `damage`, were committed once. */
export interface Tail {
  readonly file: string
  readonly at: number
  readonly bytes: number
  readonly isDamage: boolean
}

/** Whether the input is still what the run has read of it. `unchecked` says why that is not known. */
export interface InputState {
  readonly splits: number
  readonly missing: readonly string[]
  readonly changed: readonly string[]
  readonly fresh: number
  readonly unchecked: string | null
}

export interface Diagnosis {
  readonly holder: LockHolder | null
  readonly stages: readonly StageState[]
  readonly tails: readonly Tail[]
  /** Slots that the deciders' tables hold, of several the newest; those up to the deciding stage's are entered again. Null where no decider has a table. */
  readonly stateSlots: number | null
  /** Shards that a crash left open: filled again from slot `from` on. */
  readonly open: { readonly domains: number; readonly from: number; readonly slots: number }
  /** Files that a stop left half made; they are written again. */
  readonly leftovers: readonly string[]
  readonly feed: { readonly steps: number; readonly isEnded: boolean; readonly tailLines: number } | null
  readonly input: InputState
  readonly disk: {
    readonly freeBytes: number
    readonly runBytes: number
    readonly readBytes: number
    /** Bytes that the run has written for each byte read; null before it has read any. */
    readonly perByteRead: number | null
  }
  /** What a guard rail holds the run for, and whether that was released since. */
  readonly hold: { readonly slot: number; readonly trips: readonly Trip[]; readonly isReleased: boolean } | null
  /** Dead records that 'headrace redrive' would read again, by reason. */
  readonly dead: Readonly<Record<string, number>>
  /** What the run would be refused for, with the words of the refusal; null when nothing is in its way. */
  readonly refusal: string | null
}

const stageNames = ['annotate', 'decide', 'shard'] as const

/** Says what a start would find and do, without doing it. `plan` is the pipeline as it is now, or why it can't be loaded. */
export async function diagnoseRun(run: RunReader, plan: Plan | string): Promise<Diagnosis> {
  const { dir } = run
  const holder = await findLockHolder(dir)
  const tails = (await Promise.all(stageNames.map(stage => findTail(dir, stage)))).filter(tail => tail !== null)
  const stages = await readStages(run).catch(orRefusal)
  const splits = typeof stages === 'string' ? [] : await readSplits(run.log, run.run)
  const decided = typeof stages === 'string' ? 0 : stages.list[1].slots
  const input = await checkInput(plan, splits)
  const seen = await findHead(dir)
  const shardFiles = await listShards(dir)
  const [readBytes, domains] = typeof stages === 'string' ? [0, {}] : [stages.readBytes, stages.domains]
  // A run without a tokenizer has no third stage.
  const sharded = typeof stages === 'string' ? 0 : (stages.list[2]?.slots ?? 0)
  const from = firstOpenSlot(domains, sharded)
  const hold = await findHold(dir, decided)
  const { bytes: runBytes, drafts } = await measure(dir)
  const list = typeof stages === 'string' ? [] : stages.list
  return {
    ...{ holder, stages: list, tails, input, hold },
    stateSlots: await findState(run),
    open: { domains: openOf(domains), from, slots: list[2]?.isEnded ? 0 : Math.max(0, decided - from) },
    leftovers: [...drafts, ...(await findStrays(run, shardFiles))],
    feed: seen?.head ? await findFeed(dir, seen.head) : null,
    disk: {
      ...{ runBytes, readBytes, perByteRead: readBytes ? runBytes / readBytes : null },
      freeBytes: await statfs(dir).then(({ bavail, bsize }) => bavail * bsize),
    },
    dead: typeof stages === 'string' ? {} : (await findDead({ log: run.log, shape: run.run }, splits, [])).reasons,
    refusal: typeof stages === 'string' ? stages : judge(run, plan, input, list),
  }
}

/** What would refuse a start, in its order: the pipeline, then the input. */
function judge(run: RunReader, plan: Plan | string, input: InputState, stages: readonly StageState[]): string | null {
  const now = run.run.segments.at(-1)!
  if (typeof plan === 'string') return plan
  for (const [part, was, is] of [
    ['annotate', now.annotate, plan.annotateFingerprint],
    ['decide', now.decide, plan.decideFingerprint],
    ['shard', now.shard, plan.shardFingerprint],
  ])
    if (was !== is)
      return `the pipeline is not the one that the run was begun with (${part} differs): undo the change, or add --upgrade`
  if (input.changed.length && !stages[0].isEnded)
    return `${input.changed[0]} changed since this run began to read it: restore it, or begin another run`
  return null
}

interface Stages {
  readonly list: readonly StageState[]
  readonly readBytes: number
  readonly domains: Readonly<Record<string, DomainNote>>
}

async function readStages({ log, run }: RunReader): Promise<Stages> {
  const [load, ...others] = await Promise.all(
    [loaderOf(run).stage, 'decide', 'shard'].map(stage => log.position(stage, 0)),
  )
  const positions = [{ ...load, slot: await annotatedSlot(log, run) }, ...others]
  const names = run.tokenizer === null ? stageNames.slice(0, 2) : stageNames
  const list = names.map((stage, i) => ({
    stage,
    slots: positions[i].slot,
    behind: i === 0 ? 0 : positions[i - 1].slot - positions[i].slot,
    isEnded: isEnded([positions[i]]),
  }))
  return { list, readBytes: readLoadNote(positions[0]).readBytes, domains: readShardNote(positions[2]).domains }
}

function orRefusal(error: unknown): string {
  if (error instanceof HeadraceError && error.code === 'corrupt') return error.message
  throw error
}

function openOf(domains: Readonly<Record<string, DomainNote>>): number {
  return Object.values(domains).filter(({ openFrom }) => openFrom >= 0).length
}

async function findTail(dir: string, stage: string): Promise<Tail | null> {
  const { files } = await listJournal(join(dir, 'log', stage))
  const last = files.at(-1)
  if (!last) return null
  const handle = await open(last.path, 'r')
  try {
    const { rest, size, fileSize } = await scanFile(handle, last.commit, Number.POSITIVE_INFINITY)
    if (rest === 'none' || rest === 'ignored') return null
    return { file: relative(dir, last.path), at: size, bytes: fileSize - size, isDamage: rest === 'damaged' }
  } finally {
    await handle.close()
  }
}

async function findState({ dir, run }: RunReader): Promise<number | null> {
  const check = new Check('state', 'seals')
  const slots: number[] = []
  for (const file of await findStates(dir)) {
    const reach = await verifyState(dir, file, run.segments[0].state, check)
    if (reach) slots.push(reach.slot)
  }
  return slots.length > 0 ? Math.max(...slots) : null
}

async function findStrays(run: RunReader, files: readonly string[]): Promise<string[]> {
  const check = new Check('manifest', 'shards')
  await using scan = await openScan(run, 'shard', check)
  const { entries }: Manifest = await readVerifiedManifest(scan, run.run, check)
  const known = new Set(entries.map(entry => entry.path))
  return files.filter(file => !known.has(file) && !file.endsWith('.tmp')).map(file => `shards/${file}`)
}

async function findFeed(dir: string, head: { steps: number; ended: boolean; segmentSteps: number }) {
  const path = join(dir, 'feed', ledgerPath(head.steps, head.segmentSteps))
  const text = (await readFile(path, 'utf8').catch(orNull)) ?? ''
  const lines = text.split('\n').filter(Boolean).length
  return { steps: head.steps, isEnded: head.ended, tailLines: Math.max(0, lines - (head.steps % head.segmentSteps)) }
}

async function findHold(dir: string, decided: number): Promise<Diagnosis['hold']> {
  const hold = await readHold(dir)
  if (!hold || hold.slot !== decided) return null
  const entries = await listEntries(dir)
  const isOver = hold.trips.every(trip => entries.some(({ release }) => isReleased(release, trip)))
  return { slot: hold.slot, trips: hold.trips, isReleased: isOver }
}

/** Compares what the source has now with the stamps that the run has recorded. */
async function checkInput(plan: Plan | string, known: readonly Split[]): Promise<InputState> {
  const stamps = stampsOf(known)
  const state = { splits: stamps.size, missing: [], changed: [], fresh: 0, unchecked: null }
  if (typeof plan === 'string') return { ...state, unchecked: plan }
  const now = new Map<string, string>()
  const signal = plan.source.options.follow ? AbortSignal.timeout(followMs) : new AbortController().signal
  try {
    for await (const { name, stamp } of plan.source.splits(signal, known)) now.set(name, stamp)
  } catch (error) {
    if (!(error instanceof HeadraceError)) throw error
    return { ...state, unchecked: error.message }
  }
  // A split that is read again is of a file that is compared by its own name.
  const files = [...stamps].filter(([name]) => !name.startsWith('redrive/'))
  return {
    splits: stamps.size,
    missing: files.filter(([name]) => !now.has(name)).map(([name]) => name),
    changed: files.filter(([name, stamp]) => now.has(name) && now.get(name) !== stamp).map(([name]) => name),
    fresh: [...now.keys()].filter(name => !stamps.has(name)).length,
    unchecked: null,
  }
}

/** A source that never ends is asked for so long what it has. */
const followMs = 1000

/** Bytes of the run's files, and those of them that were being written. */
async function measure(dir: string): Promise<{ bytes: number; drafts: string[] }> {
  let bytes = 0
  const drafts: string[] = []
  for (const entry of await readdir(dir, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    bytes += (await stat(path).catch(orNull))?.size ?? 0
    if (/\.(tmp|draft)$|^lock\./.test(entry.name)) drafts.push(relative(dir, path))
  }
  return { bytes, drafts: drafts.sort() }
}

function orNull(error: unknown): null {
  if (isMissing(error)) return null
  throw error
}
