import { type FileHandle, mkdir, open, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { syncFolder } from '../disk/durable-file.ts'
import { wrapDiskError } from '../errors.ts'
import { OutFile } from './out-file.ts'
import { Spool } from './spool.ts'

/** A file of an export: its path in the folder, and what it has. */
export interface ExportedFile {
  readonly path: string
  readonly bytes: number
  readonly sha256: string
}

/** Where an exporter writes: files that are hashed as they are written, and spools, which are gone at the end. Disposed, nothing is open. */
export class OutFolder implements AsyncDisposable {
  readonly dir: string
  readonly #files = new Map<string, ExportedFile>()
  readonly #open = new Set<FileHandle>()

  constructor(dir: string) {
    this.dir = dir
  }

  /** What was written and closed so far, in the order of paths. */
  get files(): readonly ExportedFile[] {
    return [...this.#files.values()].sort((a, b) => (a.path < b.path ? -1 : 1))
  }

  /** Begins a file; it counts among `files` once it is closed. Folders of its path are made. */
  async create(path: string): Promise<OutFile> {
    const full = join(this.dir, path)
    try {
      await mkdir(dirname(full), { recursive: true })
      const handle = await this.#take(open(full, 'wx'))
      return new OutFile(full, handle, (bytes, sha256) => {
        this.#open.delete(handle)
        this.#files.set(path, { path, bytes, sha256 })
      })
    } catch (error) {
      throw wrapDiskError(error, `creating ${full}`)
    }
  }

  /** A whole small file. */
  async write(path: string, content: string | Uint8Array): Promise<ExportedFile> {
    const file = await this.create(path)
    await file.append(typeof content === 'string' ? Buffer.from(content) : content)
    await file.close()
    return this.#files.get(path)!
  }

  /** What must stand behind something that is known later only. */
  async spool(path: string): Promise<Spool> {
    const full = join(this.dir, `${path}.spool`)
    try {
      const handle = await this.#take(open(full, 'wx+'))
      return new Spool(full, handle, () => this.#open.delete(handle))
    } catch (error) {
      throw wrapDiskError(error, `creating ${full}`)
    }
  }

  /** Gives a closed file another name. */
  async rename(from: string, to: string): Promise<void> {
    const file = this.#files.get(from)!
    try {
      await rename(join(this.dir, from), join(this.dir, to))
    } catch (error) {
      throw wrapDiskError(error, `renaming ${join(this.dir, from)}`)
    }
    this.#files.delete(from)
    this.#files.set(to, { ...file, path: to })
  }

  /** What is known of a closed file. */
  file(path: string): ExportedFile {
    return this.#files.get(path)!
  }

  async #take(opening: Promise<FileHandle>): Promise<FileHandle> {
    const handle = await opening
    this.#open.add(handle)
    return handle
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // An export that failed has told why.
    for (const handle of this.#open) await handle.close().catch(() => {})
  }

  /** Makes the names of all files last. */
  async sync(): Promise<void> {
    const folders = new Set([...this.#files.keys()].flatMap(foldersAbove))
    try {
      for (const folder of folders) await syncFolder(join(this.dir, folder))
    } catch (error) {
      throw wrapDiskError(error, `syncing ${this.dir}`)
    }
  }
}

/** `a/b` and `a` and the folder itself, as `.`, for `a/b/c`. */
function foldersAbove(path: string): string[] {
  const folder = dirname(path)
  return folder === '.' ? [folder] : [folder, ...foldersAbove(folder)]
}

/** Removes what may be there, whole. */
export async function removeAll(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true })
  } catch (error) {
    throw wrapDiskError(error, `removing ${path}`)
  }
}

/** Whether a path is a folder, or null where there is nothing. */
export async function isFolder(path: string): Promise<boolean | null> {
  try {
    return (await stat(path)).isDirectory()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw wrapDiskError(error, `looking at ${path}`)
  }
}
