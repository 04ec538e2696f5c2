import zlib, { type Gunzip, type ZstdDecompress } from 'node:zlib'
import { assert } from '../../errors.ts'
import { BadFileError } from './files.ts'

type Compression = 'gzip' | 'zstd'

/**
 * How a file is compressed, by its first bytes: gzip (RFC 1952) has 1f 8b, a zstd frame (RFC 8878) 28 b5 2f fd and a skippable one
 * 5? 2a 4d 18. JSON begins with none of them. A file too short to tell goes by its name.
 */
export function detectCompression(head: Uint8Array, name: string): Compression | null {
  const [a, b, c, d] = head
  if (a === 0x1f && b === 0x8b) return 'gzip'
  if (a === 0x28 && b === 0xb5 && c === 0x2f && d === 0xfd) return 'zstd'
  if (a >> 4 === 5 && b === 0x2a && c === 0x4d && d === 0x18) return 'zstd'
  if (head.length === 0 || head.length >= 4) return null
  if (name.endsWith('.gz')) return 'gzip'
  return name.endsWith('.zst') ? 'zstd' : null
}

/**
 * Decompresses a stream of one or more gzip members or zstd frames, 64 KB at a time. Throws a BadFileError when it is cut
 * ('truncated-file') or damaged ('corrupt-file'); up to 64 KB before the damage is lost with it.
 */
export async function* inflate(
  blocks: AsyncIterable<Uint8Array>,
  compression: Compression,
): AsyncGenerator<Uint8Array> {
  let decoder: Decoder | null = null
  try {
    for await (const block of blocks) {
      for (let rest = block; rest.length > 0; ) {
        // Archivers pad gzip with zeros.
        if (decoder === null && compression === 'gzip' && rest.every(byte => byte === 0)) break
        decoder ??= new Decoder(compression)
        const usedBefore: number = decoder.used
        yield* decoder.write(rest)
        const used = decoder.used - usedBefore
        rest = rest.subarray(used)
        // A decoder leaves what stands behind its end: Node's zstd knows one frame, its gunzip stops at padding.
        if (rest.length === 0 && !decoder.isEnded) continue
        assert(used > 0, 'the decoder took nothing')
        decoder.close()
        decoder = null
      }
    }
    if (decoder) yield* decoder.end()
  } finally {
    decoder?.close()
  }
}

/** One of zlib's streams, driven so that its output is pulled and what it gave before an error is not lost. */
class Decoder {
  readonly #stream: Gunzip | ZstdDecompress
  #error: NodeJS.ErrnoException | null = null
  #wake = () => {}
  /** The stream saw its end, with or without bytes behind it. */
  isEnded = false

  constructor(compression: Compression) {
    const options = { chunkSize: 64 * 1024 }
    this.#stream = compression === 'gzip' ? zlib.createGunzip(options) : zlib.createZstdDecompress(options)
    this.#stream.on('readable', () => this.#wake())
    this.#stream.on('end', () => {
      this.isEnded = true
      this.#wake()
    })
    this.#stream.on('error', error => {
      this.#error ??= error
      this.#wake()
    })
  }

  get used(): number {
    return this.#stream.bytesWritten
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
      else if (this.#error) throw describeError(this.#error)
      else if (isDone || this.isEnded) return
      else {
        const { promise, resolve } = Promise.withResolvers<void>()
        this.#wake = resolve
        await promise
      }
    }
  }
}

function describeError({ code, message }: NodeJS.ErrnoException): BadFileError {
  if (code === 'Z_BUF_ERROR') return new BadFileError('truncated-file', 'the compressed file ends too early')
  return new BadFileError('corrupt-file', `the compressed file is damaged: ${message}`)
}
