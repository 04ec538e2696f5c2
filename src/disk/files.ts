import { readdir, readFile, rm, stat } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { wrapDiskError } from '../errors.ts'

/** Whether a system's error says that there is no such file or folder. */
export function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException | null)?.code === 'ENOENT'
}

/** A file's text, or null where there is none. */
export function readText(path: string): Promise<string | null> {
  return orElse(null, readFile(path, 'utf8'), `reading ${path}`)
}

/** A file's bytes, or null where there is none. */
export async function sizeOf(path: string): Promise<number | null> {
  return (await orElse(null, stat(path), `looking at ${path}`))?.size ?? null
}

/** Names in a folder; none where there is no folder. */
export function listNames(folder: string): Promise<string[]> {
  return orElse([], readdir(folder), `reading ${folder}`)
}

/** Files below a folder, in order, as paths from it with `/`; none where there is no folder. */
export async function listFiles(folder: string): Promise<string[]> {
  const found = await orElse([], readdir(folder, { recursive: true, withFileTypes: true }), `reading ${folder}`)
  const files = found.filter(entry => entry.isFile()).map(entry => relative(folder, join(entry.parentPath, entry.name)))
  return files.map(file => file.split(sep).join('/')).sort()
}

/** Removes a file; one that is gone already is fine. */
export function removeFile(path: string): Promise<void> {
  return orElse(undefined, rm(path, { force: true }), `removing ${path}`)
}

async function orElse<T>(missing: T, work: Promise<T>, doing: string): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (isMissing(error)) return missing
    throw wrapDiskError(error, doing)
  }
}
