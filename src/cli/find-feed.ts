import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { HeadraceError } from '../errors.ts'
import { readControls } from '../feed/files/control-file.ts'
import { readHead } from '../feed/files/head.ts'
import { joinsUpTo } from '../feed/plan/control.ts'
import { readManifest } from '../record/manifest.ts'
import { isEnded } from '../record/notes.ts'
import type { RunReader } from '../record/run-reader.ts'
import type { ManifestEntry } from '../shards/manifest.ts'
import type { ParsedArgs } from './command.ts'
import { locateRun, openRun, openRunAt } from './find-run.ts'

/** A feed with what it is planned from. */
export interface FoundFeed extends AsyncDisposable {
  /** The run whose shards it has; null for a feed of several runs. */
  readonly run: RunReader | null
  /** The feed's folder. */
  readonly dir: string
  /** The folder of that run, or the home of a feed of several: forks lie in it, and requests of who changes a feed. */
  readonly home: string
}

/** A feed with the run that it is planned from. */
export interface FeedOfRun extends FoundFeed {
  readonly run: RunReader
}

/** The folder of a feed: `given`, which may be a run that has one, or else that of the run of `--dir` and `--run`. */
export async function findFeed(args: ParsedArgs, given: string | undefined): Promise<string> {
  if (given !== undefined) return existsSync(join(given, 'feed', 'head.json')) ? join(given, 'feed') : given
  await using run = await openRun(args)
  return join(run.dir, 'feed')
}

/** The folder of a feed that the first argument names: a name of a run, or what `findFeed` takes. */
export async function locateFeed(args: ParsedArgs): Promise<string> {
  const [given] = args.positionals
  const isName = given !== undefined && !existsSync(given)
  return findFeed(args, isName ? await locateRun(given, args.text('dir')) : given)
}

/**
 * The same with its run, which is where the feed's head has its shards. The run's own feed may have no step yet, and no head. `command` is one
 * that takes no feed of several runs.
 */
export async function openFeedOfRun(args: ParsedArgs, given: string | undefined, command: string): Promise<FeedOfRun> {
  const { run, ...feed } = await openFoundFeed(args, given)
  if (run) return { ...feed, run, [Symbol.asyncDispose]: () => run[Symbol.asyncDispose]() }
  throw new HeadraceError(
    'bad-option',
    `${feed.dir} is a feed of several runs, and headrace ${command} takes one of a run: headrace unite ${feed.home} --document ID says what became of a document`,
  )
}

/** The same, of one run or of several. */
export async function openFoundFeed(args: ParsedArgs, given: string | undefined): Promise<FoundFeed> {
  if (given === undefined) {
    const run = await openRun(args)
    if (run.run.feed) return withRun(run, join(run.dir, 'feed'))
    await run[Symbol.asyncDispose]()
    throw new HeadraceError('not-found', `the run in ${run.dir} has no feed: its pipeline has no .feed()`)
  }
  const dir = await findFeed(args, given)
  const head = await readHead(dir)
  if (!head) throw new HeadraceError('not-found', `there is no feed in ${dir}, or no step of it yet`)
  const home = dirname(resolve(dir, head.shards))
  if (existsSync(join(home, 'run.json'))) return withRun(await openRunAt(home, args), dir)
  if (joinsUpTo(0, await readControls(dir)).length > 0)
    return { run: null, dir, home, [Symbol.asyncDispose]: async () => {} }
  throw new HeadraceError(
    'not-found',
    `the feed in ${dir} is a copy without its run, which ${home} is not: name the feed beside its run`,
  )
}

function withRun(run: RunReader, dir: string): FeedOfRun {
  return { run, dir, home: run.dir, [Symbol.asyncDispose]: () => run[Symbol.asyncDispose]() }
}

/** Whether a folder is a feed of several runs, or the home of one, and no run. */
export function isUnion(dir: string): boolean {
  const has = (name: string) => existsSync(join(dir, name))
  return has('head.json') || (has(join('feed', 'head.json')) && !has('run.json'))
}

/** Whether all shards are there that a feed is planned from. A feed of several runs has them since it was made, or a run joined. */
export async function hasAllShards({ run }: FoundFeed): Promise<boolean> {
  return run === null || isEnded([await run.log.position('shard', 0)])
}

/** The shards of its run. What a feed of several is planned from is in its own folder. */
export async function* readShardsOf({ run }: FoundFeed): AsyncGenerator<ManifestEntry> {
  if (run) yield* readManifest(run.log)
}
