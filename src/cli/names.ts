import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline/promises'
import { isMissing } from '../disk/files.ts'
import { HeadraceError, wrapDiskError } from '../errors.ts'
import { limits } from '../limits.ts'

/** Names from a file, one a line, each once. Line ends and empty lines are no names; all else of a line is. */
export async function readNames(path: string): Promise<Set<string>> {
  const names = new Set<string>()
  const file = createReadStream(path, { encoding: 'utf8' })
  try {
    for await (const line of createInterface({ input: file, crlfDelay: Number.POSITIVE_INFINITY })) {
      const name = names.size === 0 ? line.replace(/^\uFEFF/, '') : line
      if (name === '') continue
      names.add(name)
      if (names.size > limits.takeDownNamesMax)
        throw new HeadraceError('limit', `${path} has over ${limits.takeDownNamesMax} names: give several files`)
    }
  } catch (error) {
    if (isMissing(error)) throw new HeadraceError('not-found', `there is no file ${path}`, error)
    throw wrapDiskError(error, `reading ${path}`)
  } finally {
    file.destroy()
  }
  if (names.size > 0) return names
  throw new HeadraceError('bad-option', `${path} is empty: it takes a document's id, or its url with --by url, a line`)
}
