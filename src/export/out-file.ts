import { createHash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { wrapDiskError } from '../errors.ts'
import { Appender } from './appender.ts'

/** A file of an export, from its first byte to its last, with the SHA-256 of all of them. */
export class OutFile {
  readonly #path: string
  readonly #handle: FileHandle
  readonly #onClose: (bytes: number, sha256: string) => void
  readonly #hash = createHash('sha256')
  readonly #appender: Appender

  constructor(path: string, handle: FileHandle, onClose: (bytes: number, sha256: string) => void) {
    this.#path = path
    this.#handle = handle
    this.#onClose = onClose
    this.#appender = new Appender(path, handle, bytes => this.#hash.update(bytes))
  }

  get bytes(): number {
    return this.#appender.bytes
  }

  async append(...parts: readonly Uint8Array[]): Promise<void> {
    await this.#appender.append(...parts)
  }

  /** Makes the bytes last. */
  async close(): Promise<void> {
    await this.#appender.flush()
    try {
      await this.#handle.sync()
      await this.#handle.close()
    } catch (error) {
      throw wrapDiskError(error, `closing ${this.#path}`)
    }
    this.#onClose(this.bytes, this.#hash.digest('hex'))
  }
}
