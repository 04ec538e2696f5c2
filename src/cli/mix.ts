import { HeadraceError } from '../errors.ts'
import { readControls } from '../feed/files/control-file.ts'
import type { Mixture } from '../feed/options.ts'
import { readShardList } from '../feed/plan/shard-list.ts'
import { findUnfed } from '../inspect/unfed.ts'
import { readStanding } from '../record/standing.ts'
import { changeDetails, changeFeed, changeOptions, changeUsage, openChanged } from './change-feed.ts'
import type { Command, ParsedArgs } from './command.ts'
import type { FoundFeed } from './find-feed.ts'
import { cleanName } from './wrap.ts'

export const mixCommand: Command = {
  name: 'mix',
  usage: changeUsage,
  summary: 'Changes the mixture of a feed from a step on, and records who did so and why.',
  details: `${changeDetails} The weights are in tokens and are the whole mixture: a domain that is not named is fed no more.`,
  options: {
    ...changeOptions,
    set: { value: 'DOMAIN=WEIGHT,...', multiple: true, help: 'the weights, as code=0.3,math=0.2; repeatable' },
    none: { help: 'no mixture: domains by what they have ready' },
    unseen: { help: 'domains that have nothing yet are meant: they come later' },
  },
  run: async (args, terminal) => {
    const mixture = mixtureOf(args)
    await using feed = await openChanged(args)
    if (mixture && !args.flag('unseen')) await checkNames(feed, mixture)
    return await changeFeed('mix', { args, feed, change: { mixture } }, terminal)
  },
}

function mixtureOf(args: ParsedArgs): Mixture | null {
  const given = args.texts('set')
  if (args.flag('none')) {
    if (given.length > 0) throw refuse('--none is given with --set: give one of them')
    return null
  }
  if (given.length === 0) throw refuse('--set is missing: it takes the weights of domains, as code=0.3,math=0.2')
  const mixture: Record<string, number> = Object.create(null)
  for (const [name, text] of given.flatMap(readPairs)) {
    if (name in mixture) throw refuse(`--set gives '${cleanName(name)}' two weights`)
    mixture[name] = weightOf(name, text)
  }
  if (Object.values(mixture).every(weight => weight === 0))
    throw refuse(`--set is '${cleanName(given.join(','))}': all its weights are 0, and one must be above`)
  return { ...mixture }
}

/** A name may have any sign: what a comma cuts off that has no `=` is of the name behind it, and the last `=` divides. */
function readPairs(text: string): [name: string, weight: string][] {
  const pairs: [string, string][] = []
  let open = ''
  for (const part of text.split(',')) {
    const item = open + part
    const at = item.lastIndexOf('=')
    open = at < 0 ? `${item},` : ''
    if (at < 0) continue
    if (at === 0) throw refuse(`--set has '${cleanName(item)}': it takes a domain, = and a weight`)
    pairs.push([item.slice(0, at), item.slice(at + 1)])
  }
  if (open !== '') throw refuse(`--set has '${cleanName(open.slice(0, -1))}': it takes a domain, = and a weight`)
  return pairs
}

function weightOf(name: string, text: string): number {
  const weight = text.trim() === '' ? Number.NaN : Number(text)
  if (Number.isFinite(weight) && weight >= 0) return weight
  throw refuse(`--set gives '${cleanName(name)}' the weight '${cleanName(text)}'; it takes a number from 0 on`)
}

/** A name that nothing is called would be waited for, so it is refused unless it is meant. */
async function checkNames(feed: FoundFeed, mixture: Mixture): Promise<void> {
  const known = await readNames(feed)
  const unfed = await findUnfed(feed.dir, known)
  const present = new Set(unfed?.present ?? known)
  const missing = Object.keys(mixture).filter(name => mixture[name] > 0 && !present.has(name))
  if (missing.length === 0) return
  const list = (names: readonly string[]) =>
    `${names
      .slice(0, 20)
      .map(name => `'${cleanName(name)}'`)
      .join(', ')}${names.length > 20 ? ` and ${names.length - 20} more` : ''}`
  throw refuse(
    `--set names ${list(missing)}, and the feed has ${list([...present].sort()) || 'no domain'} so far; where it comes later, say so with --unseen`,
  )
}

/** The domains of a run's shards, or of those that a feed of several runs is planned from. */
async function readNames({ run, dir }: FoundFeed): Promise<string[]> {
  if (run) return Object.keys((await readStanding(run.log, run.run)).shard.totals.tokensByDomain)
  const joined = (await readControls(dir)).flatMap(({ join }) => join?.runs ?? [])
  const lists = await Promise.all(joined.map(({ selection }) => readShardList(dir, selection)))
  return [...new Set(lists.flat().map(({ domain }) => domain))]
}

function refuse(what: string): HeadraceError {
  return new HeadraceError('bad-option', `${what}. See: headrace mix --help`)
}
