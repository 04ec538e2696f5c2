import { rename, statfs } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { makeFolder, syncFolder } from '../disk/durable-file.ts'
import { listNames, removeFile } from '../disk/files.ts'
import { type Lock, lockDirectory } from '../disk/lock.ts'
import { HeadraceError, wrapDiskError } from '../errors.ts'
import { isFolder, removeAll } from './out-folder.ts'

/** What an export says of itself, in its folder. While it is written it says that it is not whole. */
export const recordName = 'headrace.json'

/** Throws `bad-option` unless a new export may become the folder `out`: there is none, or an empty one, and nobody's work is beside it. */
export async function checkTarget(out: string): Promise<void> {
  const kind = await isFolder(out)
  if (kind === false) throw refuse(out, 'is a file')
  if ((await listNames(out)).length > 0)
    throw refuse(
      out,
      'is not empty; loaders keep what they computed by the path of data, so an export has a folder of its own',
    )
  const aside = asideOf(out)
  if ((await isFolder(aside)) === false) throw refuse(aside, 'is a file, and the export would be written there')
  const names = (await listNames(aside)).filter(name => !isLock(name))
  if (names.length > 0 && !names.some(name => name.startsWith(recordName)))
    throw refuse(aside, 'has files of no export, and the export would be written there')
}

function refuse(path: string, what: string): HeadraceError {
  return new HeadraceError('bad-option', `${path} ${what}: name another folder with --out`)
}

/** Throws `disk` where less is free than an export takes at least. */
export async function checkRoom(out: string, bytesMin: number): Promise<void> {
  let folder = dirname(resolve(out))
  while ((await isFolder(folder)) !== true && folder !== dirname(folder)) folder = dirname(folder)
  const { bavail, bsize } = await statfs(folder)
  const free = bavail * bsize
  if (free >= bytesMin) return
  const [need, has] = [bytesMin, free].map(bytes => `${(bytes / 1e9).toFixed(1)} GB`)
  throw new HeadraceError(
    'disk',
    `${folder} has ${has} free, and the export takes ${need} or more: make room, or give fewer --steps`,
  )
}

const asideOf = (out: string) => `${resolve(out)}.tmp`
const isLock = (name: string) => name === 'lock' || name.startsWith('lock.')

/** The folder in which an export is written: empty, and this process's. */
export interface FolderAside {
  readonly dir: string
  readonly lock: Lock
}

/** Takes the folder beside `out`. What an export that was killed left there goes. */
export async function openAside(out: string): Promise<FolderAside> {
  const dir = asideOf(out)
  await makeFolder(dir)
  const lock = await lockDirectory(dir)
  try {
    // The record goes last: without it the rest is nobody's.
    const names = (await listNames(dir)).filter(name => !isLock(name))
    for (const name of names.filter(name => name !== recordName)) await removeAll(join(dir, name))
    await removeAll(join(dir, recordName))
  } catch (error) {
    await lock[Symbol.asyncDispose]()
    throw error
  }
  return { dir, lock }
}

/** Gives the folder its name, once all in it is whole and lasts. */
export async function publishAside({ dir, lock }: FolderAside, out: string): Promise<void> {
  lock.check()
  try {
    await syncFolder(dir)
    await rename(dir, resolve(out))
    await syncFolder(dirname(resolve(out)))
  } catch (error) {
    throw wrapDiskError(error, `renaming ${dir}`)
  }
  await removeFile(join(out, 'lock'))
}
