import { matchesGlob } from 'node:path'
import type { Disk, Inode } from '../disk.ts'

/** What the code under test asks of a stat. */
export function statOf(inode: Inode) {
  return {
    size: inode.content.length,
    dev: 1,
    ino: inode.number,
    mtimeMs: inode.mtimeMs,
    ctimeMs: inode.ctimeMs,
    isFile: () => inode.kind === 'file',
    isDirectory: () => inode.kind === 'folder',
    isSymbolicLink: () => false,
  }
}

/** The paths that a pattern with `*` in its parts matches, in no order that may be relied on. `list` gives the names in a folder. */
export function matchPattern(list: (folder: string) => string[], pattern: string): string[] {
  let found = ['']
  for (const part of pattern.split('/').slice(1))
    found = found.flatMap(folder => {
      if (!part.includes('*')) return [`${folder}/${part}`]
      return list(folder)
        .filter(name => matchesGlob(name, part))
        .map(name => `${folder}/${name}`)
        .reverse()
    })
  return found
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
