import { basename, dirname } from 'node:path'
import type { Disk, Inode } from '../disk.ts'

/** What the code under test asks of a stat. */
export function statOf(inode: Inode) {
  return {
    size: inode.content.length,
    isFile: () => inode.kind === 'file',
    isDirectory: () => inode.kind === 'folder',
    isSymbolicLink: () => false,
  }
}

/** The paths that a pattern with `*` in its last part matches, in no order that may be relied on. */
export function matchPattern(disk: Disk, pattern: string): string[] {
  const parts = basename(pattern)
    .split('*')
    .map(part => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
  const regular = new RegExp(`^${parts.join('.*')}$`)
  const folder = dirname(pattern)
  if (disk.find(folder)?.kind !== 'folder') return []
  return disk
    .list(folder)
    .filter(name => regular.test(name))
    .map(name => `${folder}/${name}`)
    .reverse()
}

/** What lies in a folder, as entries of a listing. */
export function listEntries(disk: Disk, folder: string): Entry[] {
  return disk.list(folder).map(name => {
    const { kind } = disk.find(`${folder}/${name}`)!
    return {
      name,
      parentPath: folder,
      isFile: () => kind === 'file',
      isDirectory: () => kind === 'folder',
      isSymbolicLink: () => false,
    }
  })
}

/** All that lies below a folder, as entries of a recursive listing. */
export function listBelow(disk: Disk, folder: string): Entry[] {
  return listEntries(disk, folder).flatMap(entry =>
    entry.isFile() ? [entry] : [entry, ...listBelow(disk, `${folder}/${entry.name}`)],
  )
}

interface Entry {
  readonly name: string
  readonly parentPath: string
  isFile(): boolean
  isDirectory(): boolean
  isSymbolicLink(): boolean
}
