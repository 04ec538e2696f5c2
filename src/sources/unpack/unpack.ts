import { limits } from '../../limits.ts'
import { BadFileError } from '../bad-file.ts'
import type { UnpackOptions } from '../fields.ts'
import type { Compression } from '../signatures.ts'
import { Cursor, type Readable } from './cursor.ts'
import { gunzip } from './gzip.ts'
import { unpackZstd } from './zstd.ts'

/**
 * The text of a packed file, in pieces. Throws a BadFileError, after all that can be had before it, where the file is cut
 * ('truncated-file'), damaged ('corrupt-file'), followed by something else ('trailing-junk'), takes more memory than is granted
 * ('window-too-large'), or gives more text than is ('inflates-too-much').
 */
export async function* unpack(
  file: Readable & { readonly size: number },
  compression: Compression,
  { windowBytesMax = limits.windowBytesMax, inflationMax = limits.inflationMax }: UnpackOptions,
): AsyncGenerator<Uint8Array, void> {
  const textBytesMax = Math.max(limits.documentBytesMax, file.size * inflationMax)
  let bytes = 0
  for await (const piece of unpackAll(new Cursor(file), compression, windowBytesMax)) {
    bytes += piece.length
    if (bytes > textBytesMax) throw inflatesTooMuch(file.size, inflationMax)
    yield piece
  }
}

function inflatesTooMuch(size: number, inflationMax: number): BadFileError {
  return new BadFileError(
    'inflates-too-much',
    `its ${size} bytes give more than ${inflationMax} times as much text, of which the rest is not read: raise 'inflationMax' of the source if that is meant`,
  )
}

async function* unpackAll(
  cursor: Cursor,
  compression: Compression,
  windowBytesMax: number,
): AsyncGenerator<Uint8Array, void> {
  if (compression === 'gzip') yield* gunzip(cursor)
  else if (compression === 'zstd') yield* unpackZstd(cursor, windowBytesMax)
  // Loaded where they are needed, as few files are of these kinds.
  else if (compression === 'bzip2') yield* (await import('./bzip2.ts')).unpackBzip2(cursor)
  else yield* (await import('./xz.ts')).unpackXz(cursor, windowBytesMax)
}
