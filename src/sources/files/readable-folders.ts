import type { Dirent } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join, matchesGlob, normalize } from 'node:path'
import type { LeftOutFiles } from '../left-out.ts'
import { isAbsent, refuseFile } from './file-errors.ts'
import { isFolder } from './patterns.ts'

/**
 * Throws what stops a run where a folder that a pattern leads into can't be read: the system's own matching passes over such a folder, and
 * over all that lies in it. `base` is the folder before the first segment with signs, `rest` the pattern behind it. What the matching
 * leaves out by its rules goes to `leftOut`.
 */
export async function checkFolders(base: string, rest: string, leftOut: LeftOutFiles): Promise<void> {
  for (const one of expandBraces(rest)) await checkBelow(normalize(base), one.split('/'), leftOut)
}

/** Whether a pattern behind a folder matches names in it alone, so that these need be listed only once. */
export const isOfOneFolder = (rest: string): boolean => /[*?]/.test(rest) && !/\/|\*\*/.test(rest)

/** The files of a folder whose names match; what the listing says of each spares asking for it. */
export async function matchNames(folder: string, pattern: string, leftOut: LeftOutFiles): Promise<string[]> {
  const entries = await list(folder, readdir(folder, { withFileTypes: true }))
  leaveOutNames(entries, folder, pattern, leftOut)
  const before = join(folder, '_').slice(0, -1)
  const matched = entries.filter(({ name }) => matchesGlob(name, pattern))
  return matched.filter(entry => entry.isFile() || !isFolder(before + entry.name)).map(({ name }) => before + name)
}

/** Of a folder's entries those that a pattern for files would match, were they not hidden or a folder. */
function leaveOutNames(entries: readonly Dirent[], folder: string, pattern: string, leftOut: LeftOutFiles): void {
  for (const entry of entries) {
    const { name } = entry
    const isMatch = !entry.isFile() && matchesGlob(name, pattern)
    if (isHiddenFrom(name, pattern)) leftOut.add(join(folder, name), 'hidden')
    else if (isMatch && isFolder(join(folder, name)))
      leftOut.add(join(folder, name), entry.isDirectory() ? 'folder' : 'link')
  }
}

/** Whether a name would match, were it not for the dots that it begins with. */
function isHiddenFrom(name: string, pattern: string): boolean {
  return name.startsWith('.') && !matchesGlob(name, pattern) && matchesGlob(name.replace(/^\.+/, ''), pattern)
}

async function checkBelow(folder: string, segments: readonly string[], leftOut: LeftOutFiles): Promise<void> {
  leftOut.enter(folder)
  const entries = await list(folder, readdir(folder, { withFileTypes: true }))
  const [segment, ...rest] = segments
  if (segment === '**') await checkDeep(folder, entries, segments, leftOut)
  else if (rest.length === 0) leaveOutNames(entries, folder, segment, leftOut)
  else
    for (const { name } of entries.filter(entry => entry.isDirectory() || entry.isSymbolicLink()))
      if (matchesGlob(name, segment)) await checkBelow(join(folder, name), rest, leftOut)
      else if (isHiddenFrom(name, segment)) leftOut.add(join(folder, name), 'hidden')
}

/** As in the system's matching, `**` goes through no link and into no hidden folder. */
async function checkDeep(
  folder: string,
  entries: readonly Dirent[],
  segments: readonly string[],
  leftOut: LeftOutFiles,
): Promise<void> {
  const rest = segments.slice(1)
  for (const entry of entries) {
    const path = join(folder, entry.name)
    const isHidden = entry.name.startsWith('.')
    if (isHidden && (entry.isDirectory() || rest.length === 0)) leftOut.add(path, 'hidden')
    else if (entry.isSymbolicLink() && isFolder(path)) leftOut.add(path, isHidden ? 'hidden' : 'link')
    else if (entry.isDirectory()) await checkBelow(path, segments, leftOut)
  }
  // `**` stands for no folder, too.
  if (rest.length > 0) await checkBelow(folder, rest, leftOut)
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
