import { limits } from '../../limits.ts'
import { tooLong } from '../document.ts'
import type { Chunk, DeadRecord, ReadPosition } from '../source.ts'

/** Whole lines, or one line that was too long to keep. */
export type LineChunk = Omit<Chunk, 'split'>

export const newline = 10

/**
 * Cuts a stream of bytes, which begins at `from`, into chunks of whole lines: all lines that end within `limits.slotBytes`, or one
 * longer line. So a chunk depends on where it begins and not on the blocks of the stream. A line over `limits.documentBytesMax` is
 * counted and not kept. When the stream throws, the complete lines before are given first. When `signal` aborts nothing more is.
 */
export async function* cutLines(
  blocks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  from: ReadPosition,
  signal: AbortSignal,
): AsyncGenerator<LineChunk, void> {
  const cutter = new LineCutter(from)
  let failure: { error: unknown } | null = null
  try {
    for await (const block of blocks) {
      cutter.append(block)
      for (let chunk = cutter.cut(); chunk; chunk = cutter.cut()) yield chunk
    }
  } catch (error) {
    failure = { error }
  }
  if (signal.aborted) return
  cutter.end(failure === null)
  for (let chunk = cutter.cut(); chunk; chunk = cutter.cut()) yield chunk
  if (failure) throw failure.error
}

class LineCutter {
  /** As large as what it had to hold: of a small file no larger than that. */
  #buffer = Buffer.alloc(0)
  #length = 0
  /** No newline stands before this, so that a long line is searched once. */
  #searched = 0
  /** Bytes of a line too long that are gone already; 0 when no such line is open. */
  #skipped = 0
  #ended = false
  #offset: number
  #line: number

  constructor(from: ReadPosition) {
    this.#offset = from.offset
    this.#line = from.line
  }

  append(block: Uint8Array): void {
    if (this.#length + block.length > this.#buffer.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(this.#buffer.length * 2, this.#length + block.length))
      grown.set(this.#buffer.subarray(0, this.#length))
      this.#buffer = grown
    }
    this.#buffer.set(block, this.#length)
    this.#length += block.length
  }

  /** No further bytes come. A last line without a newline counts when the stream is whole. */
  end(isWhole: boolean): void {
    this.#ended = true
    if (isWhole) return
    this.#length = this.#skipped ? 0 : this.#bytes().lastIndexOf(newline) + 1
    this.#skipped = 0
  }

  /** The next chunk, or null when that takes more bytes or there are none. */
  cut(): LineChunk | null {
    if (this.#skipped) return this.#cutTooLong()
    if (this.#length < limits.slotBytes) return this.#ended && this.#length ? this.#take(this.#length) : null
    const last = this.#bytes().lastIndexOf(newline, limits.slotBytes - 1)
    if (last >= 0) return this.#take(last + 1)
    const end = this.#findLineEnd()
    const contentLength = end < 0 ? this.#length : end - Number(this.#buffer[end - 1] === newline)
    if (contentLength > limits.documentBytesMax) return this.#cutTooLong()
    return end < 0 ? null : this.#take(end)
  }

  #bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length)
  }

  /** Where the first line ends, with its newline; -1 when it is not here yet. */
  #findLineEnd(): number {
    const at = this.#bytes().indexOf(newline, this.#searched)
    this.#searched = at < 0 ? this.#length : at
    if (at >= 0) return at + 1
    return this.#ended ? this.#length : -1
  }

  #cutTooLong(): LineChunk | null {
    const end = this.#findLineEnd()
    const gone = end < 0 ? this.#length : end
    const endsInNewline = gone > 0 && this.#buffer[gone - 1] === newline
    this.#skipped += gone
    this.#drop(gone)
    if (end < 0) return null
    const length = this.#skipped
    this.#skipped = 0
    return this.#pass(length, 1, new Uint8Array(0), [tooLong(this.#line, length - Number(endsInNewline))])
  }

  #take(length: number): LineChunk {
    // Copied, as the chunk owns its memory.
    const bytes = new Uint8Array(this.#buffer.subarray(0, length))
    this.#drop(length)
    return this.#pass(length, countLines(bytes), bytes, [])
  }

  #pass(length: number, lines: number, bytes: Uint8Array, dead: DeadRecord[]): LineChunk {
    const line = this.#line
    this.#offset += length
    this.#line += lines
    return { line, bytes, dead, next: { offset: this.#offset, line: this.#line } }
  }

  #drop(length: number): void {
    this.#buffer.copyWithin(0, length, this.#length)
    this.#length -= length
    this.#searched = 0
  }
}

/** Lines in `bytes`, with a last one that has no newline. Native search for long lines, a plain loop where lines are short. */
function countLines(bytes: Uint8Array): number {
  const view = Buffer.from(bytes.buffer)
  let lines = Number(bytes.length > 0 && bytes[bytes.length - 1] !== newline)
  for (let at = 0; at < bytes.length; ) {
    const end = view.indexOf(newline, at)
    if (end < 0) break
    lines++
    const isShort = end - at < 64
    at = end + 1
    if (!isShort) continue
    const stop = Math.min(at + 1024, bytes.length)
    for (; at < stop; at++) if (bytes[at] === newline) lines++
  }
  return lines
}
