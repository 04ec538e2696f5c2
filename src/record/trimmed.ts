import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeDurably } from '../disk/durable-file.ts'
import { HeadraceError, wrapDiskError } from '../errors.ts'

const pathOf = (dir: string) => join(dir, 'trimmed.json')

/** The first slot that the run in `dir` keeps whole: it has trimmed those before, or parts of them. 0 when it has trimmed nothing. */
export async function readTrimmed(dir: string): Promise<number> {
  const text = await readFile(pathOf(dir), 'utf8').catch(error => {
    if (error.code === 'ENOENT') return null
    throw wrapDiskError(error, `reading ${pathOf(dir)}`)
  })
  if (text === null) return 0
  try {
    const { first } = JSON.parse(text)
    if (Number.isSafeInteger(first) && first >= 0) return first
  } catch {
    // Said below.
  }
  throw new HeadraceError('corrupt', `${pathOf(dir)} can't be understood: restore it from a copy`)
}

/** Writes it so that it lasts. `checkOwner` throws when the run is another process's. */
export async function writeTrimmed(dir: string, first: number, checkOwner: () => void): Promise<void> {
  await writeDurably(pathOf(dir), [Buffer.from(`${JSON.stringify({ first })}\n`)], checkOwner)
}
