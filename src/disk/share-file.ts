import { copyFile, link, rename } from 'node:fs/promises'
import { systemCodeOf, wrapDiskError } from '../errors.ts'
import { syncFile } from './durable-file.ts'

/** What systems answer where a file can't have two names: on some file systems, or between two. */
const noLinkCodes = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EXDEV'])

/**
 * Gives a file that nobody writes into a second name, or copies it where it can't have one. The caller makes the folder of `to`, and
 * syncs it in the end. A copy is whole as soon as it is there.
 */
export async function shareFile(from: string, to: string): Promise<void> {
  try {
    await link(from, to)
  } catch (error) {
    if (!noLinkCodes.has(systemCodeOf(error))) throw wrapDiskError(error, `linking ${to}`)
    await copyDurably(from, to)
  }
}

async function copyDurably(from: string, to: string): Promise<void> {
  try {
    await copyFile(from, `${to}.tmp`)
    await syncFile(`${to}.tmp`)
    await rename(`${to}.tmp`, to)
  } catch (error) {
    throw wrapDiskError(error, `copying ${from} to ${to}`)
  }
}
