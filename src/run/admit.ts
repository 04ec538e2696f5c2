import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join, normalize } from 'node:path'
import { canonicalJson } from '../canonical-json.ts'
import { HeadraceError } from '../errors.ts'
import { limits } from '../limits.ts'
import type { Log } from '../log/log.ts'
import type { LogPlace } from '../log/place.ts'
import { fingerprintSource } from '../pipeline/fingerprint.ts'
import type { Plan } from '../pipeline/plan.ts'
import { findBreak } from '../record/binding.ts'
import { loaderOf, type RunShape } from '../record/layout.ts'
import { recordReasons } from '../record/reasons.ts'
import { refuseLostRunFile } from '../record/refusals.ts'
import { type RunFile, readRunFile, type Segment, writeRunFile } from '../record/run-file.ts'
import { readStanding, type Standing } from '../record/standing.ts'
import type { PipelineRef } from './measure/jobs.ts'
import { judgeText, textTables } from './text-tables.ts'

/** Which pipeline is to run in which folder, and where the run's log is. */
export interface Start {
  readonly dir: string
  readonly plan: Plan
  readonly ref: PipelineRef
  readonly place: LogPlace & RunShape & Pick<RunFile, 'replays' | 'base' | 'recall'>
}

/** Whether a start may go on, as what, and what `run.json` says from then on: `isNew` where that is to be written first. */
export type Admission =
  | { readonly kind: 'begin' | 'go-on' | 'upgrade'; readonly run: RunFile; readonly isNew: boolean }
  | { readonly kind: 'refused'; readonly error: HeadraceError }

/** What a start may ask for: each is the run's own where it is not given. */
type AskedPlace = Partial<RunShape> & {
  readonly log?: string | undefined
  readonly logConfig?: string | undefined
}

/** Judges a start by what `run.json` says, null for a new run. A changed pipeline takes effect where the run stands; null refuses it. */
export function admit(start: Start, known: RunFile | null, standing: Standing | null): Admission {
  const { dir, place } = start
  const mine = runFileOf(start)
  if (!known) return { kind: 'begin', run: mine, isNew: true }
  const otherText = judgeText(dir, known)
  if (otherText) return { kind: 'refused', error: otherText }
  const changes = findChanges(known, mine)
  // Where a process of a spread run reaches the log from is its own affair.
  const isMoved = !known.spread && (known.log !== place.log || known.logConfig !== place.logConfig)
  if (known.replays && !place.replays)
    return {
      kind: 'refused',
      error: new HeadraceError(
        'bad-option',
        `the run in ${dir} is a replay: go on with it by 'headrace replay', or begin another with --run NAME`,
      ),
    }
  if (changes.length === 0) return { kind: 'go-on', run: isMoved ? { ...known, ...place } : known, isNew: isMoved }
  if (!standing) return { kind: 'refused', error: refuseChanges(dir, changes, findFixed(known, mine) === null) }
  const why = findHindrance(known, mine, standing)
  if (why !== null) return { kind: 'refused', error: new HeadraceError('bad-pipeline', `the run in ${dir} ${why}`) }
  const { module, input } = mine
  const from = standing.decide.slot
  const segments = [...known.segments.filter(segment => segment.from < from), { ...lastOf(mine), from }]
  return { kind: 'upgrade', run: { ...known, ...place, module, input, segments }, isNew: true }
}

/** Judges a start by what is recorded now. A changed pipeline is refused, unless `isUpgrade`; so is what is not of one run and one time. */
export async function admitNow(start: Start, log: Log, isUpgrade: boolean): Promise<Admission> {
  const known = await readRunFile(start.dir)
  const judged = admit(start, known, known && isUpgrade ? await readStanding(log, known) : null)
  if (judged.kind === 'refused') return judged
  const error = known ? await findBreak(start.dir, known, log) : await findRemains(start, log)
  return error ? { kind: 'refused', error } : judged
}

/** What a run leaves that would be taken for a new one's; a feed may be given its mixture before there is a run. */
const remains = ['log', 'state', 'snapshot', 'shards', 'feed/head.json', 'trimmed.json']

/** Why a run can't begin: another has been here. */
async function findRemains({ dir, place }: Start, log: Log): Promise<HeadraceError | null> {
  const left = remains.filter(name => existsSync(join(dir, name)))
  if (left.length > 0) return refuseLostRunFile(dir, left)
  if (place.log === null) return null
  const { slot, note } = await log.position(loaderOf(place).stage, 0)
  return slot > 0 || note !== '' ? refuseLostRunFile(dir, [`topics with slots before ${slot}`]) : null
}

/** The run file that a start goes on with: it lasts before anything depends on it. Throws what the start is refused for. */
export async function enterRun({ dir }: Start, admission: Admission): Promise<RunFile> {
  if (admission.kind === 'refused') throw admission.error
  return admission.isNew ? writeRunFile(dir, admission.run) : admission.run
}

/** The run file of a folder, which must be there and of this very pipeline. */
export async function checkRunFile(start: Start): Promise<RunFile> {
  const known = await readRunFile(start.dir)
  if (!known) throw new HeadraceError('not-found', `the run in ${start.dir} is gone: it has no run.json`)
  return enterRun(start, admit(start, known, null))
}

/** Where a run's log is, and how it is cut: as the run file says, or for a new run as it was asked for. */
export function placeRun(dir: string, known: RunFile | null, asked: AskedPlace): LogPlace & RunShape {
  const { log = known?.log ?? null, logConfig = known?.logConfig ?? null } = asked
  if (known && (log === null) !== (known.log === null))
    throw new HeadraceError(
      'bad-option',
      `the log of the run in ${dir} is ${known.log ?? 'in that folder'} and can't become ${log}: begin another run with --run NAME`,
    )
  const { partitions = 1, lanes = limits.lanes, spread = false }: Partial<RunShape> = known ?? asked
  if (asked.spread && !spread)
    throw new HeadraceError(
      'bad-option',
      `the run in ${dir} is one process's and can't be spread: begin another with --run NAME`,
    )
  if (spread && log === null)
    throw new HeadraceError('bad-option', '--spread needs a log that all processes reach: add --log kafka://HOST:PORT')
  return { log, logConfig, partitions, lanes, ...(spread && { spread }) }
}

/** All slots as this pipeline decides them. */
export function segmentOf(plan: Plan): Segment {
  const { annotateFingerprint: annotate, decideFingerprint: decide, shardFingerprint: shard, tokensFingerprint } = plan
  return {
    from: 0,
    annotate,
    decide,
    shard,
    state: plan.stateFingerprint,
    origin: fingerprintSource(plan.source),
    columns: Object.fromEntries(plan.fingerprints),
    ...(tokensFingerprint !== null && { tokens: tokensFingerprint }),
    reasons: recordReasons(plan),
  }
}

function runFileOf({ plan, ref, place }: Start): RunFile {
  return {
    version: 1,
    id: randomUUID(),
    text: textTables(),
    pipeline: plan.name,
    module: ref.module,
    input: ref.input,
    source: plan.source.name,
    ...place,
    slotBytes: limits.slotBytes,
    segments: [segmentOf(plan)],
    feed: plan.feed,
    ...(plan.feed && { ledger: 2 as const }),
    ...(plan.storedText !== 'all' && { storedText: plan.storedText }),
    tokenizer: plan.tokenizer?.options ?? null,
  }
}

const lastOf = ({ segments }: RunFile): Segment => segments.at(-1)!

/** What a run was begun with, or upgraded to, and is otherwise now: each of these parts as words. */
function findChanges(known: RunFile, mine: RunFile, parts = Object.keys(partsOf(known))): string[] {
  const was = partsOf(known)
  const is = partsOf(mine)
  return parts
    .filter(part => canonicalJson(was[part]) !== canonicalJson(is[part]))
    .map(part => `${part} was ${JSON.stringify(was[part])} and is ${JSON.stringify(is[part])}`)
}

function partsOf(run: RunFile): Record<string, unknown> {
  const { annotate, decide, shard } = lastOf(run)
  const { source, tokenizer, feed, slotBytes } = run
  const input = namesOf(run.input)
  const { storedText: stored = 'all' } = run
  return { annotate, decide, shard, source, input, tokenizer, feed, slotBytes, 'stored text': stored }
}

/** Patterns that give the same files, which are read in the order of their own names, as one list. */
function namesOf(input: readonly string[]): string[] {
  const names = input.map(pattern => normalize(pattern).replace(/(?<=.)\/$/, ''))
  return [...new Set(names)].sort()
}

function refuseChanges(dir: string, changes: readonly string[], canUpgrade: boolean): HeadraceError {
  const advice = canUpgrade ? 'add --upgrade to let the change take effect from here on, ' : ''
  return new HeadraceError(
    'bad-pipeline',
    `the run in ${dir} was begun with another pipeline: ${changes.join('; ')}; ${advice}begin another with --run NAME, or undo it`,
  )
}

/** Why the slots behind could not agree with an upgrade, or null. What was decided stays, all later slots are the new pipeline's. */
function findHindrance(known: RunFile, mine: RunFile, { load, decide }: Standing): string | null {
  const why = load.ended ? 'it has ended' : findFixed(known, mine)
  if (why !== null)
    return `can't be upgraded in place: ${why}; replay its input with the new pipeline as another run: --run NAME`
  if (lastOf(known).annotate === lastOf(mine).annotate || load.slot === decide.slot) return null
  return `has slots ${decide.slot} to ${load.slot - 1} measured by the old pipeline and not decided: run that with --drain first, then upgrade`
}

/** What of a change no upgrade can let take effect, wherever the run stands, or null. */
function findFixed(known: RunFile, mine: RunFile): string | null {
  const fixed = findChanges(known, mine, ['source', 'tokenizer', 'feed', 'slotBytes', 'stored text'])
  if (fixed.length > 0) return fixed.join('; ')
  return lastOf(known).state === lastOf(mine).state
    ? null
    : "the deciders' tables would change: their shapes, or the columns that fill them, are not those that the kept documents were entered with"
}
