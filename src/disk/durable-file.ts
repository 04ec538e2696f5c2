import { createHash } from 'node:crypto'
import { mkdir, open, rename } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { wrapDiskError } from '../errors.ts'
import { writeBytes } from './transfer.ts'

/** Told before each lasting effect on the disk; what it throws keeps that from happening. */
export type OnEffect = (effect: string) => void

/**
 * Writes a file so that after a crash it is whole or absent: aside, synced, renamed, and the folder synced so that the name lasts.
 * Returns its bytes and their SHA-256. Throws a `disk` error when the disk is full or broken.
 */
export async function writeDurably(
  path: string,
  parts: Iterable<Uint8Array>,
  onEffect: OnEffect = () => {},
): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash('sha256')
  let bytes = 0
  try {
    onEffect(`write ${path}.tmp`)
    const file = await open(`${path}.tmp`, 'w')
    try {
      for (const part of parts) {
        hash.update(part)
        await writeBytes(file, part, bytes)
        bytes += part.length
      }
      await file.sync()
    } finally {
      await file.close()
    }
    onEffect(`rename ${path}`)
    await rename(`${path}.tmp`, path)
    onEffect(`sync ${dirname(path)}`)
    await syncFolder(dirname(path))
  } catch (error) {
    throw wrapDiskError(error, `writing ${path}`)
  }
  return { bytes, sha256: hash.digest('hex') }
}

/**
 * Creates a folder and what is missing above it, so that their names last. A folder that is there already may be one that a process
 * made just before it died, with a name that a power failure would still take; so all names above it are synced again.
 */
export async function makeFolder(path: string): Promise<void> {
  const folder = resolve(path)
  try {
    await makeMissing(folder)
    await syncNamesAbove(folder)
  } catch (error) {
    throw wrapDiskError(error, `creating ${path}`)
  }
}

/** One by one: on some file systems (/proc) Node's recursive mkdir tries for ever. */
async function makeMissing(path: string): Promise<void> {
  const parent = dirname(path)
  const make = () =>
    mkdir(path).catch(error => {
      if (error.code !== 'EEXIST') throw error
    })
  await make().catch(async error => {
    if (error.code !== 'ENOENT' || parent === path) throw error
    await makeMissing(parent)
    await make()
  })
}

/** What this user may not open, this user's processes have not made. */
const foreignCodes = new Set(['EACCES', 'EPERM'])

async function syncNamesAbove(path: string): Promise<void> {
  for (let at = dirname(path); ; at = dirname(at)) {
    try {
      await syncPath(at, 'r')
    } catch (error) {
      if (foreignCodes.has((error as NodeJS.ErrnoException).code ?? '')) return
      throw error
    }
    if (at === dirname(at)) return
  }
}

/** Makes the names in a folder last. */
export async function syncFolder(path: string): Promise<void> {
  try {
    await syncPath(path, 'r')
  } catch (error) {
    throw wrapDiskError(error, `making the names in ${path} last`)
  }
}

/** Makes the bytes of a file last that was not written by `writeDurably`. */
export async function syncFile(path: string): Promise<void> {
  try {
    await syncPath(path, 'r+')
  } catch (error) {
    throw wrapDiskError(error, `making ${path} last`)
  }
}

async function syncPath(path: string, flags: 'r' | 'r+'): Promise<void> {
  const file = await open(path, flags)
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}
