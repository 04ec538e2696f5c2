import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { lockDirectory } from '../disk/lock.ts'
import { HeadraceError } from '../errors.ts'
import { judgeOrder, recordTakeDown, type TakeDownOrder } from '../feed/change/take-down.ts'
import { readControls } from '../feed/files/control-file.ts'
import type { Spans } from '../inspect/fed-samples.ts'
import { findMembers, findSeen } from '../inspect/seen.ts'
import { type Copies, findCopies, type Named } from '../record/copies.ts'
import { claimStage } from '../run/spread/claim.ts'
import { findUnionCopies, findUnionSpans } from '../unite/members.ts'
import { readUnion, withFeed } from '../unite/union.ts'
import { type Command, type ParsedArgs, runOptions, type Terminal } from './command.ts'
import { type FeedOfRun, type FoundFeed, openFoundFeed } from './find-feed.ts'
import { openRunAt } from './find-run.ts'
import { readNames } from './names.ts'
import { noteOf } from './note.ts'
import { openOrTell } from './promoted-runs.ts'
import { membersOfRun, membersOfUnion, type ShownMembers, showTakeDown, type TakenDown } from './show-take-down.ts'
import { printable } from './wrap.ts'

export const takeDownCommand: Command = {
  name: 'take-down',
  summary: 'Masks documents, and every copy of them, from a step of a feed on, and records it.',
  details:
    'The file names documents that were decided by now, one a line; one that comes later takes another take-down. A copy is whatever a decider dropped as a duplicate of a named document, or kept in its place: that one is masked; of a feed that was promoted, also by the deciders of that run, which must be where it was. From the recorded step on trainers get targets of -100 for all tokens of these documents; with --blank the tokens, too, are those of padding. Steps before are as they were, and what they hold of the documents is counted. A run of one process is stopped for it and goes on afterwards, a spread one goes on by itself; a fork is a feed of its own and takes its own. Of a feed of several runs all these are looked through, and what it leaves out of one as a copy. Readers of an older version refuse the feed from then on.',
  options: {
    ...runOptions,
    ids: { value: 'FILE', help: 'the documents, one a line' },
    by: { value: 'id|url', help: 'what a line names documents by (default id)' },
    feed: {
      value: 'PATH',
      help: "another feed than the run's own: a fork's folder, or the home of a feed of several runs",
    },
    at: { value: 'STEP', help: 'first step that is masked (default the first that is not published)' },
    unread: { help: 'no trainer has read the published steps from STEP on' },
    blank: { help: 'gives end-of-text in place of their tokens, too' },
    note: { value: 'TEXT', help: "who asks, and why: stands in the feed's control.json" },
    plan: { help: 'says what would be masked, and writes nothing' },
    json: { help: 'prints a line of JSON for each document, and one for all of it' },
  },
  run: async (args, terminal) => {
    const named = { by: kindOf(args), names: await readNames(fileOf(args)) }
    await using feed = await openFoundFeed(args, args.text('feed'))
    const order = orderOf(args)
    await judgeOrder(feed.dir, order)
    const { run } = feed
    const found = run ? await findInRun({ ...feed, run }, named, terminal) : await findInUnion(feed, named, terminal)
    const { copies } = found
    if (copies.members.length === 0) throw refuseUnknown(named, feed)
    const names = [...named.names].sort()
    const isPlan = args.flag('plan')
    const isNew = isPlan ? null : await record(feed, { ...named, names }, copies, order)
    const step = await judgeOrder(feed.dir, order)
    const seen = await findSeen(feed.dir, await found.findSpans(), step)
    const taken: TakenDown = { names, copies, step, isNew, seen, blank: order.blank }
    const members = { ...found, dir: feed.dir, first: run?.first ?? 0 }
    await showTakeDown(taken, members, args.flag('json'), terminal)
    return 0
  },
}

/** What is found of named documents, and how it is looked up where it is fed, and told. */
type Found = Pick<ShownMembers, 'advice' | 'describe' | 'linesOf'> & {
  readonly copies: Copies
  readonly findSpans: () => Promise<Spans>
}

async function findInRun(feed: FeedOfRun, named: Named, terminal: Terminal): Promise<Found> {
  const { run, dir } = feed
  await using promoted = await openOrTell('take-down', feed, terminal)
  const copies = await findCopies(run, named, promoted.runs)
  return { copies, findSpans: () => findMembers(run, dir, copies.members), ...membersOfRun(run) }
}

async function findInUnion({ home, dir }: FoundFeed, named: Named, terminal: Terminal): Promise<Found> {
  // A fork of it has entries of its own.
  const union = withFeed((await readUnion(home))!, dir, await readControls(dir))
  const copies = await findUnionCopies(union, named, one => openRunAt(one, { text: () => undefined }))
  for (const message of copies.missing)
    terminal.err.write(
      `headrace take-down: copies that only that run has found are not looked for: ${printable(message)}\n`,
    )
  return { copies, findSpans: () => findUnionSpans(union, copies.members), ...membersOfUnion(union) }
}

/** Who publishes steps of the feed has its head in memory: nobody may be at it. */
async function record(
  { run, dir }: FoundFeed,
  named: { readonly by: 'id' | 'url'; readonly names: readonly string[] },
  { members, slots }: Copies,
  order: TakeDownOrder,
): Promise<boolean> {
  await using lock = await lockDirectory(dirname(dir))
  const list = { ...named, slots, rows: members.map(({ slot, row }) => [slot, row] as const) }
  const isShared = run?.run.spread === true && dir === join(run.dir, 'feed')
  if (!run || !isShared) return await recordTakeDown(dir, list, order, lock.check)
  return await recordBetween(run.dir, check => recordTakeDown(dir, list, order, check))
}

/** How long what a process had begun may take to reach the disk after it has lost its claim. */
const settleMs = 1000
const triesMax = 10

/**
 * Processes of a spread run hold its folder only while they begin, and the one that publishes has claimed the stage. It loses that, does
 * nothing more, and takes the stage again: which may come first, and then this is tried again.
 */
async function recordBetween(dir: string, work: (check: () => void) => Promise<boolean>): Promise<boolean> {
  for (let tries = 1; ; tries++) {
    const check = await claimStage(dir, 'shard')
    await sleep(settleMs)
    try {
      check()
      return await work(check)
    } catch (error) {
      if (!(error instanceof HeadraceError) || error.code !== 'fenced' || tries === triesMax) throw error
    }
  }
}

function orderOf(args: ParsedArgs): TakeDownOrder {
  const step = args.text('at') === undefined ? null : args.count('at', 0, 0)
  if (args.flag('unread') && step === null) throw refuse('--unread needs --at STEP: from which step on')
  return { step, isUnread: args.flag('unread'), blank: args.flag('blank'), note: noteOf(args, 'take-down') }
}

function fileOf(args: ParsedArgs): string {
  const path = args.text('ids')
  if (path !== undefined) return path
  throw refuse('--ids is missing: it names a file with a document a line')
}

function kindOf(args: ParsedArgs): 'id' | 'url' {
  const by = args.text('by') ?? 'id'
  if (by === 'id' || by === 'url') return by
  throw refuse(`--by is '${by}'; it takes id or url`)
}

function refuse(what: string): HeadraceError {
  return new HeadraceError('bad-option', `${what}. See: headrace take-down --help`)
}

function refuseUnknown({ by, names }: Named, { run, home }: FoundFeed) {
  const { dir, first } = run ?? { dir: home, first: 0 }
  const trimmed =
    first > 0 ? `; slots before ${first} were trimmed${by === 'id' ? '' : ', and shards have no url'}` : ''
  const example = JSON.stringify([...names][0].slice(0, 100))
  return new HeadraceError(
    'not-found',
    `no decided document of ${dir} has one of the ${names.size} names (${by}), such as ${example}${trimmed}`,
  )
}
