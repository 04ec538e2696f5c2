/** Memory of held files at a time: some 100,000 files of a paragraph each. Those beyond are read again, which takes twice as long. */
const heldBytesMax = 64 * 1024 * 1024

/** What a file takes beside its bytes: its array, its buffer and its entry. */
const entryBytes = 256

/** The bytes of small files between their stamping and their reading, so that a file of a few lines is opened once. */
export class HeldFiles {
  readonly #files = new Map<string, Uint8Array>()
  #bytes = 0

  /** Holds a file where there is room. */
  hold(name: string, bytes: Uint8Array): void {
    this.take(name)
    if (this.#bytes + bytes.length + entryBytes > heldBytesMax) return
    this.#files.set(name, bytes)
    this.#bytes += bytes.length + entryBytes
  }

  /** What is held of a file, and is no more then. */
  take(name: string): Uint8Array | undefined {
    const bytes = this.#files.get(name)
    if (!bytes) return undefined
    this.#files.delete(name)
    this.#bytes -= bytes.length + entryBytes
    return bytes
  }
}
