import type { SchemaElement } from 'hyparquet'
import { parseFloat16 } from 'hyparquet/src/convert.js'
import { formatDate, formatInterval, formatTime, formatTimestamp } from './times.ts'
import type { Raw } from './values.ts'

/**
 * A value as a document has it. Bytes are text where they are UTF-8. What no number of JavaScript holds exactly is text: decimals with all
 * digits of their scale, times in ISO 8601 with all digits of their unit.
 */
export type Value = string | number | bigint | boolean | Uint8Array | null | Value[] | Map<string, Value>

type Convert = (raw: Raw) => Value

/** Digits of a scale, and bytes of a decimal: 1,232 digits. The largest that are in use have 76. */
const scaleMax = 1024
const decimalBytesMax = 512

/** Bytes of a column that does not say whether they are text: older writers' strings, or hashes. */
export class UntypedBytes extends Uint8Array {}

/** Bytes that are no text. */
export const toBase64 = (bytes: Uint8Array) => `base64:${Buffer.from(bytes).toString('base64')}`

/** How the values of a column become a document's. Throws where the column's type can't be what it says. */
export function converterOf(element: SchemaElement): Convert {
  const { type, converted_type: older, logical_type: logical } = element
  if (logical?.type === 'DECIMAL' || older === 'DECIMAL') return decimalConverter(element)
  if (type === 'INT32' || type === 'INT64') return wholeConverter(element)
  if (type === 'INT96') return raw => formatInt96(raw as Uint8Array)
  if (type === 'FIXED_LEN_BYTE_ARRAY' || type === 'BYTE_ARRAY') return bytesConverter(element)
  return raw => raw
}

function wholeConverter({ type, converted_type: older, logical_type: logical }: SchemaElement): Convert {
  if (logical?.type === 'DATE' || older === 'DATE') return raw => formatDate(Number(raw))
  if (logical?.type === 'TIME') {
    const digits = digitsOf(logical.unit)
    return raw => formatTime(BigInt(raw as bigint), digits)
  }
  if (logical?.type === 'TIMESTAMP') {
    const [digits, isUtc] = [digitsOf(logical.unit), logical.isAdjustedToUTC]
    return raw => formatTimestamp(BigInt(raw as bigint), digits, isUtc)
  }
  if (older === 'TIME_MILLIS' || older === 'TIME_MICROS')
    return raw => formatTime(BigInt(raw as bigint), older === 'TIME_MILLIS' ? 3 : 6)
  // The older annotations are those of UTC.
  if (older === 'TIMESTAMP_MILLIS' || older === 'TIMESTAMP_MICROS')
    return raw => formatTimestamp(BigInt(raw as bigint), older === 'TIMESTAMP_MILLIS' ? 3 : 6, true)
  const isUnsigned = logical?.type === 'INTEGER' ? !logical.isSigned : older?.startsWith('UINT_') === true
  if (!isUnsigned) return raw => raw
  return type === 'INT32' ? raw => (raw as number) >>> 0 : raw => BigInt.asUintN(64, raw as bigint)
}

const digitsOf = (unit: 'MILLIS' | 'MICROS' | 'NANOS') => ({ MILLIS: 3, MICROS: 6, NANOS: 9 })[unit]

function bytesConverter({ converted_type: older, logical_type: logical }: SchemaElement): Convert {
  if (logical?.type === 'UUID') return raw => formatUuid(withLength(raw, 16))
  if (logical?.type === 'FLOAT16') return raw => parseFloat16(withLength(raw, 2)) as number
  if (older === 'INTERVAL') return raw => formatInterval(withLength(raw, 12))
  const isBinary = logical?.type === 'BSON' || older === 'BSON' || logical?.type.startsWith('GEO')
  if (isBinary) return raw => toBase64(raw as Uint8Array)
  return logical || older ? raw => raw : raw => untyped(raw as Uint8Array)
}

const untyped = ({ buffer, byteOffset, length }: Uint8Array) =>
  new UntypedBytes(buffer as ArrayBuffer, byteOffset, length)

function withLength(raw: Raw, length: number): Uint8Array {
  const bytes = raw as Uint8Array
  if (bytes.length !== length) throw new Error(`a value of ${bytes.length} bytes where ${length} are meant`)
  return bytes
}

export function formatUuid(bytes: Uint8Array): string {
  return Buffer.from(bytes)
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}

/** Nanoseconds of the day, then the Julian day. Whether they are of UTC is not said. */
function formatInt96(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const days = BigInt(view.getInt32(8, true) - 2440588)
  return formatTimestamp(days * 86_400_000_000_000n + view.getBigInt64(0, true), 9, false)
}

function decimalConverter({ type, scale, logical_type: logical }: SchemaElement): Convert {
  const digits = (logical?.type === 'DECIMAL' ? logical.scale : scale) ?? 0
  if (!(digits >= 0 && digits <= scaleMax)) throw new Error(`decimals of scale ${digits}`)
  if (type === 'INT32' || type === 'INT64') return raw => formatDecimal(BigInt(raw as bigint), digits)
  if (type === 'FIXED_LEN_BYTE_ARRAY' || type === 'BYTE_ARRAY')
    return raw => formatDecimal(readBigEndian(raw as Uint8Array), digits)
  throw new Error(`decimals of ${type}`)
}

/** Two's complement, the highest byte first. */
function readBigEndian(bytes: Uint8Array): bigint {
  if (bytes.length > decimalBytesMax) throw new Error(`a decimal of ${bytes.length} bytes`)
  if (bytes.length === 0) return 0n
  return BigInt.asIntN(8 * bytes.length, BigInt(`0x${Buffer.from(bytes).toString('hex')}`))
}

export function formatDecimal(unscaled: bigint, scale: number): string {
  if (scale === 0) return String(unscaled)
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0')
  return `${unscaled < 0n ? '-' : ''}${digits.slice(0, -scale)}.${digits.slice(-scale)}`
}
