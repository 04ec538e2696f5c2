import { decodeBlock, EndOfBits, MsbBits } from './bzip2-block.ts'
import { type Cursor, endsEarly, hasJunk, isDamaged } from './cursor.ts'

/** A block of 900,000 bytes is at most about this long: its text packed badly, 18,002 selectors and six tables. */
const packedBlockBytesMax = 1_300_000
const blockMagic = 0x314159265359
const endMagic = 0x177245385090

/** Unpacks bzip2 (defined by its program alone) stream by stream and block by block, each held against its checksum. */
export async function* unpackBzip2(cursor: Cursor): AsyncGenerator<Uint8Array, void> {
  for (let isFirst = true; await findStream(cursor, isFirst); isFirst = false) {
    const level = (await cursor.take(4))[3] - 48
    if (!(level >= 1 && level <= 9)) throw isDamaged(`a stream's header names blocks of size ${level}`)
    yield* unpackStream(cursor, level * 100_000)
  }
}

async function findStream(cursor: Cursor, isFirst: boolean): Promise<boolean> {
  if (!isFirst) await cursor.skipZeros()
  const head = (await cursor.ahead(3)).subarray(0, 3)
  if (head.length === 0) return false
  if (!'BZh'.startsWith(Buffer.from(head).toString('latin1'))) throw hasJunk('bzip2 stream', cursor.at, head)
  return true
}

async function* unpackStream(cursor: Cursor, blockBytesMax: number): AsyncGenerator<Uint8Array, void> {
  let [bitsOver, check] = [0, 0]
  for (;;) {
    const bits = new MsbBits(await cursor.ahead(packedBlockBytesMax), bitsOver)
    const block = readBlock(bits, blockBytesMax)
    if (block.bytes === null) {
      cursor.at += Math.ceil(bits.position / 8)
      if (block.check !== check) throw isDamaged('a stream differs from its checksum')
      return
    }
    cursor.at += Math.floor(bits.position / 8)
    bitsOver = bits.position % 8
    check = (((check << 1) | (check >>> 31)) ^ block.check) >>> 0
    yield block.bytes
  }
}

/** The next block; without bytes at the end of the stream, whose checksum is of all blocks. */
function readBlock(bits: MsbBits, bytesMax: number): { readonly bytes: Uint8Array | null; readonly check: number } {
  try {
    const magic = bits.readLong(48)
    if (magic !== blockMagic && magic !== endMagic) throw isDamaged('no block begins where one should')
    const check = bits.readLong(32)
    return { bytes: magic === endMagic ? null : decodeBlock(bits, check, bytesMax), check }
  } catch (error) {
    throw error instanceof EndOfBits ? endsEarly() : error
  }
}
