import zlib from 'node:zlib'
import { type Cursor, hasJunk, isDamaged } from './cursor.ts'
import { type BlockSizes, readBlockHeader, unpackBlock } from './xz-block.ts'
import { readNumber } from './xz-number.ts'

const magic = Buffer.from('fd377a585a00', 'hex')

/**
 * Unpacks xz (the .xz file format, version 1.2.1) stream by stream, block by block and chunk by chunk; texts, headers and index are held
 * against their checks. A dictionary over `windowBytesMax` is refused, as it is held in memory.
 */
export async function* unpackXz(cursor: Cursor, windowBytesMax: number): AsyncGenerator<Uint8Array, void> {
  for (let isFirst = true; await findStream(cursor, isFirst); isFirst = false) {
    const flags = await readStreamHeader(cursor)
    const blocks: BlockSizes[] = []
    for (;;) {
      const header = await readBlockHeader(cursor)
      if (header === null) break
      blocks.push(yield* unpackBlock(cursor, header, flags[1] & 15, windowBytesMax))
    }
    await checkFooter(cursor, await checkIndex(cursor, blocks), flags)
  }
}

async function findStream(cursor: Cursor, isFirst: boolean): Promise<boolean> {
  if (!isFirst) await cursor.skipZeros()
  const head = (await cursor.ahead(magic.length)).subarray(0, magic.length)
  if (head.length === 0) return false
  if (!magic.subarray(0, head.length).equals(head)) throw hasJunk('xz stream', cursor.at, head)
  return true
}

async function readStreamHeader(cursor: Cursor): Promise<Uint8Array> {
  const header = Buffer.from(await cursor.take(12))
  const flags = header.subarray(6, 8)
  if (zlib.crc32(flags) !== header.readUInt32LE(8)) throw isDamaged('the header of a stream differs from its check')
  if (flags[0] !== 0 || flags[1] > 15) throw isDamaged('the header of a stream has flags that nobody has defined')
  return Uint8Array.from(flags)
}

/** Holds the index against what was read, and returns its bytes. */
async function checkIndex(cursor: Cursor, blocks: readonly BlockSizes[]): Promise<number> {
  const start = cursor.at
  const parts = [await cursor.take(1)]
  const read = async () => {
    const { value, bytes } = await readNumber(cursor)
    parts.push(bytes)
    return value
  }
  const numbers = [blocks.length, ...blocks.flatMap(({ packed, text }) => [packed, text])]
  for (const number of numbers)
    if ((await read()) !== number) throw isDamaged('the index of a stream is of other blocks')
  parts.push(await cursor.take(-(cursor.at - start) & 3))
  const check = Buffer.from(await cursor.take(4)).readUInt32LE(0)
  if (zlib.crc32(Buffer.concat(parts)) !== check) throw isDamaged('the index of a stream differs from its check')
  return cursor.at - start
}

async function checkFooter(cursor: Cursor, indexBytes: number, flags: Uint8Array): Promise<void> {
  const footer = Buffer.from(await cursor.take(12))
  const isWhole =
    footer.readUInt32LE(0) === zlib.crc32(footer.subarray(4, 10)) &&
    4 * (footer.readUInt32LE(4) + 1) === indexBytes &&
    footer.subarray(8, 10).equals(flags) &&
    footer.toString('latin1', 10) === 'YZ'
  if (!isWhole) throw isDamaged('the end of a stream does not fit to its beginning')
}
