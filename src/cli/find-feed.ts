import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { HeadraceError } from '../errors.ts'
import { readHead } from '../feed/files/head.ts'
import type { RunReader } from '../record/run-reader.ts'
import type { ParsedArgs } from './command.ts'
import { locateRun, openRun, openRunAt } from './find-run.ts'

/** A feed with the run that it is planned from. */
export interface FeedOfRun extends AsyncDisposable {
  readonly run: RunReader
  /** The feed's folder. */
  readonly dir: string
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

/** A feed with its run, which is where the feed's head has its shards. The run's own feed may have no step yet, and no head. */
export async function openFeedOfRun(args: ParsedArgs, given: string | undefined): Promise<FeedOfRun> {
  if (given === undefined) {
    const run = await openRun(args)
    if (run.run.feed) return withRun(run, join(run.dir, 'feed'))
    await run[Symbol.asyncDispose]()
    throw new HeadraceError('not-found', `the run in ${run.dir} has no feed: its pipeline has no .feed()`)
  }
  const dir = await findFeed(args, given)
  const head = await readHead(dir)
  if (!head) throw new HeadraceError('not-found', `there is no feed in ${dir}, or no step of it yet`)
  const runDir = dirname(resolve(dir, head.shards))
  if (!existsSync(join(runDir, 'run.json')))
    throw new HeadraceError(
      'not-found',
      `the feed in ${dir} is a copy without its run, which ${runDir} is not: name the feed beside its run`,
    )
  return withRun(await openRunAt(runDir, args), dir)
}

function withRun(run: RunReader, dir: string): FeedOfRun {
  return { run, dir, [Symbol.asyncDispose]: () => run[Symbol.asyncDispose]() }
}
