import * as flat from '../flatbuffer.ts'
import { prefixBytes, unpackZstd } from '../pack.ts'
import { ArrowError } from './errors.ts'
import { decompressLz4Frames } from './lz4.ts'
import type { ForeignMessage } from './messages.ts'

/** Gives a buffer's bytes, decompressed when they are first asked for. Throws where they are fewer than `bytesMin`. */
export type ForeignBuffer = (bytesMin: number) => Uint8Array

const codecs = [decompressLz4Frames, unpackZstd] as const

/** The nodes and buffers of a record batch, in the order in which its fields take them. */
export class ForeignBody {
  readonly rows: number
  readonly isVersion4: boolean
  readonly #body: Uint8Array
  readonly #nodes: flat.Table & { readonly length: number }
  readonly #buffers: flat.Table & { readonly length: number }
  readonly #variadic: flat.Table & { readonly length: number }
  readonly #decompress: (typeof codecs)[number] | null
  readonly #decompressing: (bytes: number) => void
  #node = 0
  #buffer = 0
  #variadicAt = 0

  /** `batch` is a RecordBatch table; `decompressing` is told how many bytes are about to be made, and may throw. */
  constructor(batch: flat.Table, { body, isVersion4 }: ForeignMessage, decompressing: (bytes: number) => void) {
    this.rows = flat.longField(batch, 0)
    this.isVersion4 = isVersion4
    this.#body = body
    this.#nodes = flat.vectorField(batch, 1, 16)
    this.#buffers = flat.vectorField(batch, 2, 16)
    this.#variadic = flat.vectorField(batch, 4, 8)
    this.#decompress = readCodec(batch)
    this.#decompressing = decompressing
  }

  takeNode(): { readonly rows: number; readonly nulls: number } {
    if (this.#node >= this.#nodes.length) throw new RangeError('its values are missing')
    const at = this.#nodes.at + 16 * this.#node++
    return { rows: flat.longAt(this.#nodes.view, at), nulls: flat.longAt(this.#nodes.view, at + 8) }
  }

  /** The rows of the node that is taken next. */
  peekRows(): number {
    const { rows } = this.takeNode()
    this.#node--
    return rows
  }

  takeBuffer(): ForeignBuffer {
    if (this.#buffer >= this.#buffers.length) throw new RangeError('a buffer is missing')
    const at = this.#buffers.at + 16 * this.#buffer++
    const [offset, bytes] = [flat.longAt(this.#buffers.view, at), flat.longAt(this.#buffers.view, at + 8)]
    if (offset + bytes > this.#body.length) throw new RangeError('a buffer lies outside')
    const stored = this.#body.subarray(offset, offset + bytes)
    let plain: Uint8Array | null = null
    return bytesMin => {
      plain ??= this.#inflate(stored)
      if (plain.length < bytesMin) throw new RangeError(`a buffer has ${plain.length} bytes of ${bytesMin}`)
      return plain
    }
  }

  /** The further buffers of a column of views. */
  takeVariadic(): ForeignBuffer[] {
    if (this.#variadicAt >= this.#variadic.length) throw new RangeError('the number of its buffers is missing')
    const count = flat.longAt(this.#variadic.view, this.#variadic.at + 8 * this.#variadicAt++)
    if (count > this.#buffers.length) throw new RangeError(`it has ${count} buffers`)
    return Array.from({ length: count }, () => this.takeBuffer())
  }

  /** Before the compressed bytes stands how many they make (i64), or -1 where they are stored as they are. */
  #inflate(stored: Uint8Array): Uint8Array {
    if (!this.#decompress || stored.length === 0) return stored
    const view = new DataView(stored.buffer, stored.byteOffset, stored.byteLength)
    const packed = stored.subarray(prefixBytes)
    if (view.getBigInt64(0, true) === -1n) return packed
    const bytes = flat.longAt(view, 0)
    this.#decompressing(bytes)
    return this.#decompress(packed, bytes)
  }
}

function readCodec(batch: flat.Table): (typeof codecs)[number] | null {
  const compression = flat.tableField(batch, 3)
  if (!compression) return null
  const [codec, method] = [flat.byteField(compression, 0), flat.byteField(compression, 1)]
  if (method === 0 && codecs[codec]) return codecs[codec]
  throw new ArrowError('unsupported-arrow', `its buffers are compressed with codec ${codec}, neither LZ4 nor ZSTD`)
}
