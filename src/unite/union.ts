import { join, resolve } from 'node:path'
import { HeadraceError } from '../errors.ts'
import { readControls } from '../feed/files/control-file.ts'
import { type Head, readHead } from '../feed/files/head.ts'
import type { ControlEntry, JoinEntry } from '../feed/plan/control.ts'
import type { JoinedRun } from '../feed/plan/join.ts'
import { nameLinks } from '../promote/links.ts'
import type { RunReader } from '../record/run-reader.ts'

/** A feed of several runs, with its home: the folder that it lies in, beside the shards that it is planned from. */
export interface Union {
  readonly home: string
  /** The feed's own folder. */
  readonly dir: string
  readonly head: Head
  readonly controls: readonly ControlEntry[]
  readonly joins: readonly JoinEntry[]
  /** All runs of it, in the order in which they joined: their numbers in files of copies. */
  readonly runs: readonly JoinedRun[]
}

/** The folder of the feed in its home. */
export const feedFolder = 'feed'

/** Reads the feed of several runs whose home this is; null where there is none. Throws `bad-option` for what is another feed. */
export async function readUnion(home: string): Promise<Union | null> {
  const dir = join(home, feedFolder)
  const head = await readHead(dir)
  if (!head) return null
  const controls = await readControls(dir)
  const joins = controls.filter((entry): entry is JoinEntry => entry.join !== undefined)
  if (joins.length === 0 || resolve(dir, head.shards) !== resolve(home, 'shards'))
    throw new HeadraceError(
      'bad-option',
      `${dir} is the feed of a run, and not of several, which has a folder of its own`,
    )
  return { home, dir, head, controls, joins, runs: joins.flatMap(({ join: { runs } }) => runs) }
}

/** The same with another feed in its home: a fork, which has control entries of its own. */
export function withFeed(union: Union, dir: string, controls: readonly ControlEntry[]): Union {
  const joins = controls.filter((entry): entry is JoinEntry => entry.join !== undefined)
  return { ...union, dir, controls, joins, runs: joins.flatMap(({ join: { runs } }) => runs) }
}

/** The first slot of the feed's that no run of it has. */
export function nextOffset(runs: readonly JoinedRun[]): number {
  return runs.reduce((next, { slotOffset, slots }) => Math.max(next, slotOffset + slots), 0)
}

export type OpenRun = (dir: string) => Promise<RunReader>

/** Opens a run of a feed. Throws `not-found` where it was moved or removed, and `corrupt` where another stands there. */
export async function openJoined(home: string, { run: folder, id }: JoinedRun, openRun: OpenRun): Promise<RunReader> {
  const dir = join(home, folder)
  const run = await openRun(dir).catch(error => {
    if (!(error instanceof HeadraceError) || error.code !== 'not-found') throw error
    throw new HeadraceError(
      'not-found',
      `the feed in ${home} is made of a run that is no longer in ${dir}: trainers read on, but what repeats its documents can't be told without it; put it back`,
      error,
    )
  })
  if ((run.run.id ?? '') === id) return run
  await run[Symbol.asyncDispose]()
  throw new HeadraceError(
    'corrupt',
    `${dir} holds another run than the one that the feed in ${home} is made of; put that one back`,
  )
}

/** The runs of a feed that are there, by their shards. */
export interface Owners extends AsyncDisposable {
  /** The run that a shard is of, by its path from the shards folder; null where it is gone. */
  readonly find: (path: string) => RunReader | null
}

/** Opens the runs of a feed that are where they were. */
export async function openOwners({ home, runs }: Union, openRun: OpenRun): Promise<Owners> {
  await using opened = new AsyncDisposableStack()
  const found = new Map<string, RunReader>()
  for (const joined of runs) {
    const run = await openJoined(home, joined, openRun).catch(error => {
      if (error instanceof HeadraceError && ['not-found', 'corrupt'].includes(error.code)) return null
      throw error
    })
    if (run) found.set(nameLinks(opened.use(run)), run)
  }
  const kept = opened.move()
  return {
    find: path => found.get(path.slice(0, path.indexOf('/'))) ?? null,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}
