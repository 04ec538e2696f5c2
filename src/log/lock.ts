import { readFileSync } from 'node:fs'
import { link, readFile, rename, unlink, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { HeadraceError } from '../errors.ts'

/** Who holds a folder. `started` tells a process from a later one with the same number. */
interface Holder {
  readonly pid: number
  readonly started: string
  readonly host: string
}

/**
 * Takes a folder for this process alone, until disposed or dead: a process that is gone no longer holds it. The file appears whole
 * by a hard link, and of several processes that find a dead holder only the one whose rename took that very file goes on.
 */
export async function lockDirectory(dir: string): Promise<AsyncDisposable> {
  const path = join(dir, 'lock')
  const mine = `${path}.${process.pid}`
  const holder: Holder = { pid: process.pid, started: startOf(process.pid), host: hostname() }
  await writeFile(mine, JSON.stringify(holder))
  try {
    for (let tries = 0; tries < 10; tries++) {
      if (await tryLink(mine, path)) return { [Symbol.asyncDispose]: () => unlink(path).catch(() => {}) }
      const other = await readHolder(path)
      if (other && isAlive(other)) throw lockedError(dir, other)
      await rename(path, `${mine}.stale`).catch(() => {})
      const taken = await readHolder(`${mine}.stale`)
      if (taken && isAlive(taken)) await tryLink(`${mine}.stale`, path)
      await unlink(`${mine}.stale`).catch(() => {})
    }
    throw new HeadraceError('locked', `${dir} is being taken by several processes at once: try again`)
  } finally {
    await unlink(mine).catch(() => {})
  }
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

async function readHolder(path: string): Promise<Holder | null> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Holder
  } catch {
    return null
  }
}

function isAlive(holder: Holder): boolean {
  if (holder.host !== hostname()) return true
  try {
    process.kill(holder.pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
  }
  return holder.started === '' || holder.started === startOf(holder.pid)
}

/** A process's start time in clock ticks since boot (Linux), or empty where the system does not say. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  } catch {
    return ''
  }
}

function lockedError(dir: string, holder: Holder): HeadraceError {
  const advice =
    holder.host === hostname()
      ? 'wait for it, or stop it'
      : `it runs on another machine; if that is gone for good, delete ${join(dir, 'lock')}`
  return new HeadraceError('locked', `${dir} is in use by process ${holder.pid} on ${holder.host}: ${advice}`)
}
