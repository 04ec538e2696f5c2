import { isUtf8 } from 'node:buffer'
import { ArrowStruct, type ArrowValue } from './taking.ts'

/**
 * A value as JSON; undefined where it is missing: null, or NaN, which is how a missing measurement is written. Whole numbers beyond 2^53
 * and decimals are strings with all their digits; bytes that are no UTF-8 are `base64:` and their base64.
 */
export function writeArrowJson(value: ArrowValue): string | undefined {
  if (value === null) return undefined
  if (typeof value === 'number')
    return Number.isNaN(value) ? undefined : Number.isFinite(value) ? `${value}` : `"${value}"`
  if (typeof value === 'bigint') return `"${value}"`
  if (typeof value === 'boolean') return `${value}`
  if (typeof value === 'string') return JSON.stringify(value)
  if (value instanceof Uint8Array) return JSON.stringify(bytesToText(value))
  if (value instanceof ArrowStruct) return writeStruct(value)
  return `[${value.map(item => writeArrowJson(item) ?? 'null').join(',')}]`
}

/** Bytes as text: themselves where they are UTF-8. */
export function bytesToText(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  return isUtf8(buffer) ? buffer.toString() : `base64:${buffer.toString('base64')}`
}

function writeStruct({ entries }: ArrowStruct): string {
  const pairs = entries.map(([name, value]) => `${JSON.stringify(name)}:${writeArrowJson(value) ?? 'null'}`)
  return `{${pairs.join(',')}}`
}
