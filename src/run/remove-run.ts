import { randomUUID } from 'node:crypto'
import { rename, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { syncFolder } from '../disk/durable-file.ts'
import { listNames } from '../disk/files.ts'
import { lockDirectory } from '../disk/lock.ts'
import { HeadraceError, wrapDiskError } from '../errors.ts'
import { bindingOf, boundTo } from '../record/binding.ts'
import { hasTextTopic, loaderOf, topicShapes } from '../record/layout.ts'
import { openKafka } from '../record/open-log.ts'
import { asideName, isOf, type ListedRun, listRunsIn, nameAside, referencesOf } from '../record/references.ts'
import { findReferrers } from '../record/referrers.ts'
import { type RunFile, readRunFile } from '../record/run-file.ts'

export interface Removal {
  /** Folders that are gone: the run's, and what a stopped removal of it had left. */
  readonly folders: number
  /** Topics that are gone. */
  readonly topics: readonly string[]
  /** Why topics of this name were left, or null. */
  readonly left: string | null
}

/** Told before a step that lasts; what it throws keeps that from happening. */
type OnStep = (step: 'aside' | 'topics' | 'folder') => void

/**
 * Takes a run away: its folder is put aside under a name that no run has, so that whatever stops this leaves no half run that looks
 * whole; then its topics are deleted, and then the folder. The same call ends what was stopped. Refuses a name that is no run's
 * ('not-found'), a run at work ('locked'), and one that others need ('bad-option'). `isSpreadStopped`: somebody says that all processes of
 * a spread run are stopped, as those of other machines can't be seen.
 */
export async function removeRun(
  folder: string,
  name: string,
  isSpreadStopped: boolean,
  onStep: OnStep = () => {},
): Promise<Removal> {
  const { runs, damaged } = await listRunsIn(folder)
  const mine = runs.find(run => run.name === name)
  const refusal = damaged.get(name)
  if (refusal) throw refusal
  if (mine) {
    await refuseNeeded(mine, runs, [...damaged.keys()])
    if (mine.run.spread && !isSpreadStopped)
      throw new HeadraceError(
        'locked',
        `the run in ${mine.dir} is spread, and processes on other machines can't be seen from here: stop all of them, then add --force`,
      )
    await putAside(folder, mine, onStep)
  }
  const left = (await listNames(folder)).filter(one => nameAside(one) === name)
  if (left.length === 0) throw new HeadraceError('not-found', `${folder} holds no run '${name}'`)
  let removal: Removal = { folders: 0, topics: [], left: null }
  for (const one of left) {
    const { topics, left: why } = await removeAside(folder, name, join(folder, one), onStep)
    removal = { folders: removal.folders + 1, topics: [...removal.topics, ...topics], left: why ?? removal.left }
  }
  return removal
}

async function refuseNeeded(mine: ListedRun, runs: readonly ListedRun[], damaged: readonly string[]): Promise<void> {
  const needing: string[] = []
  for (const other of runs) {
    if (other === mine) continue
    const references = await referencesOf(other)
    if (references.some(reference => isOf(reference, mine))) needing.push(other.name)
  }
  // Those of other folders are known by what they left here.
  const known = new Set(runs.map(({ dir }) => resolve(dir)))
  for (const dir of await findReferrers(mine.dir, mine.run.id)) if (!known.has(dir)) needing.push(dir)
  if (needing.length > 0)
    throw new HeadraceError(
      'bad-option',
      `${mine.dir} is needed by ${needing.join(', ')}, which read its rows or shards: remove those first`,
    )
  if (damaged.length > 0)
    throw new HeadraceError(
      'corrupt',
      `whether ${damaged.join(', ')} of the same folder need ${mine.dir} can't be told, as run.json can't be read there: restore it first`,
    )
}

/** The lock says that no process is at work on it, and goes with the folder. */
async function putAside(folder: string, { dir, name }: ListedRun, onStep: OnStep): Promise<void> {
  await using _lock = await lockDirectory(dir)
  onStep('aside')
  try {
    await rename(dir, join(folder, asideName(name, randomUUID().slice(0, 8))))
    await syncFolder(folder)
  } catch (error) {
    throw wrapDiskError(error, `putting ${dir} aside`)
  }
}

async function removeAside(folder: string, name: string, dir: string, onStep: OnStep) {
  const run = await readRunFile(dir)
  // Topics are named by the folder that the run had.
  const gone = run?.log ? await removeTopics(join(folder, name), run, onStep) : { topics: [], left: null }
  onStep('folder')
  try {
    // What names the topics goes last.
    for (const one of await listNames(dir)) if (one !== 'run.json') await rm(join(dir, one), { recursive: true })
    await rm(dir, { recursive: true })
    await syncFolder(folder)
  } catch (error) {
    throw wrapDiskError(error, `removing ${dir}`)
  }
  return gone
}

/** Deletes the run's topics, unless what they hold is bound to another run, which has taken the name since. */
async function removeTopics(dir: string, run: RunFile, onStep: OnStep) {
  await using kafka = await openKafka(dir, run)
  const shapes = topicShapes({ ...run, textTopic: hasTextTopic(run) })
  const isWhole = (await kafka.planTopics(shapes)).every(({ action }) => action !== 'create')
  // Where some are gone already nobody else has begun a run with them: a start makes those that it lacks.
  const { note } = isWhole ? await kafka.position(loaderOf(run).stage, 0) : { note: '' }
  if (note !== '' && boundTo(note) !== bindingOf(run))
    return { topics: [], left: 'the topics of this name are those of another run: they stay' }
  onStep('topics')
  return { topics: await kafka.deleteTopics(shapes), left: null }
}
