import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { link, readFile, unlink, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { HeadraceError, wrapDiskError } from '../errors.ts'

/** Who holds a folder. `started` tells a process from a later one with the same number. */
interface Holder {
  readonly pid: number
  readonly started: string
  readonly host: string
  /** Tells this taking of the folder from every other. */
  readonly id: string
}

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
  const holder: Holder = { pid: process.pid, started: startOf(process.pid), host: hostname(), id }
  const mine = JSON.stringify(holder)
  const draft = join(dir, `lock.${id}`)
  const path = join(dir, 'lock')
  try {
    await writeFile(draft, mine)
    await take(dir, path, draft)
  } catch (error) {
    throw wrapDiskError(error, `locking ${dir}`)
  } finally {
    await unlink(draft).catch(() => {})
  }
  return {
    check: () => {
      if (!isMine(path, mine)) throw lostError(path)
    },
    [Symbol.asyncDispose]: async () => {
      // Where someone removed the file by hand, it is another's. One that can't be removed is a dead holder's, and is taken over.
      if (isMine(path, mine)) await remove(path).catch(() => {})
    },
  }
}

/** Who holds a folder. `remote` is a process of another machine, of which nothing is known. */
export interface LockHolder extends Pick<Holder, 'pid' | 'host'> {
  readonly state: 'alive' | 'dead' | 'remote'
}

/** Looks who holds a folder, and takes nothing; null when nobody does. */
export async function findLockHolder(dir: string): Promise<LockHolder | null> {
  const holder = await readHolder(join(dir, 'lock'))
  if (holder === null || holder === 'absent') return null
  const { pid, host } = holder
  if (host !== hostname()) return { pid, host, state: 'remote' }
  return { pid, host, state: isAlive(holder) ? 'alive' : 'dead' }
}

const triesMax = 100

async function take(dir: string, path: string, draft: string): Promise<void> {
  for (let tries = 0; tries < triesMax; tries++) {
    if (await tryLink(draft, path)) return
    const other = await readHolder(path)
    if (other === 'absent') continue
    if (isAlive(other)) throw refuseLocked(dir, other, path)
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
    if (other !== 'absent' && !isAlive(other)) await remove(path)
  } finally {
    await remove(right)
  }
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

function isAlive(holder: Holder | null): holder is Holder {
  if (holder === null) return false
  if (holder.host !== hostname()) return true
  try {
    process.kill(holder.pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
  }
  return holder.started === '' || holder.started === startOf(holder.pid)
}

/**
 * A process's start time in clock ticks since boot (Linux), or empty where the system does not say. One that has ended and that its
 * parent has not asked after (a zombie, as a container without an init leaves them) still has a number, but holds nothing.
 */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' || fields[0] === 'X' ? 'ended' : fields[19]
  } catch {
    return ''
  }
}

/** What a start is told while another process holds the folder. */
export function refuseLocked(
  dir: string,
  holder: Pick<Holder, 'pid' | 'host'>,
  path = join(dir, 'lock'),
): HeadraceError {
  const advice =
    holder.host === hostname()
      ? 'wait for it, or stop it'
      : `it runs on another machine; if that is gone for good, delete ${path}`
  return new HeadraceError('locked', `${dir} is in use by process ${holder.pid} on ${holder.host}: ${advice}`)
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
