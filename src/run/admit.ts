import { canonicalJson } from '../canonical-json.ts'
import { HeadraceError } from '../errors.ts'
import { limits } from '../limits.ts'
import type { Log } from '../log/log.ts'
import type { Plan } from '../pipeline/plan.ts'
import { loaderOf, type RunShape } from '../record/layout.ts'
import { isEnded } from '../record/notes.ts'
import type { LogPlace } from '../record/open-log.ts'
import { type RunFile, readRunFile, writeRunFile } from '../record/run-file.ts'
import type { PipelineRef } from './measure/jobs.ts'

/**
 * The run file of a folder: written for a new run, checked for one that goes on. A pipeline that differs is refused, unless
 * `isUpgrade`: then it takes effect at a slot of its own, which lasts before anything depends on it.
 */
export async function openRunFile(
  dir: string,
  plan: Plan,
  ref: PipelineRef,
  log: Log,
  { isUpgrade, ...where }: LogPlace & RunShape & { readonly isUpgrade: boolean },
): Promise<RunFile> {
  const known = await readRunFile(dir)
  const mine = runFileOf(plan, ref, where)
  if (known?.spread && !isUpgrade) return checkRunFile(dir, plan, ref, where)
  if (known) {
    const changed = findChanges(known, mine)
    if (changed.length > 0 && !isUpgrade) throw refuseChange(dir, changed)
    if (changed.length === 0 && known.log === where.log && known.logConfig === where.logConfig) return known
    const moved = { ...known, ...where }
    return writeRunFile(dir, changed.length > 0 ? await addSegment(dir, moved, mine, log) : moved)
  }
  return writeRunFile(dir, mine)
}

/** The run file of a folder, which must be of this very pipeline. Where a process reaches the log from is its own affair. */
export async function checkRunFile(
  dir: string,
  plan: Plan,
  ref: PipelineRef,
  where: LogPlace & RunShape,
): Promise<RunFile> {
  const known = await readRunFile(dir)
  if (!known) throw new HeadraceError('not-found', `the run in ${dir} is gone: it has no run.json`)
  const changed = findChanges(known, runFileOf(plan, ref, where))
  if (changed.length > 0) throw refuseChange(dir, changed)
  return known
}

/** Where a run's log is, and how it is cut: as the run file says, or for a new run as it was asked for. */
export function placeRun(
  dir: string,
  known: RunFile | null,
  asked: Partial<RunShape> & { readonly log?: string | undefined; readonly logConfig?: string | undefined },
): LogPlace & RunShape {
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

function runFileOf(plan: Plan, ref: PipelineRef, where: LogPlace & RunShape): RunFile {
  const { annotateFingerprint: annotate, decideFingerprint: decide, shardFingerprint: shard } = plan
  return {
    ...{ version: 1, pipeline: plan.name, module: ref.module, input: ref.input, source: plan.source.name },
    ...where,
    slotBytes: limits.slotBytes,
    segments: [{ from: 0, annotate, decide, shard, state: plan.stateFingerprint }],
    ...{ feed: plan.feed, tokenizer: plan.tokenizer?.options ?? null },
  }
}

interface Change {
  readonly part: string
  readonly was: unknown
  readonly is: unknown
}

/** What a run was begun with, or upgraded to, and is otherwise now. */
function findChanges(known: RunFile, mine: RunFile): Change[] {
  const parts = (run: RunFile): Record<string, unknown> => {
    const { from: _, state: __, ...segment } = run.segments.at(-1)!
    return { ...segment, source: run.source, input: run.input, tokenizer: run.tokenizer, feed: run.feed }
  }
  const [was, is] = [parts(known), parts(mine)]
  return Object.keys(was)
    .filter(part => canonicalJson(was[part]) !== canonicalJson(is[part]))
    .map(part => ({ part, was: was[part], is: is[part] }))
}

function listChanges(changes: readonly Change[]): string {
  return changes
    .map(({ part, was, is }) => `${part} was ${JSON.stringify(was)} and is ${JSON.stringify(is)}`)
    .join('; ')
}

function refuseChange(dir: string, changes: readonly Change[]): HeadraceError {
  return new HeadraceError(
    'bad-pipeline',
    `the run in ${dir} was begun with another pipeline: ${listChanges(changes)}; add --upgrade to let the change take effect from here on, begin another with --run NAME, or undo it`,
  )
}

/** The run with one more segment: slots that were decided stay as they are, all later ones are the new pipeline's. */
async function addSegment(dir: string, known: RunFile, mine: RunFile, log: Log): Promise<RunFile> {
  const [load, decide] = await Promise.all([log.position(loaderOf(known).stage, 0), log.position('decide', 0)])
  const last = known.segments.at(-1)!
  const [next] = mine.segments
  checkUpgrade(dir, known, mine, isEnded([load]))
  if (last.annotate !== next.annotate && load.slot !== decide.slot)
    throw new HeadraceError(
      'bad-pipeline',
      `the run in ${dir} has slots ${decide.slot} to ${load.slot - 1} measured by the old pipeline and not decided: run that with --drain first, then upgrade`,
    )
  const segments = [...known.segments.filter(segment => segment.from < decide.slot), { ...next, from: decide.slot }]
  return { ...known, module: mine.module, input: mine.input, segments }
}

/** Refuses an upgrade that the slots behind could not agree with. */
function checkUpgrade(dir: string, known: RunFile, mine: RunFile, hasEnded: boolean): void {
  const refuse = (why: string) =>
    new HeadraceError(
      'bad-pipeline',
      `the run in ${dir} can't be upgraded in place: ${why}; replay its input with the new pipeline as another run: --run NAME`,
    )
  if (hasEnded) throw refuse('it has ended')
  const fixed = findChanges(known, mine).filter(({ part }) => ['source', 'tokenizer', 'feed'].includes(part))
  if (fixed.length > 0) throw refuse(listChanges(fixed))
  if (known.segments.at(-1)!.state !== mine.segments[0].state)
    throw refuse(
      "the deciders' tables would change: their shapes, or the columns that fill them, are not those that the kept documents were entered with",
    )
}
