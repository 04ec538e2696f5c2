import { randomUUID } from 'node:crypto'
import { hostname, userInfo } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { findLockHolder, lockDirectory } from '../disk/lock.ts'
import { HeadraceError } from '../errors.ts'
import { type ChangedSettings, changeSettings, findReplaced, type SettingsOrder } from '../feed/change/settings.ts'
import { readControls } from '../feed/files/control-file.ts'
import { readHead } from '../feed/files/head.ts'
import { changeIn, type SettingsChange } from '../feed/plan/control.ts'
import { reopenFeed } from '../feed/publish.ts'
import { controlAnswers, controlRequests } from '../record/control-request.ts'
import { type ParsedArgs, runOptions, type Terminal } from './command.ts'
import { type FoundFeed, hasAllShards, isUnion, openFoundFeed, readShardsOf } from './find-feed.ts'
import { locateRun } from './find-run.ts'
import { noteOf } from './note.ts'
import { describeChange } from './show-controls.ts'
import { formatPlural } from './table.ts'
import { cleanName, cleanPath } from './wrap.ts'

/** What the commands that change a feed's options share. */
export const changeUsage = '[RUN]'
export const changeDetails =
  'RUN is a run, by its name or folder (default: the run of --dir and --run), or the home of a feed of several. Steps that are published never change. A run that is at work takes the change at its next step or at STEP, and this waits for its answer; a feed that has ended goes on at once where it can. Who asked, when and why stands in control.json.'
export const changeOptions = {
  ...runOptions,
  feed: { value: 'FOLDER', help: "another feed than the run's own: a fork's folder" },
  at: { value: 'STEP', help: 'first step that is changed (default the first that can be)' },
  note: { value: 'TEXT', help: "why: stands in the feed's control.json" },
  json: { help: 'prints one line of JSON' },
} as const

/** Opens the feed that a command names. */
export async function openChanged(args: ParsedArgs): Promise<FoundFeed> {
  const given = args.positionals[0]
  const feed = args.text('feed')
  if (feed !== undefined || given === undefined) return openFoundFeed(args, feed)
  return openFoundFeed(args, isUnion(given) ? given : await locateRun(given, args.text('dir')))
}

/** Records a change of a feed and tells of it. `command` is its name. */
export async function changeFeed(
  command: string,
  { args, feed, change }: { readonly args: ParsedArgs; readonly feed: FoundFeed; readonly change: SettingsChange },
  terminal: Terminal,
): Promise<number> {
  const order: SettingsOrder = {
    id: randomUUID(),
    step: args.text('at') === undefined ? null : args.count('at', 0, 0),
    change,
    who: nameAuthor(),
    at: new Date().toISOString(),
    note: noteOf(args, command),
  }
  const changed = await recordChange(feed, order, terminal)
  const { steps = 0, ended = false, endedBy = null } = (await readHead(feed.dir)) ?? {}
  const { step, isNew } = changed
  const { id, who, at, note } = order
  const controls = await readControls(feed.dir)
  const replaced = isNew ? findReplaced(controls, id) : []
  // A length that was given alone brings the samples of a step with it.
  const made = changeIn(controls.find(entry => entry.id === id) ?? change)
  if (args.flag('json')) {
    const replaces = replaced.map(entry => entry.step)
    const line = {
      feed: resolve(feed.dir),
      step,
      recorded: isNew,
      ...made,
      who,
      at,
      note,
      replaces,
      steps,
      ended,
      endedBy,
    }
    terminal.out.write(`${JSON.stringify(line)}\n`)
    return 0
  }
  const since = isNew ? 'from' : 'in force already at'
  terminal.out.write(`${describeChange(made)} ${since} step ${step} of ${cleanPath(feed.dir)}\n`)
  for (const entry of replaced)
    terminal.out.write(
      `it holds in place of what was recorded for step ${entry.step}, too: ${describeChange(entry)}; record that again to keep it\n`,
    )
  const end = ended ? `, and it has ended${endedBy === 'budget' ? ' by its budget' : ''}` : ''
  terminal.out.write(`the feed has ${formatPlural(steps, 'step')}${end}\n`)
  return 0
}

/** Records a change, or has the process at work do it. Throws `bad-option` where it is refused. */
export async function recordChange(
  feed: FoundFeed,
  order: SettingsOrder,
  terminal: Terminal,
): Promise<ChangedSettings> {
  const isOwn = resolve(feed.dir) === resolve(feed.home, 'feed')
  if (isOwn && feed.run?.run.spread)
    throw new HeadraceError(
      'bad-option',
      `${cleanPath(feed.home)} is a spread run: any of its processes may write its feed, and none of them can be asked here; change a fork of it`,
    )
  return applyOrAsk(feed, order, isOwn, terminal)
}

/** `user@host`, with nothing in it that steers a terminal. */
export function nameAuthor(): string {
  let user = 'unknown'
  try {
    user = userInfo().username
  } catch {
    // A container may run under a number that has no name.
    user = `uid ${process.getuid?.() ?? '?'}`
  }
  return cleanName(`${user}@${hostname()}`, 100)
}

/** Changes the feed where nobody is at it; else leaves the change for who is, and waits for what comes of it. */
async function applyOrAsk(
  feed: FoundFeed,
  order: SettingsOrder,
  isOwn: boolean,
  terminal: Terminal,
): Promise<ChangedSettings> {
  const folder = dirname(resolve(feed.dir))
  let isAsked = false
  for (;;) {
    try {
      await using lock = await lockDirectory(folder)
      return (await answerOf(feed.home, order)) ?? (await apply(feed, order, lock.check))
    } catch (error) {
      if (!(error instanceof HeadraceError) || error.code !== 'locked' || !isOwn || !feed.run) throw error
      if (!isAsked) {
        await controlRequests.put(feed.home, order.id, { kind: 'control', ...order })
        terminal.err.write(
          `left in ${cleanPath(join(feed.home, 'inbox'))} for the process that holds the run: waiting for its answer\n`,
        )
      }
      isAsked = true
    }
    const changed = await waitForAnswer(feed.home, folder, order)
    if (changed) return changed
  }
}

/** How often a command looks for the answer. */
const lookMs = 200

/** The answer of the process that holds the run; null once none does. */
async function waitForAnswer(dir: string, folder: string, order: SettingsOrder): Promise<ChangedSettings | null> {
  for (;;) {
    const changed = await answerOf(dir, order)
    if (changed) return changed
    const holder = await findLockHolder(folder)
    if (holder === null || holder.state === 'dead') return null
    await sleep(lookMs)
  }
}

/** What came of the order, or null where nobody has answered. Throws where it was refused. */
async function answerOf(dir: string, { id }: SettingsOrder): Promise<ChangedSettings | null> {
  const answer = (await controlAnswers.list(dir)).get(id)
  if (!answer) return null
  await controlRequests.remove(dir, id)
  await controlAnswers.remove(dir, id)
  if (answer.refused !== undefined) throw new HeadraceError('bad-option', answer.refused)
  return { step: answer.step, isNew: answer.isNew }
}

/**
 * Records the change, and goes on with a feed to which nobody else will: one that had ended, that of a run that has, and a fork that was
 * planned on. Where this is stopped, the same command goes on.
 */
async function apply(found: FoundFeed, order: SettingsOrder, onEffect: () => void): Promise<ChangedSettings> {
  // Asked first: what has ended has all its shards.
  const { run, dir, home } = found
  const isWhole = await hasAllShards(found)
  await using feed = await reopenFeed(dir, onEffect)
  const changed = await changeSettings(feed, dir, order)
  await controlRequests.remove(home, order.id)
  const { steps, ended, forks } = feed.head
  // Nobody but who makes a feed of several runs says how far it is planned.
  const isLeft = forks ? steps > forks.at(-1)!.step : isWhole && run !== null
  if (!ended && !isLeft) return changed
  for await (const entry of readShardsOf(found)) await feed.addManifest(entry)
  if (isWhole || feed.isPromoted) await feed.end()
  return changed
}
