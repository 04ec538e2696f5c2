import { open, statfs } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { refuseOtherRun } from '../decide/tables/state-file.ts'
import { listFiles, readText, sizeOf } from '../disk/files.ts'
import { findLockHolder, type LockHolder, refuseLocked } from '../disk/lock.ts'
import { HeadraceError } from '../errors.ts'
import { readHead } from '../feed/files/head.ts'
import { ledgerPath } from '../feed/files/ledger.ts'
import { listJournal } from '../log/journal/files.ts'
import { scanFile } from '../log/journal/segment.ts'
import { fingerprintState } from '../pipeline/fingerprint.ts'
import { leavesBand } from '../pipeline/guard.ts'
import type { Plan } from '../pipeline/plan.ts'
import { bindingOf, findBreak } from '../record/binding.ts'
import { chooseFrom } from '../record/choices.ts'
import { controlRequests } from '../record/control-request.ts'
import { findDead } from '../record/dead-records.ts'
import { findHold, heldError } from '../record/hold.ts'
import { stageNames } from '../record/layout.ts'
import { readManifest } from '../record/manifest.ts'
import { firstOpenSlot } from '../record/notes.ts'
import { listRequests } from '../record/redrive-request.ts'
import { findReferrers } from '../record/referrers.ts'
import { refuseChanged, refuseFollow, refuseMissing, refuseTables, refuseTrimmedTables } from '../record/refusals.ts'
import { listReleases } from '../record/release.ts'
import type { RunReader } from '../record/run-reader.ts'
import { findOtherTables, type Sealed } from '../record/sequel.ts'
import { readSplits, stampsOf } from '../record/splits.ts'
import { readStanding, type Standing } from '../record/standing.ts'
import type { Trip } from '../record/trip.ts'
import type { Split } from '../sources/source.ts'
import { Check } from '../verify/check.ts'
import { findStates, findTablesOwner, verifyState } from '../verify/state.ts'

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
  /** The run's, by which files of another run are told from its own; null for a run of an older version. */
  readonly id: string | null
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
  /** Steps that the log says were published at the end, where the feed's head is gone: they are published again. Otherwise 0. */
  readonly lostSteps: number
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
  /** The folder of the run whose rows this one refers to, or null, and those of the runs that refer to its own. */
  readonly references: { readonly to: string | null; readonly by: readonly string[] }
  /** Dead records that 'headrace redrive' would read again, by reason. */
  readonly dead: Readonly<Record<string, number>>
}

/** What a start finds, and what would end it: the first that it meets before its pipeline is held against the run's, and behind that. */
export interface Examination {
  readonly found: Diagnosis
  readonly before: HeadraceError | null
  /** What can't be read of the log, or is not of this run and of one time. */
  readonly broken: HeadraceError | null
  readonly behind: HeadraceError | null
  /** Where the stages stand; null where the log can't be read. */
  readonly standing: Standing | null
}

/** Looks at all that a start looks at, and does nothing. `plan` is the pipeline as it is now, null where none was loaded. */
export async function examineRun(run: RunReader, plan: Plan | null): Promise<Examination> {
  const { dir } = run
  const holder = await findLockHolder(dir)
  const log = await attempt(readLog(run), { standing: null, splits: [], dead: {}, strays: [] })
  const { standing, splits, dead, strays } = log.value
  const feed = await attempt(findFeed(dir), null)
  const waiting = await attempt(findWaiting(dir, standing), null)
  const { base, replays, id } = run.run
  // A replay takes its slots from the log of another run.
  const input = await checkInput(replays ? null : plan, splits)
  const broken = await attempt(findBreak(dir, run.run, run.log), null)
  const tables = await findTables(run, standing?.decide.slot ?? null)
  const { slots: stateSlots } = tables
  const tails = await Promise.all(stageNames.map(stage => findTail(dir, stage)))
  const { bytes, drafts } = await measure(dir)
  const { bavail, bsize } = await statfs(dir)
  const readBytes = standing?.load.readBytes ?? 0
  const found = {
    id: run.run.id ?? null,
    holder,
    stages: standing ? stagesOf(run, standing) : [],
    tails: tails.filter(tail => tail !== null),
    stateSlots,
    open: openOf(run, standing),
    leftovers: [...drafts, ...strays],
    feed: feed.value,
    lostSteps: feed.value || feed.failure ? 0 : (standing?.shard.fed?.steps ?? 0),
    input: input.state,
    disk: { freeBytes: bavail * bsize, runBytes: bytes, readBytes, perByteRead: readBytes ? bytes / readBytes : null },
    hold: waiting.value?.hold ?? null,
    references: { to: base ? join(dir, base.dir) : null, by: await findReferrers(dir, id) },
    dead,
  }
  const locked = holder && holder.state !== 'dead' ? refuseLocked(dir, holder) : null
  const changed = standing && judgeInput(dir, standing, replays ? null : plan, input)
  const held = judgeHold(dir, waiting.value?.held ?? [], plan)
  return {
    found,
    before: locked,
    broken: log.failure ?? broken.failure ?? broken.value,
    behind: feed.failure ?? changed ?? tables.failure ?? waiting.failure ?? held,
    standing,
  }
}

/** What comes of the work, or the damage that it met. */
async function attempt<T, U>(work: Promise<T>, otherwise: U) {
  try {
    return { value: await work, failure: null }
  } catch (error) {
    if (error instanceof HeadraceError && error.code === 'corrupt') return { value: otherwise, failure: error }
    throw error
  }
}

/** Where the stages stand, what the input and the dead records are, and shards that no commit has. */
async function readLog({ dir, log, run }: RunReader) {
  const standing = await readStanding(log, run)
  const splits = await readSplits(log, run)
  const { reasons } = await findDead({ log, shape: run }, splits, [])
  const shards = new Set(await listFiles(join(dir, 'shards')))
  for await (const { path } of readManifest(log)) shards.delete(path)
  const strays = [...shards].filter(path => !path.endsWith('.tmp')).map(path => `shards/${path}`)
  return { standing, splits, dead: reasons, strays }
}

function stagesOf({ run }: RunReader, { load, annotated, decide, shard }: Standing): StageState[] {
  const stageOf = (stage: string, slots: number, before: number, isEnded: boolean) => {
    return { stage, slots, behind: before - slots, isEnded }
  }
  return [
    stageOf('annotate', annotated, annotated, load.ended),
    stageOf('decide', decide.slot, annotated, decide.ended),
    ...(run.tokenizer === null ? [] : [stageOf('shard', shard.slot, decide.slot, shard.ended)]),
  ]
}

function openOf({ run }: RunReader, standing: Standing | null): Diagnosis['open'] {
  if (!standing || run.tokenizer === null) return { domains: 0, from: 0, slots: 0 }
  const { shard, decide } = standing
  const from = firstOpenSlot(shard.domains, shard.slot)
  const domains = Object.values(shard.domains).filter(({ openFrom }) => openFrom >= 0).length
  return { domains, from, slots: shard.ended ? 0 : Math.max(0, decide.slot - from) }
}

/** Input of a run that has ended may change, and can't be followed. */
function judgeInput(
  dir: string,
  { load }: Standing,
  plan: Plan | null,
  { changed, failure }: { readonly changed: HeadraceError | null; readonly failure: HeadraceError | null },
) {
  if (!load.ended) return changed ?? failure
  if (plan?.source.options.follow) return refuseFollow(dir)
  // What was read is needed no more.
  return failure?.code === 'not-found' ? null : failure
}

/** What holds the run still: a guard may have another band by now. */
function judgeHold(dir: string, trips: readonly Trip[], plan: Plan | null) {
  // Without the pipeline, its guards are taken for those that hold the run.
  const isOutside = ({ guard, rows, removed }: Trip) =>
    plan === null || plan.guards.some(one => one.name === guard && leavesBand(one, rows, removed))
  const left = trips.filter(isOutside)
  return left.length > 0 ? heldError(dir, { version: 1, slot: left[0].slot, trips: left }) : null
}

async function findTail(dir: string, stage: string): Promise<Tail | null> {
  const { files } = await listJournal(join(dir, 'log', stage))
  const last = files.at(-1)
  if (!last) return null
  await using handle = await open(last.path, 'r')
  const { rest, size, fileSize } = await scanFile(handle, last.commit, Number.POSITIVE_INFINITY)
  if (rest === 'none' || rest === 'ignored') return null
  return { file: relative(dir, last.path), at: size, bytes: fileSize - size, isDamage: rest === 'damaged' }
}

/** How far the newest tables are, null where no decider has any, and what a start that opens them is refused for. */
async function findTables({ dir, run, log, first }: RunReader, decided: number | null) {
  const owner = { identity: run.segments[0].state, run: bindingOf(run) }
  const check = new Check('state', 'seals')
  const hasTables = owner.identity !== fingerprintState([], new Map())
  let newest: Sealed | null = null
  for (const file of await findStates(dir)) {
    const path = join(dir, file.path)
    const found = await findTablesOwner(path)
    if (found && found.run !== owner.run) return { slots: 0, failure: refuseOtherRun(path) }
    const sealed = await verifyState(dir, file, owner, check)
    if (sealed && sealed.slot >= (newest?.slot ?? 0)) newest = sealed
  }
  const slots = newest?.slot ?? (hasTables ? 0 : null)
  if (slots === null || decided === null) return { slots, failure: null }
  if (slots > decided) return { slots, failure: refuseTables(dir, slots, decided) }
  const isCut = hasTables && slots < Math.min(first, decided)
  if (isCut) return { slots, failure: refuseTrimmedTables(dir, slots, first) }
  const other = newest && (await attempt(findOtherTables(dir, run, log, newest, first), null))
  return { slots, failure: other?.value ?? null }
}

async function findFeed(dir: string): Promise<Diagnosis['feed']> {
  const head = await readHead(join(dir, 'feed'))
  if (!head) return null
  const { steps, ended, segmentSteps } = head
  const text = (await readText(join(dir, 'feed', ledgerPath(steps, segmentSteps)))) ?? ''
  const lines = text.split('\n').filter(Boolean).length
  return { steps, isEnded: ended, tailLines: Math.max(0, lines - (steps % segmentSteps)) }
}

/** Reads what people asked for, as a start does: what holds the run, and the groups of it that nobody has released. */
async function findWaiting(dir: string, standing: Standing | null) {
  if (!standing) return null
  if (!standing.load.ended) await listRequests(dir)
  await controlRequests.list(dir)
  const found = await findHold(dir, standing.decide.slot)
  const { held } = chooseFrom(await listReleases(dir), found?.trips ?? [])
  return { hold: found && { slot: found.slot, trips: found.trips, isReleased: held.length === 0 }, held }
}

/** Compares what the source has now with the stamps that the run has recorded. */
async function checkInput(plan: Plan | null, known: readonly Split[]) {
  const stamps = stampsOf(known)
  const now: Split[] = []
  const failure = await listSplits(plan, known, now)
  const names = new Set(now.map(({ name }) => name))
  const changed = now.filter(({ name, stamp }) => stamps.has(name) && stamps.get(name) !== stamp)
  const unchecked = plan ? (failure?.message ?? null) : 'the pipeline is not loaded'
  // A split that is read again is of a file that is compared by its own name.
  const missing = [...stamps.keys()].filter(name => !names.has(name) && !name.startsWith('redrive/'))
  const state: InputState = {
    splits: stamps.size,
    missing: unchecked === null ? missing : [],
    changed: changed.map(({ name }) => name),
    fresh: [...names].filter(name => !stamps.has(name)).length,
    unchecked,
  }
  const [first] = changed
  if (first) return { state, failure, changed: refuseChanged(first, stamps.get(first.name)!) }
  const missingNow = plan ? await findMissing(plan, known, state.missing) : []
  return { state, failure, changed: missingNow.length > 0 ? refuseMissing(missingNow, known.length) : null }
}

/** The splits that a start would miss: other patterns may leave out one that is there, and what a follower has read may be cleared away. */
async function findMissing({ source }: Plan, known: readonly Split[], names: readonly string[]): Promise<Split[]> {
  if (source.options.follow) return []
  const unlisted = new Set(names)
  const missing: Split[] = []
  for (const split of known.filter(({ name }) => unlisted.has(name)))
    if ((await source.stamp?.(split.name).catch(() => null)) == null) missing.push(split)
  return missing
}

/** Adds what the source has to `now`. Returns why it can't be listed. */
async function listSplits(plan: Plan | null, known: readonly Split[], now: Split[]): Promise<HeadraceError | null> {
  if (!plan) return null
  const signal = plan.source.options.follow ? AbortSignal.timeout(followMs) : new AbortController().signal
  try {
    for await (const split of plan.source.splits(signal, known)) now.push(split)
    return null
  } catch (error) {
    if (error instanceof HeadraceError) return error
    throw error
  }
}

/** A source that never ends is asked for so long what it has. */
const followMs = 1000

/** Bytes of the run's files, and those of them that were being written. */
async function measure(dir: string): Promise<{ bytes: number; drafts: string[] }> {
  const files = await listFiles(dir)
  let bytes = 0
  for (const file of files) bytes += (await sizeOf(join(dir, file))) ?? 0
  return { bytes, drafts: files.filter(file => /\.(tmp|draft)$|(^|\/)lock\.[^/]*$/.test(file)) }
}
