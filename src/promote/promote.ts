import { dirname, join, resolve } from 'node:path'
import { canonicalJson } from '../canonical-json.ts'
import { syncFolder } from '../disk/durable-file.ts'
import { lockDirectory } from '../disk/lock.ts'
import { HeadraceError } from '../errors.ts'
import { readControls } from '../feed/files/control-file.ts'
import { readHead } from '../feed/files/head.ts'
import type { Mixture } from '../feed/options.ts'
import { type PromoteEntry, promotionsUpTo } from '../feed/plan/control.ts'
import { placeStep } from '../feed/plan/fork.ts'
import { encodeShardList, writeShardList } from '../feed/plan/shard-list.ts'
import { reopenFeed } from '../feed/publish.ts'
import { readManifest } from '../record/manifest.ts'
import { RunReader } from '../record/run-reader.ts'
import { hasEnded, readStanding } from '../record/standing.ts'
import type { ManifestEntry } from '../shards/manifest.ts'
import type { RunFeed } from './cover.ts'
import { ShardLinks } from './links.ts'
import { type PromoteOptions, planEntry } from './plan.ts'
import type { Selection } from './select.ts'
import { nameRun } from './source-run.ts'

/** What a promotion does, or would do. */
export interface Promoted {
  readonly entry: PromoteEntry
  /** Null where an earlier command had recorded it, and this one has only gone on. */
  readonly selection: Selection | null
  readonly mixture: Mixture | null
  /** Whether the feed's own run has ended: what it gives from now on goes into no step. */
  readonly hasEnded: boolean
  /** Steps that the feed has. */
  readonly steps: number
}

/**
 * Moves a run's feed to another run over the same slots: from a step on, its steps are planned from the other's shards, without the rows
 * that the steps before have covered. The control entry's rename decides; what is written before it is of no effect, and made again by the
 * same command. Steps follow it, and a stop among them is mended by the same command, or by a start of the run.
 */
export async function promote(dir: string, nextDir: string, options: PromoteOptions = {}): Promise<Promoted> {
  // Asked before the lock, so that none is made where no run or feed is.
  await (await openRunFeed(dir, options))[Symbol.asyncDispose]()
  await using lock = await lockDirectory(dirname(resolve(feedOf(dir, options))))
  const onEffect = (effect: string) => {
    lock.check()
    options.onEffect?.(effect)
  }
  await using opened = await openRunFeed(dir, options)
  const { feed } = opened
  await using next = await opened.feed.run.openOther(nextDir)
  const known = findSame(feed, next, options)
  if (known) {
    // Who recorded it may have been stopped before it lasted.
    await syncFolder(feed.dir)
    return { ...recorded(feed, known), steps: await publishSteps(feed, null, onEffect) }
  }
  const planned = await planEntry(feed, next, options)
  const links = new ShardLinks(dir, next, () => onEffect('link a shard'))
  await links.make(await neededShards(next, links, planned.selection))
  await writeShardList(feed.dir, encodeShardList('promoted', planned.selection.shards), onEffect)
  const steps = await publishSteps(feed, planned.entry, onEffect)
  return { ...planned, hasEnded: feed.hasEnded, steps }
}

/** The same without an effect: nothing is written, and a run may be at work. */
export async function planPromotion(dir: string, nextDir: string, options: PromoteOptions = {}): Promise<Promoted> {
  await using opened = await openRunFeed(dir, options)
  await using next = await opened.feed.run.openOther(nextDir)
  const known = findSame(opened.feed, next, options)
  const { head, hasEnded: isWhole } = opened.feed
  if (known) return { ...recorded(opened.feed, known), steps: head.steps }
  return { ...(await planEntry(opened.feed, next, options)), hasEnded: isWhole, steps: head.steps }
}

function recorded({ hasEnded: isWhole }: RunFeed, entry: PromoteEntry): Omit<Promoted, 'steps'> {
  return { entry, selection: null, mixture: null, hasEnded: isWhole }
}

const feedOf = (dir: string, { feed = join(dir, 'feed') }: PromoteOptions) => feed

async function openRunFeed(
  dir: string,
  options: PromoteOptions,
): Promise<{ readonly feed: RunFeed } & AsyncDisposable> {
  const feed = feedOf(dir, options)
  const run = await (options.openRun ?? RunReader.open)(dir)
  try {
    if (run.run.spread && options.feed === undefined)
      throw new HeadraceError(
        'bad-option',
        `${dir} is a spread run: any of its processes may write its feed, and none of them can be kept from it here; promote a feed that one process writes`,
      )
    const head = await readHead(feed)
    if (!head)
      throw new HeadraceError('not-found', `there is no feed in ${feed}, or no step of it yet: nothing to promote`)
    if (resolve(feed, head.shards) !== resolve(dir, 'shards'))
      throw new HeadraceError(
        'bad-option',
        `the feed in ${feed} is planned from the shards in ${resolve(feed, head.shards)}, and not from those of ${dir}`,
      )
    const standing = await readStanding(run.log, run.run)
    const opened = { dir: feed, head, controls: await readControls(feed), run, hasEnded: hasEnded(standing, run.run) }
    return { feed: opened, [Symbol.asyncDispose]: () => run[Symbol.asyncDispose]() }
  } catch (error) {
    await run[Symbol.asyncDispose]()
    throw error
  }
}

/** The promotion to the same run that the feed has already, for which there is only to go on; null where it comes from another run. */
function findSame({ head, controls, run }: RunFeed, next: RunReader, options: PromoteOptions): PromoteEntry | null {
  const last = promotionsUpTo(placeStep(head.steps, controls), controls).at(-1)
  if (!last) {
    if (resolve(run.dir) !== resolve(next.dir) && (run.run.id === undefined || run.run.id !== next.run.id)) return null
    throw new HeadraceError(
      'bad-option',
      `the feed of ${run.dir} is made of that run already: name another one to promote`,
    )
  }
  const { to, backfill } = last.promote
  const named = nameRun(run, next)
  if (to.run !== named.run || to.id !== named.id) return null
  const { step = last.step, backfill: asked = {} } = options
  if (step === last.step && canonicalJson(asked) === canonicalJson(backfill)) return last
  throw new HeadraceError(
    'bad-option',
    `the feed of ${run.dir} goes on with ${next.dir} from step ${last.step} on already: promote it to another run, or back, first`,
  )
}

async function neededShards(next: RunReader, links: ShardLinks, { shards }: Selection): Promise<ManifestEntry[]> {
  const paths = new Set(shards.map(({ shard }) => shard.path))
  const entries: ManifestEntry[] = []
  for await (const entry of readManifest(next.log)) if (paths.has(links.pathOf(entry))) entries.push(entry)
  return entries
}

/** Records the entry, where there is one, and publishes all steps that follow. Returns how many the feed has then. */
async function publishSteps(
  { dir, run }: RunFeed,
  entry: PromoteEntry | null,
  onEffect: (effect: string) => void,
): Promise<number> {
  await using feed = await reopenFeed(dir, onEffect)
  if (entry) await feed.control(entry)
  for await (const shard of readManifest(run.log)) await feed.addManifest(shard)
  // Awaited here: else the feed would be closed while it still publishes.
  return await feed.end()
}
