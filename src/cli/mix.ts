import { HeadraceError } from '../errors.ts'
import { readControls } from '../feed/files/control-file.ts'
import { type Mixture, type Replay, repeatsMaxDefault, resolveReplay } from '../feed/options.ts'
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
  summary: 'Changes the mixture of a feed from a step on, or what is drawn again, and records who did so and why.',
  details: `${changeDetails} The weights are in tokens and are the whole mixture: a domain that is not named is fed no more. --replay draws a share of each step again from blocks that steps before have fed whole, all once before any twice.`,
  options: {
    ...changeOptions,
    set: { value: 'DOMAIN=WEIGHT,...', multiple: true, help: 'the weights, as code=0.3,math=0.2; repeatable' },
    none: { help: 'no mixture: domains by what they have ready' },
    replay: { value: 'SHARE', help: 'share of each step that is drawn again from what was fed; 0: none' },
    'replay-from': {
      value: 'DOMAIN',
      multiple: true,
      help: 'domains that are drawn from again (default all); repeatable',
    },
    'repeats-max': { value: 'N', help: `times that a document is drawn again at most (default ${repeatsMaxDefault})` },
    unseen: { help: 'domains that have nothing yet are meant: they come later' },
  },
  run: async (args, terminal) => {
    const replay = replayOf(args)
    const isMixed = replay === undefined || args.flag('none') || args.texts('set').length > 0
    const change = { ...(isMixed && { mixture: mixtureOf(args) }), ...(replay !== undefined && { replay }) }
    await using feed = await openChanged(args)
    const mixed = Object.entries(change.mixture ?? {}).flatMap(([name, weight]) => (weight > 0 ? [name] : []))
    if (!args.flag('unseen')) {
      await checkNames(feed, '--set', mixed)
      await checkNames(feed, '--replay-from', replay?.from ?? [])
    }
    return await changeFeed('mix', { args, feed, change }, terminal)
  },
}

/** Undefined where nothing is said of it. */
function replayOf(args: ParsedArgs): Replay | null | undefined {
  const [text, from] = [args.text('replay'), args.texts('replay-from')]
  if (text === undefined) {
    const other = from.length > 0 ? '--replay-from' : args.text('repeats-max') !== undefined ? '--repeats-max' : null
    if (other) throw refuse(`${other} is given without --replay, the share that is drawn again`)
    return undefined
  }
  const share = text.trim() === '' ? Number.NaN : Number(text)
  if (!(share >= 0 && share < 1))
    throw refuse(`--replay is '${cleanName(text)}'; it takes a share from 0 on and below 1`)
  const repeatsMax = args.count('repeats-max', repeatsMaxDefault, 1, 2 ** 31 - 1)
  return share === 0 ? null : resolveReplay({ share, from: from.length > 0 ? from : null, repeatsMax })
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
async function checkNames(feed: FoundFeed, option: string, names: readonly string[]): Promise<void> {
  if (names.length === 0) return
  const known = await readNames(feed)
  const unfed = await findUnfed(feed.dir, known)
  const present = new Set(unfed?.present ?? known)
  const missing = names.filter(name => !present.has(name))
  if (missing.length === 0) return
  const list = (names: readonly string[]) =>
    `${names
      .slice(0, 20)
      .map(name => `'${cleanName(name)}'`)
      .join(', ')}${names.length > 20 ? ` and ${names.length - 20} more` : ''}`
  throw refuse(
    `${option} names ${list(missing)}, and the feed has ${list([...present].sort()) || 'no domain'} so far; where it comes later, say so with --unseen`,
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
