import { type Cursor, isDamaged } from './cursor.ts'

/** Bytes of a number: seven bits each, the lowest first, of at most 63. */
const numberBytesMax = 9

/** The number whose bytes `at` gives one by one, and how many these are. */
export function decodeNumber(byteAt: (index: number) => number): { readonly value: number; readonly length: number } {
  let value = 0
  for (let i = 0; i < numberBytesMax; i++) {
    const byte = byteAt(i)
    value += (byte & 0x7f) * 2 ** (7 * i)
    if (byte < 0x80) return { value, length: i + 1 }
  }
  throw isDamaged('a number that does not end')
}

export async function readNumber(cursor: Cursor): Promise<{ readonly value: number; readonly bytes: Uint8Array }> {
  const ahead = await cursor.ahead(numberBytesMax)
  const { value, length } = decodeNumber(index => ahead[index] ?? 0)
  return { value, bytes: Uint8Array.from(await cursor.take(length)) }
}
