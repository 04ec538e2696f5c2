import zlib from 'node:zlib'
import { type Cursor, hasJunk, isDamaged } from './cursor.ts'
import { decode } from './decode.ts'

/** What a member may unpack to in one step: many files, as those of web archives, are of many small members. */
const smallBytesMax = 256 * 1024
const flag = { headerCheck: 2, extra: 4, name: 8, comment: 16, unknown: 0xe0 }

/** Unpacks gzip (RFC 1952) member by member, each held against its checksum. Throws a BadFileError where it is cut, damaged or followed by junk. */
export async function* gunzip(cursor: Cursor): AsyncGenerator<Uint8Array, void> {
  let wasSmall = false
  for (let isFirst = true; await skipHeader(cursor, isFirst); isFirst = false) {
    let [check, length] = [0, 0]
    const small = wasSmall ? inflateSmall(cursor, await cursor.ahead()) : null
    for await (const bytes of small ?? decode(cursor, () => zlib.createInflateRaw({ chunkSize: 64 * 1024 }))) {
      check = zlib.crc32(bytes, check)
      length += bytes.length
      yield bytes
    }
    wasSmall = length <= smallBytesMax
    const trailer = Buffer.from(await cursor.take(8))
    if (trailer.readUInt32LE(0) !== check || trailer.readUInt32LE(4) !== length % 2 ** 32)
      throw isDamaged('the text differs from its checksum: what was read of this member may be wrong')
  }
}

/** The member at the cursor at once, or null where it is no small one that lies whole in `ahead`. */
function inflateSmall(cursor: Cursor, ahead: Uint8Array): Buffer[] | null {
  try {
    const options = { info: true, maxOutputLength: smallBytesMax }
    const { buffer, engine } = zlib.inflateRawSync(ahead, options) as unknown as {
      buffer: Buffer
      engine: zlib.InflateRaw
    }
    cursor.at += engine.bytesWritten
    return [buffer]
  } catch {
    return null
  }
}

/** Goes on to the data of the next member; false at the end of the file. */
async function skipHeader(cursor: Cursor, isFirst: boolean): Promise<boolean> {
  if (!isFirst) await cursor.skipZeros()
  const head = await cursor.ahead(2)
  if (head.length === 0) return false
  if (head[0] !== 0x1f || (head.length > 1 && head[1] !== 0x8b)) throw hasJunk('gzip member', cursor.at, head)
  const [, , method, flags] = await cursor.take(10)
  if (method !== 8 || flags & flag.unknown) throw isDamaged(`a member's header has method ${method}, flags ${flags}`)
  if (flags & flag.extra) await cursor.take(Buffer.from(await cursor.take(2)).readUInt16LE(0))
  if (flags & flag.name) await skipText(cursor)
  if (flags & flag.comment) await skipText(cursor)
  if (flags & flag.headerCheck) await cursor.take(2)
  return true
}

async function skipText(cursor: Cursor): Promise<void> {
  for (;;) {
    const ahead = await cursor.ahead()
    const end = ahead.indexOf(0)
    await cursor.take(end < 0 ? Math.max(1, ahead.length) : end + 1)
    if (end >= 0) return
  }
}
