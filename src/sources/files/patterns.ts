import { lstatSync, statSync } from 'node:fs'
import { glob } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { HeadraceError } from '../../errors.ts'

/** The signs of globs. */
const magic = /[*?[\]{}()!+@]/

/** How to get what lies at an address, by its scheme. */
const copies: Readonly<Record<string, string>> = {
  s3: 'aws s3 sync',
  gs: 'gcloud storage rsync',
  gcs: 'gcloud storage rsync',
  hf: 'hf download',
  http: 'curl -O',
  https: 'curl -O',
}

/** Throws 'bad-option' for an address: files are read from folders of this machine. */
export function refuseAddress(who: string, pattern: string): void {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(pattern)?.[1].toLowerCase()
  if (scheme === undefined) return
  const advice =
    scheme === 'file'
      ? `give the path alone: ${pattern.slice('file://'.length)}`
      : `copy it here first${Object.hasOwn(copies, scheme) ? ` (${copies[scheme]})` : ''}, or mount it as a folder`
  throw new HeadraceError('bad-option', `${who} reads files, and ${pattern} is an address: ${advice}`)
}

/**
 * The folder that a pattern begins with, and the pattern in it. Its segments are those without signs, and those that there is a folder of
 * this very name for, whatever signs it has.
 */
export function splitPattern(pattern: string): { readonly folder: string; readonly rest: string } {
  const segments = pattern.split('/')
  let count = 0
  while (count < segments.length - 1 && isLiteral(segments.slice(0, count + 1).join('/'), segments[count])) count++
  const folder = segments.slice(0, count).join('/')
  return { folder: folder || (pattern.startsWith('/') ? '/' : '.'), rest: segments.slice(count).join('/') }
}

/** What a pattern matches. A folder that it begins with is meant as it is written. */
export async function* expandGlob(pattern: string): AsyncGenerator<string, void> {
  const { folder, rest } = splitPattern(pattern)
  if (!magic.test(folder)) yield* glob(pattern)
  else for await (const match of glob(rest, { cwd: folder })) yield join(folder, match)
}

const isLiteral = (path: string, segment: string) => !magic.test(segment) || isFolder(path)

/** A link that leads nowhere or round in a circle is no folder; opening it says what it is. */
export function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory()
  } catch {
    return false
  }
}

/** Throws 'not-found' for a name that is not UTF-8: no path leads to it from here. */
export function checkNames(names: Iterable<string>): void {
  for (const name of names)
    if (name.includes('\ufffd') && !lstatSync(name, { throwIfNoEntry: false }))
      throw new HeadraceError(
        'not-found',
        `the name of ${basename(name)} in ${dirname(name)} is not UTF-8, and can't be opened: rename it (convmv), or leave it out`,
      )
}
