/** Text that is not UTF-8, as editors and databases of Windows write it. */
export type Encoding = 'UTF-16LE' | 'UTF-16BE' | 'UTF-32LE' | 'UTF-32BE'

const marks: readonly (readonly [mark: readonly number[], encoding: Encoding])[] = [
  [[0xff, 0xfe, 0, 0], 'UTF-32LE'],
  [[0, 0, 0xfe, 0xff], 'UTF-32BE'],
  [[0xff, 0xfe], 'UTF-16LE'],
  [[0xfe, 0xff], 'UTF-16BE'],
]

/** How text is encoded, by the byte order mark that it begins with; null for UTF-8, or where there is none. */
export function detectEncoding(head: Uint8Array): Encoding | null {
  return marks.find(([mark]) => mark.every((byte, at) => head[at] === byte))?.[1] ?? null
}

/** A brace, a bracket, or white space. */
const firstOfJson: readonly number[] = Array.from('{[ \t\r\n', sign => sign.charCodeAt(0))

/** The same of JSON, which tells it without a mark too: it begins with an ASCII character, and zeros stand around that. */
export function detectJsonEncoding(head: Uint8Array): Encoding | null {
  // Most begin so, and there may be very many of them.
  if (head[0] === 0x7b && head[1] !== 0) return null
  const marked = detectEncoding(head)
  if (marked) return marked
  const shape = Array.from(head.subarray(0, 4), byte => (byte === 0 ? '0' : 'x')).join('')
  if (!firstOfJson.includes(head.subarray(0, 4).find(byte => byte !== 0) ?? 0)) return null
  if (shape === 'x000') return 'UTF-32LE'
  if (shape === '000x') return 'UTF-32BE'
  if (shape.startsWith('x0')) return 'UTF-16LE'
  return shape.startsWith('0x') ? 'UTF-16BE' : null
}

/** Text as UTF-8. What is no character becomes bytes that are no UTF-8, so that a record with it is found to be broken, and no other. */
export async function* toUtf8(blocks: AsyncIterable<Uint8Array>, encoding: Encoding): AsyncGenerator<Uint8Array, void> {
  const decoder = encoding.startsWith('UTF-16') ? new Utf16Decoder(encoding) : new Utf32Decoder(encoding)
  for await (const block of blocks) yield decoder.decode(block)
  yield decoder.end()
}

export function encodeUtf8(bytes: Uint8Array, encoding: Encoding): Uint8Array {
  const decoder = encoding.startsWith('UTF-16') ? new Utf16Decoder(encoding) : new Utf32Decoder(encoding)
  return Buffer.concat([decoder.decode(bytes), decoder.end()])
}

/** Stands for what is no character. */
const noCharacter = Buffer.from([0xff])
const isBigEndian = (encoding: Encoding) => encoding.endsWith('BE')

/** Blocks may end within a unit, and within a character. */
class Utf16Decoder {
  readonly #isSwapped: boolean
  #rest: Uint8Array = new Uint8Array(0)

  constructor(encoding: Encoding) {
    this.#isSwapped = isBigEndian(encoding)
  }

  decode(block: Uint8Array): Uint8Array {
    const bytes = Buffer.concat([this.#rest, block])
    let end = bytes.length & ~1
    const lastUnit = end < 2 ? 0 : bytes[this.#isSwapped ? end - 2 : end - 1]
    if (lastUnit >> 2 === 0x36) end -= 2
    this.#rest = Uint8Array.from(bytes.subarray(end))
    const units = bytes.subarray(0, end)
    return encodeUnits((this.#isSwapped ? units.swap16() : units).toString('utf16le'))
  }

  end(): Uint8Array {
    return this.#rest.length > 0 ? noCharacter : this.#rest
  }
}

function encodeUnits(units: string): Uint8Array {
  if (units.isWellFormed()) return Buffer.from(units)
  const parts = units.split(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/)
  return Buffer.concat(parts.flatMap((part, i) => (i === 0 ? [Buffer.from(part)] : [noCharacter, Buffer.from(part)])))
}

class Utf32Decoder {
  readonly #isBigEndian: boolean
  #rest: Uint8Array = new Uint8Array(0)

  constructor(encoding: Encoding) {
    this.#isBigEndian = isBigEndian(encoding)
  }

  decode(block: Uint8Array): Uint8Array {
    const bytes = Buffer.concat([this.#rest, block])
    const end = bytes.length & ~3
    this.#rest = Uint8Array.from(bytes.subarray(end))
    let text = ''
    for (let at = 0; at < end; at += 4) {
      const code = this.#isBigEndian ? bytes.readUInt32BE(at) : bytes.readUInt32LE(at)
      text += code <= 0x10ffff ? String.fromCodePoint(code) : '\ud800'
    }
    return encodeUnits(text)
  }

  end(): Uint8Array {
    return this.#rest.length > 0 ? noCharacter : this.#rest
  }
}
