import { isUtf8 } from 'node:buffer'
import { toBase64, type Value } from './convert.ts'

/** Bytes as text: themselves where they are UTF-8, otherwise `base64:` and their base64. */
const bytesToText = (bytes: Uint8Array) => (isUtf8(bytes) ? Buffer.from(bytes).toString() : toBase64(bytes))

/** A value as the key of a JSON object: text is itself, anything else as it is written. */
export function writeKey(value: Value): string {
  if (typeof value === 'string') return value
  if (value instanceof Uint8Array) return bytesToText(value)
  return typeof value === 'object' ? writeJson(value) : String(value)
}

/**
 * A value as JSON. Whole numbers beyond 2^53 become strings, as most readers of JSON would change their digits; so do NaN and the
 * infinities, which JSON has no numbers for.
 */
export function writeJson(value: Value): string {
  if (value === null) return 'null'
  if (value instanceof Uint8Array) return JSON.stringify(bytesToText(value))
  if (typeof value === 'number') return writeNumber(value)
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? String(value) : `"${value}"`
  if (Array.isArray(value)) return `[${value.map(writeJson).join(',')}]`
  if (value instanceof Map) {
    const members = Array.from(value, ([name, member]) => `${JSON.stringify(name)}:${writeJson(member)}`)
    return `{${members.join(',')}}`
  }
  return JSON.stringify(value)
}

function writeNumber(value: number): string {
  if (!Number.isFinite(value)) return `"${value}"`
  return Object.is(value, -0) ? '-0' : String(value)
}
