import * as flat from '../flatbuffer.ts'
import { type ForeignField, type IntType, readIntType } from './schema.ts'
import { type ArrowValue, type FixedReader, isSet, type Taker, taking, viewOf } from './taking.ts'
import { type TimeUnit, writeDate, writeDecimal, writeDuration, writeTimeOfDay, writeTimestamp } from './times.ts'

/** Whole numbers of some bits, little-endian, each as it is: `write` makes the value of one. */
export function integers({ bits, isSigned }: IntType, write: (value: bigint) => ArrowValue = exactNumber): FixedReader {
  return bytes => {
    const [view, width] = [viewOf(bytes), bits / 8]
    return row => write(integerAt(view, row * width, width, isSigned))
  }
}

function integerAt(view: DataView, at: number, width: number, isSigned: boolean): bigint {
  let value = 0n
  if (width >= 8) {
    for (let i = width - 8; i >= 0; i -= 8) value = (value << 64n) | view.getBigUint64(at + i, true)
    return isSigned ? BigInt.asIntN(8 * width, value) : value
  }
  if (width === 4) return BigInt(isSigned ? view.getInt32(at, true) : view.getUint32(at, true))
  if (width === 2) return BigInt(isSigned ? view.getInt16(at, true) : view.getUint16(at, true))
  return BigInt(isSigned ? view.getInt8(at) : view.getUint8(at))
}

const exactNumber = (value: bigint) => (Number.isSafeInteger(Number(value)) ? Number(value) : value)

export function checkedInt(type: IntType): IntType {
  if ([8, 16, 32, 64].includes(type.bits)) return type
  throw new RangeError(`it has ${type.bits} bits`)
}

/** A parameter of a type whose default is not 0. */
const orElse = (table: flat.Table, index: number, read: (table: flat.Table, index: number) => number, other: number) =>
  flat.fieldAt(table, index) === 0 ? other : read(table, index)

function unitOf({ parameters }: ForeignField, other: TimeUnit): TimeUnit {
  const unit = orElse(parameters, 0, flat.shortField, other)
  if (unit < 0 || unit > 3) throw new RangeError(`it has the unknown unit ${unit}`)
  return unit as TimeUnit
}

const floats: readonly (readonly [bits: number, read: (view: DataView, row: number) => number])[] = [
  [16, (view, row) => halfAt(view, 2 * row)],
  [32, (view, row) => view.getFloat32(4 * row, true)],
  [64, (view, row) => view.getFloat64(8 * row, true)],
]

/** IEEE 754's binary16: a sign, 5 bits of exponent, 10 of fraction. */
function halfAt(view: DataView, at: number): number {
  const bits = view.getUint16(at, true)
  const [sign, exponent, fraction] = [bits >> 15 ? -1 : 1, (bits >> 10) & 31, bits & 1023]
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25))
}

function floatOf({ parameters }: ForeignField) {
  const found = floats[flat.shortField(parameters, 0)]
  if (!found) throw new RangeError('it has an unknown precision')
  return found
}

const int = (field: ForeignField) => checkedInt(readIntType(field.parameters))
const decimalBits = ({ parameters }: ForeignField) => {
  const bits = orElse(parameters, 2, flat.intField, 128)
  if ([32, 64, 128, 256].includes(bits)) return bits
  throw new RangeError(`it has ${bits} bits`)
}
/** Days (32 bits) are unit 0, and milliseconds (64 bits) unit 1, the default. */
const isDays = ({ parameters }: ForeignField) => orElse(parameters, 0, flat.shortField, 1) === 0
const timeBits = ({ parameters }: ForeignField) => orElse(parameters, 1, flat.intField, 32)
/** Months; days and milliseconds; months, days and nanoseconds. */
const intervalBits = ({ parameters }: ForeignField) => [32, 64, 128][flat.shortField(parameters, 0)] ?? 0
const binaryWidth = ({ parameters }: ForeignField) => flat.intField(parameters, 0)
/** Arrow's have 76 digits at most; further zeros would only take room. */
const decimalScaleMax = 128

/** Types whose values all have as many bits. */
export const scalarTakers = {
  null: (_field, { body }) => {
    body.takeNode()
    return () => () => null
  },
  bool: taking(
    () => 1,
    () => bytes => row => isSet(bytes, row),
  ),
  int: taking(
    field => int(field).bits,
    field => integers(int(field)),
  ),
  float: taking(
    field => floatOf(field)[0],
    field => bytes => {
      const [view, [, read]] = [viewOf(bytes), floatOf(field)]
      return row => read(view, row)
    },
  ),
  decimal: taking(decimalBits, field => {
    const scale = flat.intField(field.parameters, 1)
    if (Math.abs(scale) > decimalScaleMax) throw new RangeError(`it has a scale of ${scale}`)
    return integers({ bits: decimalBits(field), isSigned: true }, value => writeDecimal(value, scale))
  }),
  date: taking(
    field => (isDays(field) ? 32 : 64),
    field =>
      isDays(field)
        ? integers({ bits: 32, isSigned: true }, writeDate)
        : integers({ bits: 64, isSigned: true }, ms =>
            ms % 86_400_000n === 0n ? writeDate(ms / 86_400_000n) : writeTimestamp(ms, 1, false),
          ),
  ),
  time: taking(timeBits, field => {
    const unit = unitOf(field, 1)
    return integers(checkedInt({ bits: timeBits(field), isSigned: true }), value => writeTimeOfDay(value, unit))
  }),
  timestamp: taking(
    () => 64,
    field => {
      const [unit, hasZone] = [unitOf(field, 0), flat.stringField(field.parameters, 1) !== '']
      return integers({ bits: 64, isSigned: true }, value => writeTimestamp(value, unit, hasZone))
    },
  ),
  duration: taking(
    () => 64,
    field => {
      const unit = unitOf(field, 1)
      return integers({ bits: 64, isSigned: true }, value => writeDuration(0, 0, value, unit))
    },
  ),
  interval: taking(intervalBits, field => bytes => {
    const [view, bits] = [viewOf(bytes), intervalBits(field)]
    if (bits === 32) return row => writeDuration(view.getInt32(4 * row, true), 0, 0n, 0)
    if (bits === 64)
      return row => writeDuration(0, view.getInt32(8 * row, true), BigInt(view.getInt32(8 * row + 4, true)), 1)
    return row => {
      const [months, days] = [view.getInt32(16 * row, true), view.getInt32(16 * row + 4, true)]
      return writeDuration(months, days, view.getBigInt64(16 * row + 8, true), 3)
    }
  }),
  fixed_size_binary: taking(
    field => 8 * binaryWidth(field),
    field =>
      (bytes, { spend }) => {
        const width = binaryWidth(field)
        if (width < 0) throw new RangeError(`it has a width of ${width}`)
        return row => {
          spend(width)
          const value = bytes.subarray(row * width, (row + 1) * width)
          return field.extension === 'arrow.uuid' && width === 16 ? writeUuid(value) : value
        }
      },
  ),
} as const satisfies Readonly<Record<string, Taker>>

function writeUuid(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString('hex')
  return hex.replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, '$1-$2-$3-$4-$5')
}
