import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { type FileHandle, link, open, readFile, stat, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { HeadraceError, wrapDiskError } from '../errors.ts'
import { describeProcess, judgeProcess, type ProcessName } from './process-name.ts'

/** Who holds a folder. `id` tells this taking of the folder from every other. */
interface Holder extends ProcessName {
  readonly id: string
}

/**
 * A holder writes a byte of its file this often, as its number says nothing to a process of the same host name that can't see it: a
 * container beside it, or another machine. One whose file nobody wrote for `silentMs` is dead to those. Both times are the file
 * system's, so clocks need not agree.
 */
const pulseMs = 2000
const silentMs = 10_000

export interface Lock extends AsyncDisposable {
  /** Throws `fenced` when the folder is no longer this process's, as someone removed the lock by hand. One small read, about 20 µs. */
  check(): void
}

/**
 * Takes a folder for this process alone, until disposed or dead: a process that is gone no longer holds it. The file appears whole, by
 * a hard link. Only who holds `lock.break` may remove a dead holder's file, so that nobody removes a file that was taken since.
 */
export async function lockDirectory(dir: string): Promise<Lock> {
  const id = randomUUID()
  const holder: Holder = { ...describeProcess(), id }
  const mine = JSON.stringify(holder)
  const draft = join(dir, `lock.${id}`)
  const path = join(dir, 'lock')
  let stopPulse = async () => {}
  try {
    await writeFile(draft, mine)
    await take(dir, path, draft)
    if (holder.machine !== '') stopPulse = await startPulse(path)
  } catch (error) {
    await leave(path, mine)
    throw wrapDiskError(error, `locking ${dir}`)
  } finally {
    await unlink(draft).catch(() => {})
  }
  return {
    check: () => {
      if (!isMine(path, mine)) throw lostError(path)
    },
    [Symbol.asyncDispose]: async () => {
      await stopPulse()
      await leave(path, mine)
    },
  }
}

/** Who holds a folder. */
export interface LockHolder extends ProcessName {
  readonly state: ReturnType<typeof judgeProcess>
}

/** Looks who holds a folder, and takes nothing; null when nobody does. */
export async function findLockHolder(dir: string): Promise<LockHolder | null> {
  const holder = await readHolder(join(dir, 'lock'))
  if (holder === null || holder === 'absent') return null
  const state = judgeProcess(holder)
  if (state !== 'unseen') return { ...holder, state }
  const isSilent = Date.now() - (await writtenMs(join(dir, 'lock'))) > silentMs
  return { ...holder, state: isSilent ? 'dead' : 'unseen' }
}

/** Writes the first byte of the file again and again, which changes nothing of it but its time. */
async function startPulse(path: string): Promise<() => Promise<void>> {
  const file: FileHandle = await open(path, 'r+')
  let last: Promise<unknown> = Promise.resolve()
  const timer = setInterval(() => {
    // A disk that refuses is told where it matters; until then this process is the folder's.
    last = file.write(Buffer.from('{'), 0, 1, 0).catch(() => {})
  }, pulseMs)
  timer.unref()
  return async () => {
    clearInterval(timer)
    await last
    await file.close()
  }
}

/** When a file was last written, in milliseconds of its file system's clock; one that is gone, never. */
async function writtenMs(path: string): Promise<number> {
  try {
    return (await stat(path)).mtimeMs
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0
    throw error
  }
}

const triesMax = 100

async function take(dir: string, path: string, draft: string): Promise<void> {
  for (let tries = 0; tries < triesMax; tries++) {
    if (await tryLink(draft, path)) return
    const other = await readHolder(path)
    if (other === 'absent') continue
    if (await isHeld(other, path, draft)) throw refuseLocked(dir, other!, path)
    await removeDead(dir, path, draft)
  }
  throw new HeadraceError('locked', `${dir} is being taken by several processes at once: try again`)
}

/** Removes a dead holder's file. The file that gives the right to do so may itself be left by a process that died: the same again. */
async function removeDead(dir: string, path: string, draft: string): Promise<void> {
  const right = `${path}.break`
  await take(dir, right, draft)
  try {
    const other = await readHolder(path)
    if (other !== 'absent' && !(await isHeld(other, path, right))) await remove(path)
  } finally {
    await remove(right)
  }
}

/** Gives a folder back. Where someone removed the file by hand, it is another's. One that can't be removed is a dead holder's, and is taken over. */
async function leave(path: string, mine: string): Promise<void> {
  if (isMine(path, mine)) await remove(path).catch(() => {})
}

async function remove(path: string): Promise<void> {
  await unlink(path).catch(error => {
    if (error.code !== 'ENOENT') throw error
  })
}

async function tryLink(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? ''
    if (code === 'EEXIST') return false
    throw noLinkCodes.has(code) ? noLinksError(to, code, error) : error
  }
}

/** What systems answer where a file system has no hard links (FAT, some network and container mounts). */
const noLinkCodes = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'])

/** Who holds a file; `null` when its text was lost in a power failure, as a living process's is whole. */
async function readHolder(path: string): Promise<Holder | null | 'absent'> {
  try {
    const holder = JSON.parse(await readFile(path, 'utf8'))
    return typeof holder?.pid === 'number' ? holder : null
  } catch (error) {
    if (error instanceof SyntaxError) return null
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'absent'
    throw error
  }
}

function isMine(path: string, mine: string): boolean {
  try {
    return readFileSync(path, 'utf8') === mine
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw wrapDiskError(error, `reading ${path}`)
  }
}

/** Whether a holder is at work. `fresh` is a file of this process, written just now. */
async function isHeld(holder: Holder | null, path: string, fresh: string): Promise<boolean> {
  if (holder === null) return false
  const state = judgeProcess(holder)
  if (state !== 'unseen') return state !== 'dead'
  return (await writtenMs(fresh)) - (await writtenMs(path)) < silentMs
}

/** What a start is told while another process holds the folder. */
export function refuseLocked(dir: string, holder: ProcessName, path = join(dir, 'lock')): HeadraceError {
  const advice = {
    alive: 'wait for it, or stop it',
    dead: 'wait for it, or stop it',
    unseen: `it was at work within the last ${silentMs / 1000} s, in another container or machine of this name: stop it, or try again`,
    remote: `it runs on another machine; if that is gone for good, delete ${path}`,
  }
  return new HeadraceError(
    'locked',
    `${dir} is in use by process ${holder.pid} on ${holder.host}: ${advice[judgeProcess(holder)]}`,
  )
}

function lostError(path: string): HeadraceError {
  return new HeadraceError(
    'fenced',
    `${path} is no longer this process's: another one may be at work, so this one stops`,
  )
}

function noLinksError(path: string, code: string, cause: unknown): HeadraceError {
  const advice = 'use --dir to keep runs on a file system that has them'
  return new HeadraceError('disk', `can't take ${path} (${code}): its file system has no hard links; ${advice}`, cause)
}
