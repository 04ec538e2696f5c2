import { open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { makeFolder, syncFolder } from '../../disk/durable-file.ts'
import { isMissing } from '../../disk/files.ts'
import { readBytes } from '../../disk/transfer.ts'
import { HeadraceError, wrapDiskError } from '../../errors.ts'

const chunkBytes = 1 << 20

/**
 * A file of lines to which several threads and processes of a machine append, and which each reads on from where it was. The system puts what is
 * appended behind all that is there (O_APPEND), so that all readers see one order. Not for a network file system, where it may not.
 */
export class AppendFile {
  readonly path: string
  #at = 0
  /** The beginning of a line whose end was not there yet. */
  #rest: Uint8Array<ArrayBuffer> = new Uint8Array(0)
  #next: { readonly lines: string[]; readonly written: Promise<void> } | null = null
  #last: Promise<void> = Promise.resolve()
  #isNamed = false

  constructor(path: string) {
    this.path = path
  }

  /** The whole lines that came since the last call, without their ends. Calls must not overlap. */
  async *readOn(): AsyncGenerator<string> {
    const file = await open(this.path, 'r').catch(error => {
      if (isMissing(error)) return null
      throw wrapDiskError(error, `reading ${this.path}`)
    })
    if (!file) return
    try {
      // No more is asked for than is there: mostly a line, and memory for a whole chunk would cost more than reading it.
      const { size } = await file.stat()
      while (this.#at < size) {
        const bytes = await readBytes(file, this.#at, Math.min(chunkBytes, size - this.#at))
        if (bytes.length === 0) return
        this.#at += bytes.length
        const all = Buffer.concat([this.#rest, bytes])
        const end = all.lastIndexOf(10) + 1
        this.#rest = Uint8Array.from(all.subarray(end))
        yield* all.subarray(0, end).toString('utf8').split('\n').slice(0, -1)
      }
    } finally {
      await file.close()
    }
  }

  /** Appends a line so that it lasts; lines that are given while others are written are written together. */
  append(line: string): Promise<void> {
    if (!this.#next) {
      const lines: string[] = []
      const written = this.#last.then(() => {
        this.#next = null
        return this.#write(lines)
      })
      this.#next = { lines, written }
      this.#last = written.catch(() => {})
    }
    this.#next.lines.push(line)
    return this.#next.written
  }

  async #write(lines: readonly string[]): Promise<void> {
    // A line feed first: what a killed process left of a line must not take the next one with it.
    const bytes = Buffer.from(lines.map(line => `\n${line}\n`).join(''))
    if (!this.#isNamed) await makeFolder(dirname(this.path))
    try {
      const file = await open(this.path, 'a')
      try {
        // In one call, as nothing may come between. What a full disk cuts off is no whole line, and counts for nothing.
        const { bytesWritten } = await file.write(bytes)
        if (bytesWritten < bytes.length)
          throw new HeadraceError('disk', `${this.path} took ${bytesWritten} of ${bytes.length} bytes: make room`)
        await file.datasync()
      } finally {
        await file.close()
      }
    } catch (error) {
      throw wrapDiskError(error, `writing ${this.path}`)
    }
    if (!this.#isNamed) await syncFolder(dirname(this.path))
    this.#isNamed = true
  }
}
