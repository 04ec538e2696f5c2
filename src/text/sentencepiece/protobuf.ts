/** A field of a message in Protocol Buffers' wire format. */
export interface Field {
  readonly number: number
  /** Of a field of variable or fixed length that is a number: its value, as an unsigned one. */
  readonly value: number
  /** Of a field of bytes, and of fixed ones. */
  readonly bytes: Uint8Array
}

const fixedBytes: Readonly<Record<number, number>> = { 1: 8, 5: 4 }

/** The fields of a message one after the other. Throws RangeError where it is cut, or is no message. */
export function* readFields(message: Uint8Array): Generator<Field> {
  for (let at = 0; at < message.length; ) {
    const tag = readVarint(message, at)
    const [number, type] = [Math.floor(tag.value / 8), tag.value % 8]
    at = tag.end
    if (type === 0) {
      const { value, end } = readVarint(message, at)
      at = end
      yield { number, value, bytes: message.subarray(at, at) }
      continue
    }
    const length = type === 2 ? readVarint(message, at) : { value: fixedBytes[type] ?? Number.NaN, end: at }
    const end = length.end + length.value
    if (!(end <= message.length)) throw new RangeError(`a field of type ${type} at ${at} of ${message.length} bytes`)
    at = end
    yield { number, value: 0, bytes: message.subarray(length.end, end) }
  }
}

/** Numbers beyond 2^53 lose their last digits: lengths are smaller, and nothing else that large is read. */
function readVarint(message: Uint8Array, start: number): { value: number; end: number } {
  let value = 0
  for (let at = start; at < Math.min(message.length, start + 10); at++) {
    value += (message[at] & 0x7f) * 2 ** (7 * (at - start))
    if (message[at] < 0x80) return { value, end: at + 1 }
  }
  throw new RangeError(`a number that does not end at ${start} of ${message.length} bytes`)
}

/** A field of 4 bytes as a float32; NaN for any other. */
export function floatOf({ bytes }: Field): number {
  return bytes.length === 4 ? new DataView(bytes.buffer, bytes.byteOffset, 4).getFloat32(0, true) : Number.NaN
}
