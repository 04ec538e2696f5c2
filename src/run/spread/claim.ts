import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { rename } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { makeFolder, syncFolder, writeDurably } from '../../disk/durable-file.ts'
import { HeadraceError, wrapDiskError } from '../../errors.ts'

/**
 * Marks the files that a stage writes beside the log as this process's, until another marks them; the function that it gives throws
 * `fenced` from then on. The owner marks after the log has made it that, so the last mark is the owner's, unless two become owners at the
 * same moment: then the one whose mark is gone stops, and tries again.
 */
export async function claimStage(dir: string, stage: string): Promise<() => void> {
  const folder = join(dir, 'owners')
  const path = join(folder, `${stage}.json`)
  const id = randomUUID()
  const mine = `${JSON.stringify({ stage, host: hostname(), pid: process.pid, id })}\n`
  await makeFolder(folder)
  // A draft of its own: processes may be at this at the same moment.
  const draft = join(folder, `${stage}.${id}`)
  await writeDurably(draft, [Buffer.from(mine)])
  await rename(draft, path)
  await syncFolder(folder)
  return () => {
    if (readMark(path) === mine) return
    throw new HeadraceError(
      'fenced',
      `${path} doesn't name this process: stage '${stage}' is another's now, so it stops`,
    )
  }
}

/** A mark that is gone is nobody's. */
function readMark(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw wrapDiskError(error, `reading ${path}`)
  }
}
