import { readdir } from 'node:fs/promises'
import { join, matchesGlob } from 'node:path'
import { isAbsent, refuseFile } from './file-errors.ts'
import { isFolder } from './patterns.ts'

/**
 * Throws what stops a run where a folder that a pattern leads into can't be read: the system's own matching passes over such a folder, and
 * over all that lies in it. `base` is the folder before the first segment with signs, `rest` the pattern behind it.
 */
export async function checkFolders(base: string, rest: string): Promise<void> {
  for (const one of expandBraces(rest)) await checkBelow(base, one.split('/'))
}

/** Whether a pattern behind a folder matches names in it alone, so that these need be listed only once. */
export const isOfOneFolder = (rest: string): boolean => /[*?]/.test(rest) && !/\/|\*\*/.test(rest)

/** The files of a folder whose names match; what the listing says of each spares asking for it. */
export async function matchNames(folder: string, pattern: string): Promise<string[]> {
  const entries = await list(folder, readdir(folder, { withFileTypes: true }))
  const matched = entries.filter(({ name }) => matchesGlob(name, pattern))
  const before = join(folder, '_').slice(0, -1)
  return matched.filter(entry => entry.isFile() || !isFolder(before + entry.name)).map(({ name }) => before + name)
}

async function checkBelow(folder: string, [segment, ...rest]: readonly string[]): Promise<void> {
  const isDeep = segment === '**'
  if (!isDeep && rest.length === 0) return void (await list(folder, readdir(folder)))
  for (const { name, isLink } of await listFolders(folder)) {
    // As in the system's matching, `**` goes through no link and into no hidden folder.
    if (isDeep && !isLink && !name.startsWith('.')) await checkBelow(join(folder, name), [segment, ...rest])
    else if (!isDeep && matchesGlob(name, segment)) await checkBelow(join(folder, name), rest)
  }
  // `**` stands for no folder, too.
  if (isDeep && rest.length > 0) await checkBelow(folder, rest)
}

async function listFolders(path: string): Promise<{ readonly name: string; readonly isLink: boolean }[]> {
  const entries = await list(path, readdir(path, { withFileTypes: true }))
  const folders = entries.filter(entry => entry.isDirectory() || entry.isSymbolicLink())
  return folders.map(entry => ({ name: entry.name, isLink: entry.isSymbolicLink() }))
}

/** What a folder has; nothing where there is none, as then nothing can be missing in it. */
async function list<T>(path: string, listing: Promise<T[]>): Promise<T[]> {
  try {
    return await listing
  } catch (error) {
    if (isAbsent(error)) return []
    throw refuseFile(error, path)
  }
}

/** A pattern whose braces have folders in them, as one pattern for each of their words. */
function expandBraces(pattern: string): string[] {
  const found = /\{([^{}]*\/[^{}]*)\}/.exec(pattern)
  if (!found) return [pattern]
  const [whole, words] = found
  const [before, after] = [pattern.slice(0, found.index), pattern.slice(found.index + whole.length)]
  return words.split(',').flatMap(word => expandBraces(before + word + after))
}
