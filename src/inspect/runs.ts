import { join } from 'node:path'
import { listFiles, listNames, sizeOf } from '../disk/files.ts'
import { findLockHolder } from '../disk/lock.ts'
import { codeOf } from '../errors.ts'
import { readHead } from '../feed/files/head.ts'
import { findHold } from '../record/hold.ts'
import { isOf, type ListedRun, listRunsIn, nameAside, type ReferenceKind, referencesOf } from '../record/references.ts'
import { RunReader } from '../record/run-reader.ts'
import { hasEnded, readStanding } from '../record/standing.ts'

/** Parts of a run on this disk, by the names of its folders; `rest` is all else. */
export const runParts = ['log', 'shards', 'feed', 'state', 'rest'] as const
export type RunBytes = Readonly<Record<(typeof runParts)[number], number>>

/** What a run needs of another: the name of that run, or, of one that is in no place here, its folder or id. */
export interface NamedReference {
  readonly kind: ReferenceKind
  readonly to: string
}

/** `removing`: a removal that was stopped, which the same command ends. `unread`: see `problem`. */
export type RunState = 'running' | 'held' | 'ended' | 'stopped' | 'removing' | 'unread'

export interface RunSummary {
  readonly name: string
  readonly state: RunState
  /** Of the deciding stage. */
  readonly slots: number
  readonly documents: number
  readonly kept: number
  readonly steps: number
  readonly bytes: RunBytes
  /** `kafka://...`, or null for the log in the run's folder. */
  readonly log: string | null
  readonly needs: readonly NamedReference[]
  /** Names of the runs that need this one. */
  readonly neededBy: readonly string[]
  /** Why it could not be read whole, or null. */
  readonly problem: string | null
}

/** The runs in a folder, by name, with what they are and who needs whom. Changes nothing. */
export async function summarizeRuns(folder: string): Promise<RunSummary[]> {
  const { runs, damaged } = await listRunsIn(folder)
  const needs = new Map<ListedRun, NamedReference[] | null>()
  for (const one of runs) needs.set(one, await namedNeeds(one, runs))
  const found: RunSummary[] = []
  for (const one of runs) {
    const neededBy = runs.filter(other => needs.get(other)?.some(({ to }) => other !== one && to === one.name))
    const own = needs.get(one)
    const links = { needs: own ?? [], neededBy: neededBy.map(({ name }) => name) }
    const problem = own ? null : "its feed can't be read: see headrace verify"
    found.push({ ...blank, ...(await readFigures(one)), ...(problem && { problem }), ...links, name: one.name })
  }
  for (const [name, { message }] of damaged)
    found.push({ ...blank, name, bytes: await measureRun(join(folder, name)), problem: message })
  for (const name of await listNames(folder)) {
    const left = nameAside(name)
    if (left !== null)
      found.push({ ...blank, name: left, state: 'removing', bytes: await measureRun(join(folder, name)) })
  }
  return found.sort((a, b) => (a.name < b.name ? -1 : 1))
}

const blank = {
  state: 'unread' as RunState,
  slots: 0,
  documents: 0,
  kept: 0,
  steps: 0,
  log: null,
  needs: [],
  neededBy: [],
  problem: null,
}

/** What a run needs, or null where that can't be told. */
async function namedNeeds(one: ListedRun, runs: readonly ListedRun[]): Promise<NamedReference[] | null> {
  try {
    return (await referencesOf(one)).map(reference => {
      const to = runs.find(other => isOf(reference, other))
      return { kind: reference.kind, to: to?.name ?? reference.dir ?? reference.id! }
    })
  } catch (error) {
    if (codeOf(error) === 'corrupt') return null
    throw error
  }
}

async function readFigures({ dir, run }: ListedRun) {
  const bytes = await measureRun(dir)
  try {
    await using reader = await RunReader.open(dir)
    const standing = await readStanding(reader.log, run)
    const { slot: slots, totals } = standing.decide
    const { documents, kept } = totals
    const steps = (await readHead(join(dir, 'feed')))?.steps ?? 0
    const holder = await findLockHolder(dir)
    const isHeld = (await findHold(dir, slots)) !== null
    const rest = hasEnded(standing, run) ? 'ended' : 'stopped'
    const state: RunState = holder && holder.state !== 'dead' ? 'running' : isHeld ? 'held' : rest
    return { state, slots, documents, kept, steps, bytes, log: run.log }
  } catch (error) {
    if (codeOf(error) === 'bug') throw error
    return { bytes, log: run.log, problem: (error as Error).message }
  }
}

/** Bytes of a run's files on this disk. */
export async function measureRun(dir: string): Promise<RunBytes> {
  const bytes = { log: 0, shards: 0, feed: 0, state: 0, rest: 0 }
  for (const file of await listFiles(dir)) {
    const [part] = file.split('/')
    const name = { snapshot: 'state', texts: 'log' }[part] ?? part
    const counted = name === 'log' || name === 'shards' || name === 'feed' || name === 'state' ? name : 'rest'
    bytes[counted] += (await sizeOf(join(dir, file))) ?? 0
  }
  return bytes
}

export function sumBytes(bytes: RunBytes): number {
  return runParts.reduce((sum, part) => sum + bytes[part], 0)
}
