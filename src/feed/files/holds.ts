import { randomUUID } from 'node:crypto'
import { rm, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { makeFolder } from '../../disk/durable-file.ts'
import { listNames } from '../../disk/files.ts'
import { findLockHolder, type LockHolder, lockDirectory } from '../../disk/lock.ts'
import { HeadraceError, systemCodeOf } from '../../errors.ts'

const holdsOf = (dir: string) => join(dir, 'holds')

/** What systems answer where this user may not write, or nobody. */
const refusedCodes = new Set(['EACCES', 'EPERM', 'EROFS'])

/**
 * Says that all of a feed is being read by a process that can't begin again where it was, until disposed or dead. A feed that this user can't
 * write to is read without: who trims it is another one, and a reader then says that it was trimmed.
 */
export async function holdFeed(dir: string): Promise<AsyncDisposable> {
  const folder = join(holdsOf(dir), randomUUID())
  try {
    await makeFolder(folder)
    const lock = await lockDirectory(folder)
    return {
      [Symbol.asyncDispose]: async () => {
        await lock[Symbol.asyncDispose]()
        await rm(folder, { recursive: true, force: true })
        // Others may hold it.
        await rmdir(holdsOf(dir)).catch(() => {})
      },
    }
  } catch (error) {
    const cause = error instanceof HeadraceError ? error.cause : error
    if (!refusedCodes.has(systemCodeOf(cause))) throw error
    return { [Symbol.asyncDispose]: async () => {} }
  }
}

/** A process that holds a feed so, or null. What dead ones left is removed. */
export async function findHold(dir: string): Promise<LockHolder | null> {
  for (const name of await listNames(holdsOf(dir))) {
    const folder = join(holdsOf(dir), name)
    const holder = await findLockHolder(folder)
    if (holder && holder.state !== 'dead') return holder
    await rm(folder, { recursive: true, force: true })
  }
  return null
}
