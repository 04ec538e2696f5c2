import type { FileHandle } from 'node:fs/promises'
import { writeBytes } from '../disk/transfer.ts'
import { wrapDiskError } from '../errors.ts'
import { limits } from '../limits.ts'

/** Appends to a file. What is given is copied, and written when there is enough of it. */
export class Appender {
  readonly #path: string
  readonly #handle: FileHandle
  readonly #onWrite: (bytes: Uint8Array) => void
  readonly #pending = new Uint8Array(limits.exportBufferBytes)
  #filled = 0
  #written = 0

  /** `onWrite` is told of all bytes in order, before they are written. */
  constructor(path: string, handle: FileHandle, onWrite: (bytes: Uint8Array) => void = () => {}) {
    this.#path = path
    this.#handle = handle
    this.#onWrite = onWrite
  }

  get bytes(): number {
    return this.#written + this.#filled
  }

  async append(...parts: readonly Uint8Array[]): Promise<void> {
    for (const part of parts) {
      if (this.#filled + part.length > this.#pending.length) await this.flush()
      if (part.length > this.#pending.length) await this.#write(part)
      else {
        this.#pending.set(part, this.#filled)
        this.#filled += part.length
      }
    }
  }

  async flush(): Promise<void> {
    const bytes = this.#pending.subarray(0, this.#filled)
    this.#filled = 0
    if (bytes.length > 0) await this.#write(bytes)
  }

  async #write(bytes: Uint8Array): Promise<void> {
    this.#onWrite(bytes)
    try {
      await writeBytes(this.#handle, bytes, this.#written)
    } catch (error) {
      throw wrapDiskError(error, `writing ${this.#path}`)
    }
    this.#written += bytes.length
  }
}
