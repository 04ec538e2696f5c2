import { hash } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, open, realpath } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { readBytes } from '../disk/transfer.ts'
import { systemCodeOf } from '../errors.ts'
import { limits } from '../limits.ts'
import type { Asked } from './places.ts'

/** A file as it is now: what is renamed into its place later is another one. */
export interface ServedFile extends AsyncDisposable {
  readonly size: number
  /** Strong: of the same bytes. */
  readonly etag: string
  /** Its bytes, of a small one. */
  readonly bytes: Uint8Array | null
  readonly handle: FileHandle
}

/** Why there is none: no such file; one that a link puts outside; or what the system says. */
export type NoFile = { readonly missing: 'absent' | 'outside' } | { readonly missing: 'refused'; readonly code: string }

const absentCodes = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG'])

/**
 * Opens a file below its root. A link that leads out of the root is not followed, wherever in the path it stands. The tag of a small file is
 * of its content; of a larger one it is made of its size, the time of its last change and its number in the file system, as who writes a feed
 * renames files into place or appends.
 */
export async function openServed({ root, path }: Asked): Promise<ServedFile | NoFile> {
  try {
    const [top, target] = await Promise.all([root, join(root, path)].map(one => realpath(one)))
    if (!target.startsWith(top + sep)) return { missing: 'outside' }
    // A pipe of that name would keep the opening waiting.
    const handle = await open(target, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    return await describe(handle).catch(async error => {
      await handle.close()
      throw error
    })
  } catch (error) {
    const code = systemCodeOf(error)
    if (absentCodes.has(code)) return { missing: 'absent' }
    if (code === '') throw error
    return { missing: 'refused', code }
  }
}

async function describe(handle: FileHandle): Promise<ServedFile | NoFile> {
  const stat = await handle.stat({ bigint: true })
  if (!stat.isFile()) {
    await handle.close()
    return { missing: 'absent' }
  }
  const closing = { handle, [Symbol.asyncDispose]: () => handle.close() }
  if (stat.size > limits.serveHashedBytesMax) {
    const etag = `"${[stat.ino, stat.size, stat.mtimeNs].map(n => n.toString(36)).join('-')}"`
    return { ...closing, size: Number(stat.size), etag, bytes: null }
  }
  const bytes = await readBytes(handle, 0, Number(stat.size))
  return { ...closing, size: bytes.length, etag: `"${hash('sha256', bytes)}"`, bytes }
}
