import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { listNames } from '../disk/files.ts'
import { HeadraceError } from '../errors.ts'
import { readControls } from '../feed/files/control-file.ts'
import { readHead } from '../feed/files/head.ts'
import { type RunFile, readRunFile } from './run-file.ts'

/** A run in a folder of runs. `dir` is its own folder. */
export interface ListedRun {
  readonly name: string
  readonly dir: string
  readonly run: RunFile
}

/** What of another run one needs: the rows that it replays, shards that its feed goes on with, or the shards that its feed was forked with. */
export type ReferenceKind = 'rows' | 'promoted' | 'shards'

/** That a run needs something of another one, which is named by its id, or by its folder where that is all that is known. */
export interface Reference {
  readonly kind: ReferenceKind
  readonly id?: string
  readonly dir?: string
}

/** A folder that a removal has put aside, to be done with: `.removed-NAME-<8 hex digits>`. */
const asidePattern = /^\.removed-(.+)-([0-9a-f]{8})$/

export const asideName = (name: string, mark: string) => `.removed-${name}-${mark}`

/** The name of the run that was put aside under this one, or null. */
export function nameAside(name: string): string | null {
  return asidePattern.exec(name)?.[1] ?? null
}

/** The runs in a folder, by name, and those whose file can't be read, with why. What is put aside is none. */
export async function listRunsIn(folder: string): Promise<{ runs: ListedRun[]; damaged: Map<string, HeadraceError> }> {
  const runs: ListedRun[] = []
  const damaged = new Map<string, HeadraceError>()
  for (const name of (await listNames(folder)).sort()) {
    const dir = join(folder, name)
    if (name.startsWith('.') || !existsSync(join(dir, 'run.json'))) continue
    try {
      const run = await readRunFile(dir)
      if (run) runs.push({ name, dir, run })
    } catch (error) {
      if (!(error instanceof HeadraceError) || error.code !== 'corrupt') throw error
      damaged.set(name, error)
    }
  }
  return { runs, damaged }
}

/** What a run needs of others. Throws 'corrupt' where that can't be told. */
export async function referencesOf({ dir, run }: Pick<ListedRun, 'dir' | 'run'>): Promise<Reference[]> {
  const found: Reference[] = []
  for (const name of [...(run.base ? [run.base] : []), ...(run.recall?.after ?? [])])
    found.push({ kind: 'rows', id: name.id, dir: resolve(dir, name.dir) })
  const feed = join(dir, 'feed')
  const forks = await listNames(join(dir, 'forks'))
  for (const id of await promotedIn([feed, ...forks.map(name => join(dir, 'forks', name))]))
    if (id !== run.id) found.push({ kind: 'promoted', id })
  const head = await readHead(feed)
  const shards = head ? resolve(feed, head.shards) : join(dir, 'shards')
  if (shards !== resolve(dir, 'shards')) found.push({ kind: 'shards', dir: resolve(shards, '..') })
  return found
}

/** The ids of the runs that control entries of these feeds promote, or go on from. */
async function promotedIn(feeds: readonly string[]): Promise<Set<string>> {
  const ids = new Set<string>()
  for (const feed of feeds)
    for (const { promote } of await readControls(feed))
      if (promote) for (const { id } of [promote.from, promote.to]) ids.add(id)
  return ids
}

/** Whether a reference is to this run. */
export function isOf({ id, dir }: Reference, to: ListedRun): boolean {
  return id === undefined ? dir === resolve(to.dir) : id === to.run.id
}
