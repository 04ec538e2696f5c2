import { randomUUID } from 'node:crypto'
import { statSync } from 'node:fs'
import { type FileHandle, open, readdir, rename, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { syncFolder } from '../../disk/durable-file.ts'
import { HeadraceError } from '../../errors.ts'
import { fencedError } from '../errors.ts'
import type { Span } from './frame.ts'

/**
 * The files of one stage, and how a process that lost the stage (its lock was removed by hand, or its host hung) is kept out.
 *
 *   `<first commit>-<epoch>.journal`   frames; written only by the process whose epoch it names
 *   `<epoch>-<uuid>.owner`             the claim, empty; there is one
 *   `<epoch>.draft`                    a journal file that is not born yet
 *
 * To open a stage for writing is to begin an epoch: rename the claim to a name of one's own, sync the folder, and only then look at
 * the frames. The new epoch's first file carries the history (which commits are whose) and a copy of the last frame, as its writer
 * may have died before it was synced. It is written aside, synced and renamed, so a file is born whole. An owner looks for its claim
 * before each commit and again after the sync, and says that a commit is done only when the claim was still there.
 *
 * Why nothing is lost: a commit that was said to be done was whole on disk while the claim stood, so before its successor looked.
 * Why nothing is doubled: the successor's history ends the former epoch at what it found. A frame that a fenced process writes later,
 * whole or torn, lies behind that end, or in a file that the history does not name; it is never read, wherever it stands, and even
 * after the files that once stood around it were trimmed. No two processes write the same file and nobody cuts one, so neither can
 * change the other's bytes. What either unlinks no history needs, and writing to an unlinked file does nothing.
 *
 * What remains: a commit that was under way when its owner was fenced, or whose sync failed, is reported as failed and may have
 * happened, as after a crash. Who reads beside the owner may see a last commit that is not done yet and never will be. Where hosts
 * share the folder, this holds on file systems that show every host the same names and bytes at once; where names are cached
 * (NFS), a fenced owner may believe for that time that its commits are done, though the history has none of them. Two processes that
 * begin a stage's very first epoch at one moment without the lock may both be refused.
 */
export interface JournalFile {
  readonly path: string
  /** The number of its first commit. */
  readonly commit: number
  readonly epoch: number
}

const namePattern = /^(\d{12})-(\d{6})\.journal$/
const pad = (value: number, digits: number): string => String(value).padStart(digits, '0')

/** `<first commit, 12 digits>-<epoch, 6 digits>.journal` */
export function journalName(commit: number, epoch: number): string {
  return `${pad(commit, 12)}-${pad(epoch, 6)}.journal`
}

export interface JournalFolder {
  /** By epoch, then by first commit. */
  readonly files: readonly JournalFile[]
  readonly owners: readonly string[]
  readonly drafts: readonly string[]
}

/** What stands in a stage's folder; nothing where there is none. A journal of another version is refused. */
export async function listJournal(dir: string): Promise<JournalFolder> {
  const names = (await listFolder(dir)).sort()
  const files = names
    .filter(name => name.endsWith('.journal'))
    .map(name => {
      const match = namePattern.exec(name)
      if (match) return { path: join(dir, name), commit: Number(match[1]), epoch: Number(match[2]) }
      throw new HeadraceError('corrupt', `${join(dir, name)} is not a journal of this version: start the run anew`)
    })
  return {
    files: files.sort((a, b) => a.epoch - b.epoch || a.commit - b.commit),
    owners: names.filter(name => name.endsWith('.owner')),
    drafts: names.filter(name => name.endsWith('.draft')),
  }
}

/** A stage's files that count, in order: `end` is the commit at which the next one takes over, infinite for the last. */
export interface Chain {
  readonly files: readonly (JournalFile & { readonly end: number })[]
  /** Files that no history needs: a fenced owner's, or superseded by a copy. */
  readonly ignored: readonly JournalFile[]
}

/** Sorts files by a history, which is that of the newest file. */
export function chainFiles(files: readonly JournalFile[], epochs: readonly Span[]): Chain {
  const endOf = new Map(epochs.map(({ epoch }, i) => [epoch, epochs[i + 1]?.commit ?? Number.POSITIVE_INFINITY]))
  const isNamed = (file: JournalFile) => file.commit < (endOf.get(file.epoch) ?? -1)
  const named = files.filter(isNamed)
  return {
    files: named.map((file, i) => ({ ...file, end: named[i + 1]?.commit ?? Number.POSITIVE_INFINITY })),
    ignored: files.filter(file => !isNamed(file)),
  }
}

/** A process's hold on a stage. */
export interface Claim {
  readonly epoch: number
  /** Throws `fenced` once another process has begun an epoch. One stat, about 5 µs. */
  check(): void
}

/** Begins an epoch of a stage. Whoever had it is fenced when this resolves; throws `fenced` when another process is quicker. */
export async function claimEpoch(dir: string, stage: string): Promise<Claim> {
  const { files, owners } = await listJournal(dir)
  const epoch = 1 + Math.max(0, ...files.slice(-1).map(file => file.epoch), ...owners.map(epochOfOwner))
  const mine = `${pad(epoch, 6)}-${randomUUID()}.owner`
  const path = join(dir, mine)
  const former = owners.at(-1)
  // Of those who see the same claim, one can rename it.
  if (former) await rename(join(dir, former), path).catch(orFenced('ENOENT', stage))
  else await (await open(path, 'wx')).close()
  for (const other of owners.slice(0, -1)) await removeFile(join(dir, other))
  await syncFolder(dir)
  const now = await listJournal(dir)
  if (now.owners.join() !== mine || now.files.some(file => file.epoch >= epoch)) throw fencedError(stage)
  const check = () => {
    if (!statSync(path, { throwIfNoEntry: false })) throw fencedError(stage)
  }
  return { epoch, check }
}

/** Makes a journal file that is whole from its first moment, and returns it open to append to. */
export async function bearFile(
  dir: string,
  stage: string,
  span: Span,
  write: (handle: FileHandle) => Promise<void>,
): Promise<FileHandle> {
  const draft = join(dir, `${pad(span.epoch, 6)}.draft`)
  const handle = await open(draft, 'wx+').catch(orFenced('EEXIST', stage))
  try {
    await write(handle)
    await handle.datasync()
    await rename(draft, join(dir, journalName(span.commit, span.epoch))).catch(orFenced('ENOENT', stage))
    await syncFolder(dir)
    return handle
  } catch (error) {
    await handle.close()
    throw error
  }
}

/** Unlinks a file that may be gone already. */
export async function removeFile(path: string): Promise<void> {
  await unlink(path).catch(error => {
    if (error.code !== 'ENOENT') throw error
  })
}

function epochOfOwner(name: string): number {
  return Number.parseInt(name, 10) || 0
}

function orFenced(code: string, stage: string) {
  return (error: NodeJS.ErrnoException): never => {
    throw error.code === code ? fencedError(stage) : error
  }
}

async function listFolder(dir: string): Promise<string[]> {
  return readdir(dir).catch(error => {
    if (error.code === 'ENOENT') return []
    throw error
  })
}
