import zlib from 'node:zlib'
import type { ColumnMetaData, PageHeader } from 'hyparquet'
import { parquetHeader } from 'hyparquet/src/column.js'
import type { Readable } from '../files/files.ts'

/** What is read at a time, of each column; a larger page is read whole. */
const windowBytes = 64 * 1024
/** Tried first, as a header mostly has some 30 bytes. Statistics in it may have some MB. */
const headerBytesMax = 16 * 1024 * 1024

/** A page as it is in the file. */
export interface StoredPage {
  readonly header: PageHeader
  readonly bytes: Uint8Array
}

/** Reads the pages of a column's part in one row group, one after the other, so that no more than one is held. */
export class PageReader {
  readonly #file: Readable
  readonly #end: number
  #at: number
  #window: Uint8Array = new Uint8Array(0)
  #windowStart = 0

  /** Throws where the part is not within the file. */
  constructor(file: Readable, meta: ColumnMetaData) {
    const [dictionary, data] = [Number(meta.dictionary_page_offset ?? 0), Number(meta.data_page_offset)]
    this.#at = dictionary > 0 && dictionary < data ? dictionary : data
    this.#end = this.#at + Number(meta.total_compressed_size)
    this.#file = file
    if (!(this.#at >= 4 && this.#at <= this.#end && this.#end <= file.size))
      throw new Error(`bytes ${this.#at} to ${this.#end} are not in the file`)
  }

  /** The next page, or null behind the last. Throws where its checksum says that it was changed. */
  async next(): Promise<StoredPage | null> {
    // Some writers leave a byte behind the last page.
    if (this.#at >= this.#end - 1) return null
    const header = await this.#readHeader()
    const size = header.compressed_page_size
    if (!(size >= 0 && header.uncompressed_page_size >= 0 && this.#at + size <= this.#end))
      throw new Error(`a page of ${size} bytes`)
    const bytes = await this.#peek(size)
    this.#at += size
    if (header.crc !== undefined && zlib.crc32(bytes) !== header.crc >>> 0)
      throw new Error("a page's bytes are not those of its checksum")
    return { header, bytes }
  }

  async #readHeader(): Promise<PageHeader> {
    for (let size = 1024; ; size *= 16) {
      const bytes = await this.#peek(Math.min(size, this.#end - this.#at))
      const reader = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length), offset: 0 }
      try {
        const header = parquetHeader(reader)
        this.#at += reader.offset
        return header
      } catch (error) {
        if (size >= headerBytesMax || bytes.length < size) throw error
      }
    }
  }

  /** The next `size` bytes, without going on. */
  async #peek(size: number): Promise<Uint8Array> {
    const from = this.#at - this.#windowStart
    if (from + size > this.#window.length) {
      const end = Math.min(this.#end, this.#at + Math.max(size, windowBytes))
      this.#window = await this.#file.read(this.#at, end)
      this.#windowStart = this.#at
      if (this.#window.length < size) throw new Error('the file ends within a page')
      return this.#window.subarray(0, size)
    }
    return this.#window.subarray(from, from + size)
  }
}
