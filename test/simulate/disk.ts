import { constants } from 'node:os'
import { dirname } from 'node:path'
import type { Random } from '../random.ts'
import { applyChange, type Change, type CrashCounts, drawMood, isReplaced, tear } from './disk-content.ts'

/**
 * A disk that forgets. Each file has the content that a running system shows (its page cache) and what is surely on the medium; so has
 * each folder its names. In between stand the changes since the last sync, of which a power loss keeps any subset: a write whole, in part
 * (a prefix, or some of its 512-byte sectors) or not at all, a file's new size with zeros in place of data, a name or not. What no file
 * system does, this one does not either: a rename over a name leaves the old file there or the new one.
 */
export class Inode {
  readonly kind: 'file' | 'folder'
  /** What is seen now. */
  content: Buffer = Buffer.alloc(0)
  /** What a sync has made last. */
  durable: Buffer = Buffer.alloc(0)
  changes: Change[] = []
  names = new Map<string, Inode>()
  durableNames = new Map<string, Inode>()
  nameChanges: NameChange[] = []
  /** Tells it from every other, also from one that had its name. */
  readonly number: number
  /** When its content, and when anything of it, was changed last. */
  mtimeMs: number
  ctimeMs: number

  constructor(kind: 'file' | 'folder', number = 0, atMs = 0) {
    this.kind = kind
    this.number = number
    this.mtimeMs = this.ctimeMs = atMs
  }
}

type NameChange =
  | { readonly kind: 'set'; readonly name: string; readonly inode: Inode }
  | { readonly kind: 'remove'; readonly name: string }
  | { readonly kind: 'rename'; readonly from: string; readonly to: string; readonly inode: Inode }

/** An error as Node's file system gives it, which has no name for a quota that is used up. */
export function systemError(code: string, syscall: string, path: string): NodeJS.ErrnoException {
  const { EDQUOT } = constants.errno
  const [name, errno] = code === 'EDQUOT' ? [`Unknown system error -${EDQUOT}`, -EDQUOT] : [code, -1]
  return Object.assign(new Error(`${name}: simulated, ${syscall} '${path}'`), { code: name, syscall, path, errno })
}

export class Disk {
  readonly root = new Inode('folder')
  /** The file system's clock. */
  readonly #now: () => number
  /** What a name is looked up by: file systems that fold case take two names for one. */
  readonly #fold: (name: string) => string
  #inodes = 0

  constructor(now: () => number = () => 0, fold: (name: string) => string = name => name) {
    this.#now = now
    this.#fold = fold
  }

  /** The file or folder at a path, or undefined. */
  find(path: string): Inode | undefined {
    let inode: Inode | undefined = this.root
    for (const name of path.split('/'))
      if (name) inode = inode?.kind === 'folder' ? inode.names.get(this.#fold(name)) : undefined
    return inode
  }

  get(path: string, syscall: string): Inode {
    const inode = this.find(path)
    if (!inode) throw systemError('ENOENT', syscall, path)
    return inode
  }

  /** Flags as open(2) by Node's names: `r`, `r+`, `w`, `w+`, `wx`, `a`. */
  open(path: string, flags: string): Inode {
    const found = this.find(path)
    if (found) {
      if (flags.includes('x')) throw systemError('EEXIST', 'open', path)
      if (found.kind === 'folder' && flags !== 'r') throw systemError('EISDIR', 'open', path)
      if (flags.startsWith('w')) this.truncate(found, 0)
      return found
    }
    if (flags.startsWith('r')) throw systemError('ENOENT', 'open', path)
    const inode = this.#make('file')
    this.#setName(path, inode, 'open')
    return inode
  }

  /** Bytes read into `target`; 0 at the end. */
  read(inode: Inode, target: Uint8Array, at: number): number {
    if (inode.kind === 'folder') throw systemError('EISDIR', 'read', '')
    const part = inode.content.subarray(at, at + target.length)
    target.set(part)
    return part.length
  }

  write(inode: Inode, bytes: Uint8Array, at: number): void {
    const change: Change = { kind: 'write', at, bytes: Uint8Array.from(bytes) }
    this.#change(inode, change)
  }

  truncate(inode: Inode, size: number): void {
    if (size === inode.content.length && inode.changes.length === 0) return
    this.#change(inode, { kind: 'truncate', size })
  }

  #make(kind: 'file' | 'folder'): Inode {
    return new Inode(kind, ++this.#inodes, this.#now())
  }

  #change(inode: Inode, change: Change): void {
    inode.content = applyChange(inode.content, change)
    inode.changes.push(change)
    inode.mtimeMs = inode.ctimeMs = this.#now()
  }

  /** Makes a file's content, or a folder's names, last. */
  sync(inode: Inode): void {
    if (inode.kind === 'folder') {
      inode.durableNames = new Map(inode.names)
      inode.nameChanges = []
    } else {
      let forgotten: Change[] = []
      for (const change of inode.changes)
        if (change.isForgotten) forgotten.push(change)
        else {
          inode.durable = applyChange(inode.durable, change)
          forgotten = forgotten.filter(old => !isReplaced(old, change))
        }
      inode.changes = forgotten
    }
  }

  /** A sync that failed: Linux then takes the pages for clean, so that a later sync does not write them again. */
  failSync(inode: Inode): void {
    inode.changes = inode.changes.map(change => ({ ...change, isForgotten: true }))
  }

  makeFolder(path: string): void {
    if (this.find(path)) throw systemError('EEXIST', 'mkdir', path)
    this.#setName(path, this.#make('folder'), 'mkdir')
  }

  link(from: string, to: string): void {
    const inode = this.get(from, 'link')
    if (this.find(to)) throw systemError('EEXIST', 'link', to)
    this.#setName(to, inode, 'link')
  }

  unlink(path: string): void {
    if (this.get(path, 'unlink').kind === 'folder') throw systemError('EISDIR', 'unlink', path)
    const folder = this.#folderOf(path, 'unlink')
    const name = this.#nameOf(path)
    folder.names.get(name)!.ctimeMs = this.#now()
    folder.names.delete(name)
    folder.nameChanges.push({ kind: 'remove', name })
  }

  rename(from: string, to: string): void {
    if (dirname(from) !== dirname(to)) throw systemError('EXDEV', 'rename', from)
    const inode = this.get(from, 'rename')
    const folder = this.#folderOf(to, 'rename')
    const change: NameChange = { kind: 'rename', from: this.#nameOf(from), to: this.#nameOf(to), inode }
    applyName(folder.names, change)
    folder.nameChanges.push(change)
  }

  list(path: string): string[] {
    const inode = this.get(path, 'scandir')
    if (inode.kind !== 'folder') throw systemError('ENOTDIR', 'scandir', path)
    return [...inode.names.keys()]
  }

  /** Puts a file there as if it had been since `atMs`: input, not output. One that is there is written over. */
  place(path: string, bytes: Uint8Array, atMs = this.#now()): void {
    for (let at = path.indexOf('/', 1); at > 0; at = path.indexOf('/', at + 1))
      if (!this.find(path.slice(0, at))) this.makeFolder(path.slice(0, at))
    const inode = this.open(path, 'w')
    this.write(inode, bytes, 0)
    inode.mtimeMs = inode.ctimeMs = atMs
    this.sync(inode)
    for (let folder = dirname(path); ; folder = dirname(folder)) {
      this.sync(this.find(folder)!)
      if (folder === '/') return
    }
  }

  /** Takes a file away for good. */
  remove(path: string): void {
    this.unlink(path)
    this.sync(this.find(dirname(path))!)
  }

  /** Paths of all files below a folder, sorted. */
  walk(path: string): string[] {
    const inode = this.find(path)
    if (!inode) return []
    if (inode.kind === 'file') return [path]
    return [...inode.names.keys()].sort().flatMap(name => this.walk(`${path}/${name}`))
  }

  /** The power goes: every change that no sync has made last is kept, lost or torn, each by itself. */
  losePower(random: Random): CrashCounts {
    const counts = { lostWrites: 0, tornWrites: 0, lostNames: 0 }
    const mood = drawMood(random)
    const seen = new Set<Inode>()
    const visit = (inode: Inode) => {
      if (seen.has(inode)) return
      seen.add(inode)
      if (inode.kind === 'file') {
        inode.content = inode.durable = tear(inode.durable, inode.changes, random, mood, counts)
        inode.changes = []
        return
      }
      const names = new Map(inode.durableNames)
      for (const change of inode.nameChanges)
        if (random.chance(0.5)) applyName(names, change)
        else counts.lostNames++
      inode.names = new Map(names)
      inode.durableNames = names
      inode.nameChanges = []
      for (const child of names.values()) visit(child)
    }
    visit(this.root)
    return counts
  }

  #setName(path: string, inode: Inode, syscall: string): void {
    const folder = this.#folderOf(path, syscall)
    const change: NameChange = { kind: 'set', name: this.#nameOf(path), inode }
    applyName(folder.names, change)
    folder.nameChanges.push(change)
  }

  #folderOf(path: string, syscall: string): Inode {
    const folder = this.get(dirname(path), syscall)
    if (folder.kind !== 'folder') throw systemError('ENOTDIR', syscall, path)
    return folder
  }

  #nameOf(path: string): string {
    return this.#fold(path.slice(path.lastIndexOf('/') + 1))
  }
}

function applyName(names: Map<string, Inode>, change: NameChange): void {
  if (change.kind === 'set') names.set(change.name, change.inode)
  else if (change.kind === 'remove') names.delete(change.name)
  else {
    names.set(change.to, change.inode)
    if (names.get(change.from) === change.inode) names.delete(change.from)
  }
}
