import { type FileHandle, rm } from 'node:fs/promises'
import { readBytes } from '../disk/transfer.ts'
import { wrapDiskError } from '../errors.ts'
import { limits } from '../limits.ts'
import { Appender } from './appender.ts'

/** Bytes put aside until what stands before them is known: a count, offsets. They take disk, not memory. */
export class Spool {
  readonly #path: string
  readonly #handle: FileHandle
  readonly #appender: Appender
  readonly #onRemove: () => void

  constructor(path: string, handle: FileHandle, onRemove: () => void) {
    this.#path = path
    this.#onRemove = onRemove
    this.#handle = handle
    this.#appender = new Appender(path, handle)
  }

  get bytes(): number {
    return this.#appender.bytes
  }

  async append(...parts: readonly Uint8Array[]): Promise<void> {
    await this.#appender.append(...parts)
  }

  /** All that was appended, in arrays of their own whose lengths are multiples of 8 but for the last. */
  async *read(): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    await this.#appender.flush()
    for (let at = 0; at < this.bytes; at += limits.exportBufferBytes) yield await this.#readAt(at)
  }

  async remove(): Promise<void> {
    try {
      await this.#handle.close()
      this.#onRemove()
      await rm(this.#path)
    } catch (error) {
      throw wrapDiskError(error, `removing ${this.#path}`)
    }
  }

  async #readAt(at: number): Promise<Uint8Array<ArrayBuffer>> {
    try {
      return await readBytes(this.#handle, at, Math.min(limits.exportBufferBytes, this.bytes - at))
    } catch (error) {
      throw wrapDiskError(error, `reading ${this.#path}`)
    }
  }
}
