import { join } from 'node:path'
import { makeFolder } from '../disk/durable-file.ts'
import { lockDirectory } from '../disk/lock.ts'
import { HeadraceError } from '../errors.ts'
import { forkFeed } from '../feed/change/fork.ts'
import type { Head } from '../feed/files/head.ts'
import type { Skip } from '../feed/plan/fork.ts'
import { reopenFeed } from '../feed/publish.ts'
import { type Command, type ParsedArgs, runOptions, type Terminal } from './command.ts'
import { type FoundFeed, hasAllShards, openFoundFeed, readShardsOf } from './find-feed.ts'
import { noteOf } from './note.ts'
import { formatCount, formatPlural } from './table.ts'
import { cleanPath, formatPairs, pageWidth } from './wrap.ts'

export const forkCommand: Command = {
  name: 'fork',
  usage: '[FEED]',
  summary: 'Makes a feed that shares the first steps of another and goes on apart, without some of its steps.',
  details:
    "FEED is a feed's folder, or a run (default: the run of --dir and --run), or the home of a feed of several. The fork lies in that folder, under forks/NAME, and a trainer reads it as any feed; it goes on from a state that FEED gave up to STEP. Its steps after that are planned from the same shards: with --skip they hold what FEED's hold after TO, and the samples of FROM to TO are fed in none. FEED stays as it is. While the run is at work, the fork has what can be planned so far: the same command plans it on.",
  options: {
    ...runOptions,
    at: { value: 'STEP', help: "the fork's first own step: it has the steps before" },
    skip: { value: 'FROM-TO', help: "passes over these steps of FEED's, from STEP on" },
    name: { value: 'NAME', help: "the fork's folder (default at-STEP, or at-STEP-skip-FROM-TO)" },
    bare: { help: 'plans none of its own steps yet: promote it, or give the command again without this' },
    note: { value: 'TEXT', help: 'who forks, and why: stands in its control.json' },
    json: { help: 'prints one line of JSON' },
  },
  run: async (args, terminal) => {
    const order = { at: stepOf(args), skip: skipOf(args), note: noteOf(args, 'fork') }
    await using parent = await openFoundFeed(args, args.positionals[0])
    const folder = join(parent.home, 'forks')
    const dir = join(folder, nameOf(args, order))
    await makeFolder(folder)
    await using lock = await lockDirectory(folder)
    const isNew = await forkFeed(parent.dir, dir, order, lock.check)
    const planned = await planFork(parent, dir, args.flag('bare'), lock.check)
    if (args.flag('json')) terminal.out.write(`${JSON.stringify(jsonOf(dir, planned.head, isNew))}\n`)
    else show(dir, parent.dir, { ...planned, isNew, isBare: args.flag('bare') }, terminal)
    return 0
  },
}

interface Planned {
  readonly head: Head
  /** Whether the run has; a feed of several runs has all their shards. */
  readonly hasEnded: boolean
}

/** Plans a fork as far as the run's shards go, or leaves it as it is. */
async function planFork(parent: FoundFeed, dir: string, isBare: boolean, onEffect: () => void): Promise<Planned> {
  // Asked first: what has ended has all its shards.
  const hasEnded = await hasAllShards(parent)
  await using feed = await reopenFeed(dir, onEffect)
  if (isBare) return { head: feed.head, hasEnded }
  for await (const entry of readShardsOf(parent)) await feed.addManifest(entry)
  if (hasEnded) await feed.end()
  return { head: feed.head, hasEnded }
}

function stepOf(args: ParsedArgs): number {
  if (args.text('at') === undefined) throw refuse("--at is missing: it names the fork's first own step")
  return args.count('at', 0, 0)
}

function skipOf(args: ParsedArgs): Skip | null {
  const text = args.text('skip')
  if (text === undefined) return null
  const found = /^(\d{1,15})-(\d{1,15})$/.exec(text)
  if (!found) throw refuse(`--skip is '${text}'; it takes two steps, as 8120-8140`)
  return [Number(found[1]), Number(found[2])]
}

function nameOf(args: ParsedArgs, { at, skip }: { at: number; skip: Skip | null }): string {
  const name = args.text('name') ?? `at-${at}${skip ? `-skip-${skip.join('-')}` : ''}`
  if (/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$/.test(name) && !name.endsWith('.tmp') && name !== 'lock') return name
  throw refuse(`--name is '${name}'; it takes up to 100 letters, digits, '.', '_' and '-'`)
}

function refuse(what: string): HeadraceError {
  return new HeadraceError('bad-option', `${what}. See: headrace fork --help`)
}

function jsonOf(dir: string, { feed, steps, ended, forks = [] }: Head, isNew: boolean): unknown {
  const { feed: from, step: at, digest, skip } = forks.at(-1)!
  return { dir, feed, new: isNew, steps, ended, from, at, digest, skip }
}

interface Forked extends Planned {
  readonly isNew: boolean
  readonly isBare: boolean
}

function show(dir: string, parent: string, { head, isNew, hasEnded, isBare }: Forked, terminal: Terminal): void {
  const { step, skip } = head.forks!.at(-1)!
  const shared = step === 0 ? 'no step' : `the first ${formatPlural(step, 'step')}`
  const rows: [string, string][] = [
    [isNew ? 'fork' : 'made before', cleanPath(dir)],
    ['of', cleanPath(parent)],
    ['feed', head.feed],
    ['shares', `${shared}: states of that feed go on here up to step ${step}`],
  ]
  if (skip)
    rows.push(['without', `steps ${skip.join(' to ')}: step ${skip[0]} has the samples that step ${skip[1] + 1} had`])
  const [whole, part] = [
    'it has ended, as all its shards are fed',
    'the run goes on: the same command plans the fork on',
  ]
  const bare = 'promote it, or plan its own steps by the same command without --bare'
  const more = isBare ? bare : hasEnded ? whole : part
  rows.push(['steps', `${formatCount(head.steps)}; ${more}`])
  terminal.out.write(`${formatPairs(rows, pageWidth(terminal), 0)}\nheadrace feed ${cleanPath(dir)}\n`)
}
