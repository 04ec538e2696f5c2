import type { InflateRaw, ZstdDecompress } from 'node:zlib'
import { assert } from '../../errors.ts'
import { type Cursor, endsEarly, isDamaged } from './cursor.ts'

type Stream = InflateRaw | ZstdDecompress

/**
 * How many bytes a decoder is given at once. Where it fails, what it made of these bytes is lost, so the stream is decoded once more and
 * what it failed on is given in smaller pieces: in the end byte by byte, so that all is given that stands before the damage.
 */
const stepsBytes = [512 * 1024, 8192, 128, 1]

/** Decodes the stream that begins at the cursor, which stands behind it in the end. Throws a BadFileError where it is cut or damaged. */
export async function* decode(cursor: Cursor, open: () => Stream): AsyncGenerator<Uint8Array, void> {
  const start = cursor.at
  // Bytes that were decoded and handed out, and where in the file the last piece began that did not fail.
  const done = { bytes: 0, at: start }
  for (const stepBytes of stepsBytes) {
    cursor.at = start
    try {
      return yield* decodeBy(stepBytes, cursor, new Decoder(open()), done)
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      if (error.code === 'Z_BUF_ERROR') throw endsEarly()
      if (stepBytes === stepsBytes.at(-1)) throw isDamaged(error.message)
    }
  }
}

/** One try, which passes over what was handed out before, and goes in steps from the piece on that failed then. */
async function* decodeBy(
  stepBytes: number,
  cursor: Cursor,
  decoder: Decoder,
  done: { bytes: number; at: number },
): AsyncGenerator<Uint8Array, void> {
  let decodedBytes = 0
  try {
    while (!decoder.isEnded) {
      const ahead = await cursor.ahead()
      const piece = ahead.subarray(0, cursor.at < done.at ? done.at - cursor.at : stepBytes)
      for await (const bytes of piece.length > 0 ? decoder.write(piece) : decoder.end()) {
        decodedBytes += bytes.length
        const fresh = decodedBytes - done.bytes
        if (fresh <= 0) continue
        done.bytes = decodedBytes
        yield fresh < bytes.length ? bytes.subarray(bytes.length - fresh) : bytes
      }
      assert(piece.length > 0 || decoder.isEnded, 'a decoder that has all bytes neither ended nor failed')
      cursor.at += decoder.takeUsed()
      done.at = Math.max(done.at, cursor.at)
    }
  } finally {
    decoder.close()
  }
}

class DecodeError extends Error {
  readonly code: string | undefined

  constructor({ code, message }: NodeJS.ErrnoException) {
    super(message)
    this.code = code
  }
}

/** One of zlib's streams, driven so that its output is pulled. */
class Decoder {
  readonly #stream: Stream
  #error: NodeJS.ErrnoException | null = null
  #wake = () => {}
  #taken = 0
  /** The stream saw its end, with or without bytes behind it. */
  isEnded = false

  constructor(stream: Stream) {
    this.#stream = stream
    stream.on('readable', () => this.#wake())
    stream.on('end', () => {
      this.isEnded = true
      this.#wake()
    })
    stream.on('error', error => {
      this.#error ??= error
      this.#wake()
    })
  }

  /** How many bytes it used since the last call: what stands behind its end is left. */
  takeUsed(): number {
    const used = this.#stream.bytesWritten - this.#taken
    this.#taken += used
    return used
  }

  write(bytes: Uint8Array): AsyncGenerator<Uint8Array, void> {
    return this.#pull(done => this.#stream.write(bytes, error => error ?? done()))
  }

  /** No more bytes come: waits for the stream's end, or for its error when it is not there yet. */
  end(): AsyncGenerator<Uint8Array, void> {
    return this.#pull(() => this.#stream.end())
  }

  close(): void {
    this.#stream.destroy()
  }

  async *#pull(send: (done: () => void) => void): AsyncGenerator<Uint8Array, void> {
    let isDone = false
    send(() => {
      isDone = true
      this.#wake()
    })
    for (;;) {
      const bytes: Uint8Array | null = this.#stream.read()
      if (bytes) yield bytes
      else if (this.#error) throw new DecodeError(this.#error)
      else if (isDone || this.isEnded) return
      else {
        const { promise, resolve } = Promise.withResolvers<void>()
        this.#wake = resolve
        await promise
      }
    }
  }
}
