import zlib from 'node:zlib'
import { compressors as portable } from 'hyparquet-compressors'

/** Node's own decoders where there are such, as they are several times faster. */
const decoders = new Map<string, (input: Uint8Array, length: number) => Uint8Array>([
  ['UNCOMPRESSED', input => input],
  ['SNAPPY', portable.SNAPPY!],
  ['GZIP', (input, length) => zlib.unzipSync(input, { maxOutputLength: length })],
  ['BROTLI', (input, length) => zlib.brotliDecompressSync(input, { maxOutputLength: length })],
  ['ZSTD', (input, length) => zlib.zstdDecompressSync(input, { maxOutputLength: length })],
  ['LZ4', portable.LZ4!],
  ['LZ4_RAW', portable.LZ4_RAW!],
])

/** Unpacks a part of a page that has `length` bytes. Throws where the codec is not known or the bytes are not as many. */
export function decompress(codec: string, input: Uint8Array, length: number): Uint8Array {
  const decode = decoders.get(codec)
  if (!decode) throw new Error(`the codec ${codec} is not supported`)
  if (!(length >= 0)) throw new Error(`a page of ${length} bytes`)
  if (length === 0) return new Uint8Array(0)
  const output = decode(input, length)
  if (output.length !== length) throw new Error(`a page has ${output.length} bytes where its header says ${length}`)
  return output
}
