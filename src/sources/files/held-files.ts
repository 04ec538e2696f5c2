/** Memory of held files at a time: some 150,000 files of a paragraph each. Those beyond are opened again, which takes twice as long. */
const heldBytesMax = 64 * 1024 * 1024

/** Files lie together in blocks, as 100,000 buffers of their own cost the garbage collector more than the reading. */
const blockBytes = 1024 * 1024

interface Block {
  readonly bytes: Uint8Array
  used: number
  /** Files in it that nobody took yet. */
  files: number
}

interface Held {
  readonly block: Block
  readonly start: number
  readonly end: number
}

/** The bytes of small files between their stamping and their reading, so that a file of a few lines is opened once. */
export class HeldFiles {
  readonly #files = new Map<string, Held>()
  #last: Block | null = null
  #blocks = 0

  /** Holds a copy of a file, of `blockBytes` at most, where there is room. */
  hold(name: string, bytes: Uint8Array): void {
    this.take(name)
    const block = this.#makeRoom(bytes.length)
    if (!block) return
    const start = block.used
    block.bytes.set(bytes, start)
    block.used += bytes.length
    block.files++
    this.#files.set(name, { block, start, end: block.used })
  }

  /** What is held of a file, and is no more then. */
  take(name: string): Uint8Array | null {
    const held = this.#files.get(name)
    if (!held) return null
    this.#files.delete(name)
    const { block, start, end } = held
    block.files--
    if (block !== this.#last && block.files === 0) this.#blocks--
    return block.bytes.subarray(start, end)
  }

  #makeRoom(length: number): Block | null {
    if (this.#last && this.#last.used + length <= blockBytes) return this.#last
    // A block is never written again, as somebody may still read what was taken from it.
    if (this.#last?.files === 0) this.#blocks--
    this.#last = null
    if ((this.#blocks + 1) * blockBytes > heldBytesMax) return null
    this.#blocks++
    this.#last = { bytes: new Uint8Array(blockBytes), used: 0, files: 0 }
    return this.#last
  }
}
