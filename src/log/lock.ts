import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { link, readFile, unlink, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { HeadraceError, wrapDiskError } from '../errors.ts'

/** Who holds a folder. `started` tells a process from a later one with the same number. */
interface Holder {
  readonly pid: number
  readonly started: string
  readonly host: string
}

/**
 * Takes a folder for this process alone, until disposed or dead: a process that is gone no longer holds it. The file appears whole, by
 * a hard link. Only who holds `lock.break` may remove a dead holder's file, so that nobody removes a file that was taken since.
 */
export async function lockDirectory(dir: string): Promise<AsyncDisposable> {
  const mine: Holder = { pid: process.pid, started: startOf(process.pid), host: hostname() }
  const draft = join(dir, `lock.${randomUUID()}`)
  const path = join(dir, 'lock')
  try {
    await writeFile(draft, JSON.stringify(mine))
    await take(dir, path, draft)
  } catch (error) {
    throw wrapDiskError(error, `locking ${dir}`)
  } finally {
    await unlink(draft).catch(() => {})
  }
  return {
    [Symbol.asyncDispose]: async () => {
      // Someone may have removed the file by hand, and then it is another's.
      if (isSame(await readHolder(path), mine)) await remove(path)
    },
  }
}

const triesMax = 100

async function take(dir: string, path: string, draft: string): Promise<void> {
  for (let tries = 0; tries < triesMax; tries++) {
    if (await tryLink(draft, path)) return
    const other = await readHolder(path)
    if (other === 'absent') continue
    if (isAlive(other)) throw lockedError(dir, path, other)
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

function remove(path: string): Promise<void> {
  return unlink(path).catch(() => {})
}

async function tryLink(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

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

function isSame(other: Holder | null | 'absent', mine: Holder): boolean {
  return JSON.stringify(other) === JSON.stringify(mine)
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

function lockedError(dir: string, path: string, holder: Holder): HeadraceError {
  const advice =
    holder.host === hostname()
      ? 'wait for it, or stop it'
      : `it runs on another machine; if that is gone for good, delete ${path}`
  return new HeadraceError('locked', `${dir} is in use by process ${holder.pid} on ${holder.host}: ${advice}`)
}
