import { DocumentBuilder, type RawDocument, roles } from '../document.ts'
import { parseLongNumbers } from '../exact-json.ts'
import type { Fields } from '../fields.ts'
import type { Chunk, Parsed } from '../source.ts'

/**
 * Rows of a Parquet file on their way from the loader to a worker. A row is six parts (text, id, domain, url, added, meta); a part is its
 * kind (one byte), its length (uint32, little-endian) and its bytes. So text moves as it was in the file and no thread makes strings of
 * it. A row that is dead in the chunk has no parts; its line number is passed over.
 */
export const kinds = { absent: 0, utf8: 1, other: 2, integer: 3 }
export const headBytes = 5

export function decodeRows(chunk: Chunk, options: Fields): Parsed {
  const { bytes } = chunk
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const builder = new DocumentBuilder(chunk.split, options, bytes.length)
  const deadLines = new Set(chunk.dead.map(({ line }) => line))
  const document: RawDocument = { text: null, id: null, domain: null, url: null, added: null, meta: '' }
  let line = chunk.line
  let at = 0
  const nextPart = () => {
    const start = at + headBytes
    const part = bytes.subarray(start, start + view.getUint32(at + 1, true))
    const kind = bytes[at]
    at = start + part.length
    if (kind === kinds.utf8) return part
    if (kind === kinds.absent) return null
    const source = Buffer.from(part).toString()
    return kind === kinds.integer ? BigInt(source) : parseLongNumbers(source)
  }
  for (; at < bytes.length; line++) {
    while (deadLines.has(line)) line++
    for (const role of roles) document[role] = nextPart()
    document.meta = nextPart() as Uint8Array
    builder.add(line, document)
  }
  return builder.finish()
}
