import { rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { canonicalJson } from '../canonical-json.ts'
import { makeFolder, type OnEffect, syncFolder } from '../disk/durable-file.ts'
import { writeJson } from '../disk/json-file.ts'
import { lockDirectory } from '../disk/lock.ts'
import { HeadraceError, wrapDiskError } from '../errors.ts'
import { type FeedOptions, feedOptions } from '../feed/options.ts'
import type { ControlEntry } from '../feed/plan/control.ts'
import type { Duplicates, Join } from '../feed/plan/join.ts'
import { writeShardList } from '../feed/plan/shard-list.ts'
import { beginFeed, type FeedOrigin, feedIdOf, reopenFeed } from '../feed/publish.ts'
import { resolveOptions } from '../options.ts'
import { fingerprint } from '../pipeline/fingerprint.ts'
import type { RunReader } from '../record/run-reader.ts'
import { type PlannedJoin, planJoin } from './plan-join.ts'
import type { Selection } from './select.ts'
import {
  checkTokens,
  linksOf,
  mapDomain,
  nameFolder,
  openSource,
  type RunWish,
  type Source,
  shardsFolder,
} from './source.ts'
import { feedFolder, type OpenRun, readUnion, type Union } from './union.ts'

/** What all work on a feed of several runs takes. */
export interface UniteOptions {
  readonly openRun: OpenRun
  /** Plans no further than so many steps. Default: as far as the shards go. */
  readonly stepsMax?: number | undefined
  /** `user@host`, ISO 8601, and why: stands in the feed's control.json. */
  readonly author?: Pick<ControlEntry, 'who' | 'at' | 'note'>
  /** Told before each lasting effect. */
  readonly onEffect?: OnEffect
}

export interface UniteOrder {
  /** In the order in which duplicates are decided: what an earlier one has is left out of a later one. */
  readonly runs: readonly RunWish[]
  readonly duplicates: Duplicates
  readonly feed: FeedOptions
  /** What the feed is called, as a run is by its pipeline. */
  readonly name: string
}

/** What was done. `selections` are of the runs that joined now; null where an earlier command had recorded it, and this one has gone on. */
export interface United {
  readonly union: Union
  readonly selections: readonly Selection[] | null
  /** Folders of runs that joined now and have not ended: what they seal from now on is in no step. */
  readonly going: readonly string[]
}

/**
 * Makes a feed of several runs in a home of its own, or goes on with the one that is there and was made so. It is true at one moment, when
 * the folder `feed` gets its name: until then there are links to shards, and `feed.tmp`, which the next try removes.
 */
export async function unite(home: string, order: UniteOrder, options: UniteOptions): Promise<United> {
  await using opened = new AsyncDisposableStack()
  const runs = await openAll(order.runs, options.openRun, opened)
  const [first] = runs
  checkDistinct(runs)
  const sources: Source[] = []
  for (const [i, { map }] of order.runs.entries()) sources.push(await openSource(home, runs[i], map, 0))
  checkTokens(first.run.tokenizer, first.dir, sources)
  checkFeed(order.feed, sources)
  await makeFolder(home)
  await using lock = await lockDirectory(home)
  const onEffect = checkedBy(lock.check, options.onEffect)
  const known = await readUnion(home)
  if (known) return { union: await goOn(checkSame(known, order, runs), options, onEffect), selections: null, going: [] }
  const draft = join(home, `${feedFolder}.tmp`)
  await rm(draft, { recursive: true, force: true })
  const { duplicates } = order
  const planned = await planJoin({
    home,
    dir: draft,
    sources,
    duplicates,
    union: null,
    openRun: options.openRun,
    onEffect,
  })
  await writeJoin(home, draft, sources, planned, onEffect)
  const entry = { step: 0, join: planned.join, ...options.author }
  await writeJson(join(draft, 'control.json'), [entry], onEffect)
  await beginFeed(draft, order.feed, { ...originOf(home, order, first, planned.join), onEffect })
  await nameFeed(home, draft, onEffect)
  const union = await goOn((await readUnion(home))!, options, onEffect)
  return { union, selections: planned.selections, going: goingOf(sources) }
}

/**
 * Takes a run into a feed of several, or what one that was in it already has sealed since. `step`: the first that is not published, and
 * nothing else; by default that. Recorded once: the same command again goes on.
 */
export async function joinRun(
  home: string,
  wish: RunWish,
  step: number | undefined,
  options: UniteOptions,
): Promise<United> {
  await findUnion(home)
  await using run = await options.openRun(wish.dir)
  await using lock = await lockDirectory(home)
  const onEffect = checkedBy(lock.check, options.onEffect)
  const union = await findUnion(home)
  const from = shardsTaken(union, run, wish)
  const source = await openSource(home, run, wish.map, from)
  if (source.entries.length === 0) {
    checkRecorded(union, run, step)
    return { union: await goOn(union, options, onEffect), selections: null, going: [] }
  }
  checkTokens(union.head.tokenizer, `the feed in ${home}`, [source])
  const at = checkStep(union, step)
  const { duplicates } = union.joins[0].join
  const planned = await planJoin({
    home,
    dir: union.dir,
    sources: [source],
    duplicates,
    union,
    openRun: options.openRun,
    onEffect,
  })
  await writeJoin(home, union.dir, [source], planned, onEffect)
  await using feed = await reopenFeed(union.dir, onEffect)
  await feed.control({ step: at, join: planned.join, ...options.author })
  await feed.end(options.stepsMax)
  return { union: (await readUnion(home))!, selections: planned.selections, going: goingOf([source]) }
}

/** Plans a feed of several runs on. */
export async function planUnion(home: string, options: Omit<UniteOptions, 'openRun'>): Promise<Union> {
  await findUnion(home)
  await using lock = await lockDirectory(home)
  // Awaited here: else the lock would be given back while it still plans.
  return await goOn(await findUnion(home), options, checkedBy(lock.check, options.onEffect))
}

/** The feed that there is. Asked before the lock, too, so that none is made where there is no feed. */
async function findUnion(home: string): Promise<Union> {
  const union = await readUnion(home)
  if (union) return union
  throw new HeadraceError('not-found', `there is no feed of several runs in ${home}: name its runs with --run`)
}

async function goOn(union: Union, { stepsMax }: Pick<UniteOptions, 'stepsMax'>, onEffect: OnEffect): Promise<Union> {
  await using feed = await reopenFeed(union.dir, onEffect)
  await feed.end(stepsMax)
  return (await readUnion(union.home))!
}

async function openAll(
  wishes: readonly RunWish[],
  openRun: OpenRun,
  opened: AsyncDisposableStack,
): Promise<RunReader[]> {
  const runs: RunReader[] = []
  for (const { dir } of wishes) runs.push(opened.use(await openRun(dir)))
  return runs
}

function checkDistinct(runs: readonly RunReader[]): void {
  for (const [i, { dir, run }] of runs.entries()) {
    const twin = runs.slice(0, i).find(other => run.id !== undefined && other.run.id === run.id)
    if (twin) throw new HeadraceError('bad-option', `--run names one run twice: ${twin.dir} and ${dir}`)
  }
}

const checkedBy =
  (check: () => void, onEffect: OnEffect = () => {}): OnEffect =>
  effect => {
    check()
    onEffect(effect)
  }

/** Throws unless the feed can be made of these runs: it is no live one, and each domain of its mixture is there. */
function checkFeed(options: FeedOptions, sources: readonly Source[]): void {
  const { mixture, freshness } = resolveOptions('a feed', feedOptions, options)
  const refuse = (what: string) => new HeadraceError('bad-option', what)
  if (freshness !== null)
    throw refuse(`freshness is ${freshness}: all that a feed of several runs is made of is there already; leave it out`)
  const names = sources.flatMap(({ entries, map }) => entries.map(({ domain }) => mapDomain(map, domain)))
  const known = new Set(names)
  const missing = Object.keys(mixture ?? {}).find(name => mixture![name] > 0 && !known.has(name))
  if (missing !== undefined)
    throw refuse(
      `the mixture names '${missing}', and the runs have ${[...known].sort().slice(0, 20).join(', ')}: a domain that a later run brings is named by headrace mix then`,
    )
}

/** What a feed says of its first runs is what its fingerprint is of: all but who asked for it. */
function originOf(home: string, { name }: UniteOrder, { run: { tokenizer } }: RunReader, first: Join): FeedOrigin {
  const { endOfTextId } = tokenizer as { readonly endOfTextId?: unknown }
  return {
    run: name,
    shards: join(home, shardsFolder),
    tokenizer,
    endOfText: typeof endOfTextId === 'number' ? endOfTextId : null,
    fingerprint: fingerprint(first),
  }
}

/** Makes all last that a control entry names, before it. */
async function writeJoin(
  home: string,
  dir: string,
  sources: readonly Source[],
  { lists, selections }: PlannedJoin,
  onEffect: OnEffect,
): Promise<void> {
  for (const [i, { run, entries }] of sources.entries()) {
    const links = linksOf(home, run, () => onEffect('link a shard'))
    const needed = new Set(selections[i].shards.map(({ shard }) => shard.path))
    await links.make(entries.filter(entry => needed.has(links.pathOf(entry))))
  }
  for (const list of lists) await writeShardList(dir, list, onEffect)
}

async function nameFeed(home: string, draft: string, onEffect: OnEffect): Promise<void> {
  const dir = join(home, feedFolder)
  try {
    onEffect(`rename ${dir}`)
    await rename(draft, dir)
    await syncFolder(home)
  } catch (error) {
    throw wrapDiskError(error, `renaming ${draft}`)
  }
}

const goingOf = (sources: readonly Source[]) => sources.filter(({ hasEnded }) => !hasEnded).map(({ run }) => run.dir)

/** Throws unless the feed that is there was made by this very order. */
function checkSame(union: Union, order: UniteOrder, runs: readonly RunReader[]): Union {
  const { home, joins, head } = union
  const { join: first } = joins[0]
  const asked = order.runs.map(({ map }, i) => ({ run: nameFolder(home, runs[i].dir), id: runs[i].run.id ?? '', map }))
  const had = first.runs.map(({ run, id, map }) => ({ run, id, map }))
  const refuse = (what: string) =>
    new HeadraceError(
      'bad-option',
      `${home} has a feed already, and ${what}: --add joins a further run, and another feed takes another folder`,
    )
  if (canonicalJson(asked) !== canonicalJson(had))
    throw refuse(
      `it was made of ${had.map(({ run }) => run).join(', ')}, in this order and with other domains or none mapped`,
    )
  if (order.duplicates !== first.duplicates)
    throw refuse(`duplicates were to be ${first.duplicates}, not ${order.duplicates}`)
  const id = feedIdOf(order.feed, originOf(home, order, runs[0], first))
  if (id !== head.feed) throw refuse('it was begun with other options, or another name')
  return union
}

/** How many shards of a run the feed has taken. Throws where the run is to be mapped otherwise than before. */
function shardsTaken({ home, runs }: Union, { dir, run }: RunReader, { map }: RunWish): number {
  const before = runs.filter(one => (run.id ? one.id === run.id : one.run === nameFolder(home, dir)))
  const last = before.at(-1)
  if (!last) return 0
  if (canonicalJson(last.map) !== canonicalJson(map))
    throw new HeadraceError(
      'bad-option',
      `${dir} is in the feed already, with its domains mapped by ${JSON.stringify(last.map)} and not by ${JSON.stringify(map)}: give the same`,
    )
  return Math.max(...before.map(one => one.shards[1]))
}

function checkRecorded({ home, joins }: Union, { dir, run }: RunReader, step: number | undefined): void {
  const entry = joins.findLast(({ join: { runs } }) => runs.some(one => one.id === (run.id ?? '')))
  if (step === undefined || entry?.step === step) return
  throw new HeadraceError(
    'bad-option',
    `${dir} joined the feed in ${home} from step ${entry?.step} on, and has sealed nothing since: it can't join from step ${step} on`,
  )
}

/** Steps that are published never change, and what lies before a later one is not known before it is planned. */
function checkStep({ home, head }: Union, asked = head.steps): number {
  if (asked === head.steps) return asked
  const refuse = (what: string) =>
    new HeadraceError('bad-option', `a run can't join the feed in ${home} at step ${asked}: ${what}`)
  if (asked < head.steps)
    throw refuse(`${head.steps} steps are published; name step ${head.steps}, or leave --from-step out`)
  if (head.ended)
    throw refuse(`it has ended with ${head.steps} steps; name step ${head.steps}, or leave --from-step out`)
  throw refuse(`it has ${head.steps} steps; plan it up to there first: headrace unite ${home} --steps ${asked}`)
}
