import { join } from 'node:path'
import { HeadraceError } from '../errors.ts'
import type { Mixture } from '../feed/options.ts'
import { promotionsUpTo, settingsAt } from '../feed/plan/control.ts'
import { placeStep } from '../feed/plan/fork.ts'
import type { Promotion } from '../feed/plan/promotion.ts'
import { encodeShardList } from '../feed/plan/shard-list.ts'
import { readManifest } from '../record/manifest.ts'
import type { RunReader } from '../record/run-reader.ts'
import type { ManifestEntry } from '../shards/manifest.ts'
import { checkNext } from './compare.ts'
import { type RunFeed, refuseOther } from './cover.ts'
import { openKnown } from './known-runs.ts'
import { ShardLinks } from './links.ts'
import { type Selection, selectShards } from './select.ts'
import { nameRun } from './source-run.ts'

export interface PromoteOptions {
  /** The feed's folder: one of the run's shards. Default: the run's own. */
  readonly feed?: string
  /** The first step that is planned from the other run. Default: the first that is not published. */
  readonly step?: number | undefined
  /** For a domain, a new one for what the other run admits of it among rows that were covered. */
  readonly backfill?: Readonly<Record<string, string>>
  /** Changes the mixture at the same step: weights by domain, of those that change. */
  readonly weights?: Mixture
  /** Opens a run. Default: its log is where its file says. */
  readonly openRun?: (dir: string) => Promise<RunReader>
  /** Told before each lasting effect. */
  readonly onEffect?: (effect: string) => void
}

/** What the promotion is: the control entry, and the rows that it names. */
export async function planEntry(feed: RunFeed, next: RunReader, options: PromoteOptions) {
  const step = checkStep(feed, next, options.step)
  await checkNext(feed, next, step)
  const position = placeStep(step, feed.controls)
  const promotions = promotionsUpTo(position, feed.controls).map(({ promote }) => promote)
  const backfill = options.backfill ?? {}
  const links = new ShardLinks(feed.run.dir, next)
  const known = await openKnown(feed, promotions)
  const wish = { step, next, known: known.runs, backfill, pathOf: (entry: ManifestEntry) => links.pathOf(entry) }
  const selection = await selectShards(feed, wish).finally(known.close)
  if (selection.covered.digest !== feed.head.digest) throw refuseOther(feed.dir)
  checkPassedOver(feed, step, selection.covered.missingSteps)
  await checkBackfill(feed, next, backfill, selection)
  const mixture = changeMixture(feed, step, options.weights)
  const promotion: Promotion = {
    from: promotions.at(-1)?.to ?? nameRun(feed.run, feed.run),
    to: nameRun(feed.run, next),
    backfill,
    selection: encodeShardList('promoted', selection.shards).name,
    rows: selection.rows,
  }
  const entry = { step, ...(options.weights && { mixture }), promote: promotion }
  return { entry, selection, mixture }
}

/** Steps that are published never change, and before a later one is planned nobody knows what it covers. */
function checkStep({ dir, head, run }: RunFeed, next: RunReader, asked = head.steps): number {
  if (asked < head.steps)
    throw new HeadraceError(
      'bad-option',
      `step ${asked} can't be changed: the feed in ${dir} has published ${head.steps} steps; name step ${head.steps}, or promote a fork: headrace fork ${dir} --at ${asked} --bare, and then headrace promote ${run.dir} ${next.dir} --feed ${join(run.dir, 'forks', `at-${asked}`)}`,
    )
  if (asked > head.steps)
    throw new HeadraceError(
      'bad-option',
      `step ${asked} is too late: the feed in ${dir} has ${head.steps} steps, and what those up to ${asked} cover isn't known; name step ${head.steps}${head.ended ? '' : ', or let the run go on to that step first'}`,
    )
  return asked
}

/** A promotion is in force behind the steps that the feed passes over before it, so all of them must be there. */
function checkPassedOver({ dir, hasEnded, controls }: RunFeed, step: number, missingSteps: number): void {
  if (missingSteps === 0) return
  const [from, to] = controls.flatMap(({ fork }) => (fork?.skip ? [fork.skip] : [])).at(-1)!
  const isOver = hasEnded || promotionsUpTo(placeStep(step, controls), controls).length > 0
  const advice = isOver
    ? 'its shards give no more, and the promotion would never come into force: promote a fork that passes over fewer steps'
    : 'its run has not come to them: let it go on first'
  throw new HeadraceError(
    'bad-option',
    `step ${step} of the feed in ${dir} stands behind steps that it passes over (${from} to ${to}, as they were numbered), and ${missingSteps} of them are missing: ${advice}`,
  )
}

async function checkBackfill(
  { run }: RunFeed,
  next: RunReader,
  backfill: Readonly<Record<string, string>>,
  { covered }: Selection,
): Promise<void> {
  const known = new Set<string>()
  for await (const { domain } of readManifest(next.log)) known.add(domain)
  const taken = new Set([...known, ...covered.domains, 'holdout', 'other'])
  for (const [domain, name] of Object.entries(backfill)) {
    if (!known.has(domain))
      throw new HeadraceError(
        'bad-option',
        `--backfill names the domain '${domain}', and ${next.dir} has ${[...known].sort().slice(0, 20).join(', ') || 'none'}`,
      )
    if (taken.has(name))
      throw new HeadraceError(
        'bad-option',
        `--backfill gives '${domain}' the name '${name}', which is a domain of ${run.dir} or ${next.dir}, or given twice: choose another name`,
      )
    taken.add(name)
  }
}

/** The weights from the step on: those in force there, with what was given. */
function changeMixture({ head, controls }: RunFeed, step: number, weights: Mixture | undefined): Mixture | null {
  const { mixture } = settingsAt(placeStep(step, controls), head, controls)
  if (!weights) return mixture
  if (mixture === null)
    throw new HeadraceError(
      'bad-option',
      '--weight is for a feed with a mixture: this one mixes its domains by what they have ready, new ones too',
    )
  return { ...mixture, ...weights }
}
