import { randomBytes } from 'node:crypto'
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { makeFolder, writeDurably } from '../disk/durable-file.ts'
import { HeadraceError, wrapDiskError } from '../errors.ts'

/** Leave for a held slot to pass, given for these groups. */
export interface Release {
  readonly kind: 'release'
  readonly slot: number
  readonly groups: readonly ReleasedGroup[]
  readonly who: string
  readonly why: string
  /** When it was given, ISO 8601. */
  readonly at: string
}
export interface ReleasedGroup {
  readonly guard: string
  readonly group: string
}

/** An entry of the inbox under the name of its file. */
export interface InboxEntry {
  readonly name: string
  readonly release: Release
}

/** Entries that wait, at most: people write them, and the next start takes them. */
const entriesMax = 1000

const ending = '.release'
const pathOf = (dir: string) => join(dir, 'inbox')

/** Writes an entry so that it lasts, for the run to find when it goes on. */
export async function putEntry(dir: string, release: Release): Promise<void> {
  const path = pathOf(dir)
  if ((await namesIn(path)).length >= entriesMax)
    throw new HeadraceError('limit', `${path} holds ${entriesMax} entries that no run has taken: delete the old ones`)
  await makeFolder(path)
  // Names rise with time; the random part keeps two commands of one millisecond apart.
  const name = `${release.at.replace(/[^0-9TZ]/g, '')}-${randomBytes(8).toString('hex')}${ending}`
  await writeDurably(join(path, name), [Buffer.from(`${JSON.stringify(release, null, 2)}\n`)])
}

/** All entries in the order of their names. One that is damaged is an error that names it: somebody decided something. */
export async function listEntries(dir: string): Promise<InboxEntry[]> {
  const names = (await namesIn(pathOf(dir))).filter(name => name.endsWith(ending)).sort()
  const entries = await Promise.all(names.map(name => readEntry(pathOf(dir), name)))
  return entries.filter(entry => entry !== null)
}

/** Removes an entry; one that is gone already is fine. */
export async function removeEntry(dir: string, name: string): Promise<void> {
  await rm(join(pathOf(dir), name), { force: true }).catch(error => {
    throw wrapDiskError(error, `removing ${join(pathOf(dir), name)}`)
  })
}

function namesIn(path: string): Promise<string[]> {
  return readdir(path).catch(error => {
    if (error.code === 'ENOENT') return []
    throw wrapDiskError(error, `reading ${path}`)
  })
}

/** An entry, or null for one that the run has taken since it was listed. */
async function readEntry(folder: string, name: string): Promise<InboxEntry | null> {
  const path = join(folder, name)
  const text = await readFile(path, 'utf8').catch(error => {
    if (error.code === 'ENOENT') return null
    throw wrapDiskError(error, `reading ${path}`)
  })
  return text === null ? null : { name, release: parseRelease(path, text) }
}

function parseRelease(path: string, text: string): Release {
  try {
    const release = JSON.parse(text)
    if (isRelease(release)) return release
  } catch {
    // Said below.
  }
  throw new HeadraceError('corrupt', `${path} is no release: delete it, and give it again with 'headrace release'`)
}

function isRelease(value: Partial<Release> | null): value is Release {
  const isText = (text: unknown) => typeof text === 'string'
  return (
    value?.kind === 'release' &&
    Number.isInteger(value.slot) &&
    [value.who, value.why, value.at].every(isText) &&
    Array.isArray(value.groups) &&
    value.groups.every(one => isText(one?.guard) && isText(one?.group))
  )
}
