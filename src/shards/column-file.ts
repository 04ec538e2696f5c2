import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { type BatchLayout, type FileLayout, readFileLayout, viewBatch } from '../batch/arrow/layout.ts'
import type { Batch } from '../batch/batch.ts'
import { HeadraceError, wrapDiskError } from '../errors.ts'

/**
 * An Arrow IPC file open for positioned reads: one file descriptor, and in memory no more than where its columns lie. Reads are
 * synchronous, as they are short and mostly come from the page cache.
 */
export class ColumnFile implements Disposable {
  readonly path: string
  readonly bytes: number
  readonly layout: FileLayout
  readonly #file: number

  /** Throws `not-found` where there is no file and `corrupt` where it is torn or no Arrow file. */
  constructor(path: string) {
    this.path = path
    this.#file = openForReading(path)
    try {
      this.bytes = fstatSync(this.#file).size
      this.layout = readFileLayout((at, bytes) => this.read(at, bytes), this.bytes)
    } catch (error) {
      this.close()
      throw error instanceof HeadraceError ? new HeadraceError(error.code, `${path}: ${error.message}`, error) : error
    }
  }

  /** The columns `names` of a batch, or all of them. */
  view(batch: BatchLayout, names?: readonly string[]): Batch {
    return viewBatch(batch, (at, bytes) => this.read(at, bytes), names)
  }

  read(at: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length)
    this.readInto(bytes, at)
    return bytes
  }

  readInts(at: number, count: number): Int32Array {
    return new Int32Array(this.read(at, 4 * count).buffer)
  }

  readInto(bytes: Uint8Array, at: number): void {
    for (let done = 0; done < bytes.length; ) {
      const count = this.#readSome(bytes, done, at)
      if (count === 0) throw this.corrupt(`it ends before byte ${at + bytes.length}`)
      done += count
    }
  }

  #readSome(bytes: Uint8Array, done: number, at: number): number {
    try {
      return readSync(this.#file, bytes, done, bytes.length - done, at + done)
    } catch (error) {
      throw wrapDiskError(error, `reading ${this.path}`)
    }
  }

  corrupt(problem: string): HeadraceError {
    return new HeadraceError('corrupt', `${this.path} is damaged: ${problem}`)
  }

  close(): void {
    closeSync(this.#file)
  }

  [Symbol.dispose](): void {
    this.close()
  }
}

/** What a system answers for a path at which no file can be: a damaged head or block may name any. */
const absentCodes = new Set(['ENOENT', 'ENOTDIR', 'EISDIR', 'ENAMETOOLONG', 'ELOOP', 'ERR_INVALID_ARG_VALUE'])

function openForReading(path: string): number {
  try {
    return openSync(path, 'r')
  } catch (error) {
    if (!absentCodes.has((error as NodeJS.ErrnoException).code ?? '')) throw wrapDiskError(error, `opening ${path}`)
    throw new HeadraceError('not-found', `there is no file ${path}`, error)
  }
}
