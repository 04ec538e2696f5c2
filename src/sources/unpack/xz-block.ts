import zlib from 'node:zlib'
import { BadFileError } from '../bad-file.ts'
import { type Cursor, endsEarly, isDamaged } from './cursor.ts'
import { LzmaDecoder, RangeDecoder, rangeHeaderBytes, readSettings, type Settings } from './lzma.ts'
import { Window } from './lzma-window.ts'
import { checkBytes, makeCheck } from './xz-checks.ts'
import { decodeNumber } from './xz-number.ts'
import { checkWindow } from './zstd.ts'

const lzma2 = 0x21

export interface BlockSizes {
  /** The header, the packed text and its check, without padding. */
  readonly packed: number
  readonly text: number
}

export interface BlockHeader {
  readonly bytes: number
  readonly dictionaryBytes: number
}

/** The header of the next block, or null where the index begins. Goes on behind it. */
export async function readBlockHeader(cursor: Cursor): Promise<BlockHeader | null> {
  const [size] = await cursor.ahead()
  if (size === 0) return null
  const header = Buffer.from(await cursor.take(4 * ((size ?? 0) + 1)))
  const end = header.length - 4
  if (zlib.crc32(header.subarray(0, end)) !== header.readUInt32LE(end))
    throw isDamaged('the header of a block differs from its check')
  let at = 2
  const readNext = () => {
    const { value, length } = decodeNumber(index => header[at + index] ?? 0)
    at += length
    return value
  }
  const [flags] = header.subarray(1)
  // Both sizes are in the index too.
  for (const bit of [0x40, 0x80]) if (flags & bit) readNext()
  const filter = readNext()
  if (filter !== lzma2 || (flags & 3) !== 0)
    throw new BadFileError(
      'unsupported-compression',
      `the xz file was packed with filter ${filter}, which is not for text: pack it without`,
    )
  if (readNext() !== 1 || header[at] > 40) throw isDamaged('the header of a block names no dictionary')
  return { bytes: header.length, dictionaryBytes: dictionaryOf(header[at]) }
}

/** 2 or 3 times a power of two, and at last all that fits 32 bits. */
const dictionaryOf = (code: number) => (code === 40 ? 2 ** 32 - 1 : (2 | (code & 1)) * 2 ** ((code >> 1) + 11))

export async function* unpackBlock(
  cursor: Cursor,
  { bytes: headerBytes, dictionaryBytes }: BlockHeader,
  kind: number,
  windowBytesMax: number,
): AsyncGenerator<Uint8Array, BlockSizes> {
  checkWindow(dictionaryBytes, windowBytesMax)
  const [start, check] = [cursor.at, makeCheck(kind)]
  let text = 0
  for await (const bytes of unpackChunks(cursor, dictionaryBytes)) {
    check?.update(bytes)
    text += bytes.length
    yield bytes
  }
  const packed = headerBytes + cursor.at - start + checkBytes[kind]
  await cursor.take(-(cursor.at - start) & 3)
  const expected = await cursor.take(checkBytes[kind])
  if (check && !check.finish().equals(expected))
    throw isDamaged('a block differs from its checksum: what was read of it may be wrong')
  return { packed, text }
}

/** Bytes of an LZMA2 chunk that is not packed: its kind and two of its length. */
const plainHeaderBytes = 3
const plainBytesMax = 64 * 1024

async function* unpackChunks(cursor: Cursor, dictionaryBytes: number): AsyncGenerator<Uint8Array, void> {
  const chunks = new ChunkDecoder(new Window(dictionaryBytes))
  for (;;) {
    const [control] = await cursor.ahead()
    if (control === 0) {
      cursor.at++
      return
    }
    if (control < 0x80) yield await chunks.copy(cursor, control)
    else yield* chunks.decode(cursor, control)
  }
}

/** Unpacks the chunks of LZMA2, of which each may begin anew or go on with what the one before it left. */
class ChunkDecoder {
  readonly #window: Window
  #settings: Settings | null = null
  #decoder: LzmaDecoder | null = null
  /** How much was unpacked since the dictionary was emptied. */
  #position = 0
  #isBegun = false

  constructor(window: Window) {
    this.#window = window
  }

  /** A chunk that is not packed. */
  async copy(cursor: Cursor, control: number): Promise<Uint8Array> {
    const header = Buffer.from(await cursor.take(plainHeaderBytes))
    if (control > 2) throw isDamaged(`a chunk of kind ${control}`)
    this.#begin(control === 1)
    const bytes = Uint8Array.from(await cursor.take(header.readUInt16BE(1) + 1))
    if (bytes.length > plainBytesMax) throw isDamaged('a chunk that is too long')
    this.#window.putAll(bytes)
    this.#position += bytes.length
    return bytes
  }

  /** A packed chunk. What could be unpacked before it was found to be cut or damaged is given first. */
  async *decode(cursor: Cursor, control: number): AsyncGenerator<Uint8Array, void> {
    const header = Buffer.from(await cursor.take(control >= 0xc0 ? 6 : 5))
    const decoder = this.#prepare((control >> 5) & 3, header[5])
    const packedBytes = header.readUInt16BE(3) + 1
    const packed = (await cursor.ahead(packedBytes)).subarray(0, packedBytes)
    if (packed.length < Math.min(packedBytes, rangeHeaderBytes)) throw endsEarly()
    const range = new RangeDecoder(packed)
    const { written } = this.#window
    let failure: unknown = null
    try {
      decoder.decode(range, this.#window, this.#position, ((control & 0x1f) << 16) + header.readUInt16BE(1) + 1)
      if (!range.isSpent) throw isDamaged('a chunk that is longer than its text')
    } catch (error) {
      failure = error
    }
    const textBytes = this.#window.written - written
    this.#position += textBytes
    if (textBytes > 0) yield this.#window.last(textBytes)
    await cursor.take(packedBytes)
    if (failure) throw failure
  }

  #prepare(reset: number, settings: number): LzmaDecoder {
    this.#begin(reset === 3)
    if (reset >= 2) this.#settings = readSettings(settings)
    if (this.#settings === null) throw isDamaged('a chunk without settings')
    if (reset >= 1) this.#decoder = new LzmaDecoder(this.#settings)
    if (this.#decoder === null) throw isDamaged('a chunk without a beginning')
    return this.#decoder
  }

  #begin(isEmptied: boolean): void {
    if (!isEmptied && !this.#isBegun) throw isDamaged('a block goes on before it begins')
    this.#isBegun = true
    if (!isEmptied) return
    this.#window.forget()
    this.#position = 0
  }
}
