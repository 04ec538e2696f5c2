import zlib from 'node:zlib'
import { BadFileError } from '../bad-file.ts'
import { type Cursor, endsEarly, hasJunk } from './cursor.ts'
import { decode } from './decode.ts'

const frameMagic = 0xfd2fb528
/** The last four bits of these are free. */
const skippableMagic = 0x184d2a50
/** Frames of the library before 0.8 begin with these. */
const oldMagics = [0xfd2fb51e, 0xfd2fb522, 0xfd2fb523, 0xfd2fb524, 0xfd2fb525, 0xfd2fb526, 0xfd2fb527]
/** The decoder's own bound is set as high as it goes: ours is checked before, so that the error can name both sizes. */
const params = { [zlib.constants.ZSTD_d_windowLogMax]: 31 }

/** Unpacks zstd (RFC 8878) frame by frame. A frame whose window is over `windowBytesMax` is refused, as the decoder holds it in memory. */
export async function* unpackZstd(cursor: Cursor, windowBytesMax: number): AsyncGenerator<Uint8Array, void> {
  for (let isFirst = true; await findFrame(cursor, isFirst); isFirst = false) {
    const head = Buffer.from(await cursor.ahead(18))
    if (head.length < 6) throw endsEarly()
    checkDictionary(head)
    checkWindow(readWindow(head), windowBytesMax)
    yield* decode(cursor, () => zlib.createZstdDecompress({ chunkSize: 64 * 1024, params }))
  }
}

/** Goes on to the next frame that holds data; false at the end of the file. */
async function findFrame(cursor: Cursor, isFirst: boolean): Promise<boolean> {
  for (;;) {
    if (!isFirst) await cursor.skipZeros()
    const head = Buffer.from((await cursor.ahead(4)).subarray(0, 4))
    if (head.length === 0) return false
    const magic = head.length < 4 ? 0 : head.readUInt32LE(0)
    if (magic === frameMagic) return true
    if ((magic & 0xfffffff0) === skippableMagic) await skipFrame(cursor)
    else if (oldMagics.includes(magic))
      throw new BadFileError('unsupported-compression', 'this is zstd as it was before version 0.8: pack the file anew')
    else if (head.length < 4 && (head[0] === 0x28 || head[0] >> 4 === 5)) throw endsEarly()
    else throw hasJunk('zstd frame', cursor.at, head)
  }
}

async function skipFrame(cursor: Cursor): Promise<void> {
  const head = Buffer.from(await cursor.take(8))
  const length = head.readUInt32LE(4)
  if (length === 0) return
  cursor.at += length - 1
  await cursor.take(1)
}

/** Bytes of the fields of a frame's header, by two bits of its first byte each. */
const dictionaryBytes = [0, 1, 2, 4]
const contentBytes = [0, 2, 4, 8]

function checkDictionary(head: Buffer): void {
  const [flags] = head.subarray(4)
  const length = dictionaryBytes[flags & 3]
  const at = 5 + Number(!isSingle(flags))
  const id = length > 0 && head.length >= at + length ? head.readUIntLE(at, length) : 0
  if (id !== 0)
    throw new BadFileError('unsupported-compression', `the file was packed with a dictionary (${id}): pack it without`)
}

const isSingle = (flags: number) => (flags & 0x20) !== 0

/** How much of the text the decoder has to hold: the window that a frame names, or all of a frame in a single segment. */
function readWindow(head: Buffer): number {
  const [flags, window] = head.subarray(4)
  if (!isSingle(flags)) return 2 ** (10 + (window >> 3)) * (1 + (window & 7) / 8)
  const length = contentBytes[flags >> 6] || 1
  const at = 5 + dictionaryBytes[flags & 3]
  if (head.length < at + length) return 0
  if (length === 8) return Number(head.readBigUInt64LE(at))
  return head.readUIntLE(at, length) + (length === 2 ? 256 : 0)
}

/** Refuses a window that would take more memory than is granted. */
export function checkWindow(bytes: number, bytesMax: number): void {
  if (bytes <= bytesMax) return
  throw new BadFileError(
    'window-too-large',
    `unpacking takes a window of ${bytes} bytes in memory, and ${bytesMax} are granted: raise 'windowBytesMax' of the source, or pack the file with a smaller window`,
  )
}
