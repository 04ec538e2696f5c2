import { createHash } from 'node:crypto'
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { wrapDiskError } from '../errors.ts'

const chunkBytes = 1 << 20

/** A file that is read here and there, in order, while a caller waits: models of gigabytes, which no one buffer holds. */
export class FileBytes implements Disposable {
  readonly length: number
  readonly #path: string
  readonly #file: number

  /** Throws the system's error where there is no such file, or it may not be read. */
  constructor(path: string) {
    this.#path = path
    this.#file = openSync(path, 'r')
    this.length = fstatSync(this.#file).size
  }

  /** Fills `into` with what stands from `at` on. Throws RangeError where the file ends before. */
  read(at: number, into: Uint8Array): void {
    for (let done = 0; done < into.length; ) {
      const count = this.#readSome(into, done, at + done)
      if (count === 0) throw new RangeError(`${this.#path} ends at ${at + done}`)
      done += count
    }
  }

  /** Its SHA-256, in hexadecimal. */
  hash(): string {
    const hash = createHash('sha256')
    const chunk = new Uint8Array(chunkBytes)
    for (let at = 0, count = 0; (count = this.#readSome(chunk, 0, at)) > 0; at += count)
      hash.update(chunk.subarray(0, count))
    return hash.digest('hex')
  }

  #readSome(into: Uint8Array, offset: number, at: number): number {
    try {
      return readSync(this.#file, into, offset, Math.min(into.length - offset, 1 << 30), at)
    } catch (error) {
      throw wrapDiskError(error, `reading ${this.#path}`)
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.#file)
  }
}
