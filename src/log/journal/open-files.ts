import { type FileHandle, open } from 'node:fs/promises'

interface OpenFile {
  readonly handle: Promise<FileHandle>
  /** Calls that work with the handle now, and one more while the file is kept. */
  uses: number
}

/** Files to read from, opened when they are used. Of those that nobody uses, the `filesMax` used last stay open. */
export class OpenFiles implements AsyncDisposable {
  #filesMax: number
  /** By path, the one used last at the end. */
  readonly #files = new Map<string, OpenFile>()

  constructor(filesMax: number) {
    this.#filesMax = filesMax
  }

  /** Runs `work` with the file open; it is not closed meanwhile. */
  async use<T>(path: string, work: (handle: FileHandle) => Promise<T>): Promise<T> {
    const file = this.#take(path)
    try {
      return await work(await file.handle)
    } finally {
      await this.#release(path, file)
    }
  }

  /** Opens a file and holds it open until `drop`, so that it can be read even after it was unlinked. */
  async keep(path: string): Promise<void> {
    const file = this.#take(path)
    await file.handle.catch(async error => {
      await this.#release(path, file)
      throw error
    })
  }

  /** Ends `keep`. */
  async drop(path: string): Promise<void> {
    const file = this.#files.get(path)
    if (file) await this.#release(path, file)
  }

  /** Closes a file that was unlinked, once nobody uses it, so that its room is free. */
  async forget(path: string): Promise<void> {
    const file = this.#files.get(path)
    this.#files.delete(path)
    if (file?.uses === 0) await close(file)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // A reader that is still at work closes its file when it is done, as no room is left to keep it.
    this.#filesMax = 0
    const files = [...this.#files.values()]
    this.#files.clear()
    for (const file of files) await close(file)
  }

  #take(path: string): OpenFile {
    const file = this.#files.get(path) ?? { handle: open(path, 'r'), uses: 0 }
    file.uses++
    this.#files.delete(path)
    this.#files.set(path, file)
    return file
  }

  async #release(path: string, file: OpenFile): Promise<void> {
    file.uses--
    // One that could not be opened is forgotten, so that the next use tries again.
    await file.handle.catch(() => this.#files.get(path) === file && this.#files.delete(path))
    if (file.uses === 0 && this.#files.get(path) !== file) await close(file)
    for (const [oldest, unused] of this.#files) {
      if (this.#files.size <= this.#filesMax) return
      if (unused.uses > 0) continue
      this.#files.delete(oldest)
      await close(unused)
    }
  }
}

async function close({ handle }: OpenFile): Promise<void> {
  await (await handle.catch(() => null))?.close()
}
