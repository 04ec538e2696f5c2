import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ConvertedType, LogicalType, ParquetType, SchemaElement } from 'hyparquet'
import { converterOf, type Value } from '../../../src/sources/parquet/convert.ts'
import { writeJson, writeKey } from '../../../src/sources/parquet/json.ts'
import type { Raw } from '../../../src/sources/parquet/values.ts'

const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'))
const older = (type: ParquetType, converted_type?: ConvertedType, scale?: number): SchemaElement => ({
  name: 'x',
  type,
  ...(converted_type && { converted_type }),
  ...(scale !== undefined && { scale }),
})
const newer = (type: ParquetType, logical_type: LogicalType): SchemaElement => ({ name: 'x', type, logical_type })
const decimal = (scale: number) => ({ type: 'DECIMAL' as const, scale, precision: 9 })
const stamp = (unit: 'MILLIS' | 'MICROS' | 'NANOS', isAdjustedToUTC: boolean) => ({
  type: 'TIMESTAMP' as const,
  unit,
  isAdjustedToUTC,
})

// What pyarrow does not write: older annotations, decimals of other physical types, ends of ranges.
const cases: readonly [what: string, element: SchemaElement, raw: Raw, value: Value][] = [
  ['decimal in bytes', older('BYTE_ARRAY', 'DECIMAL', 2), bytes('ff'), '-0.01'],
  [
    'decimal in more bytes than it needs',
    newer('BYTE_ARRAY', decimal(0)),
    bytes('0000000000000000ffffffffffffffff'),
    String(2n ** 64n - 1n),
  ],
  ['decimal in no bytes', newer('BYTE_ARRAY', decimal(3)), bytes(''), '0.000'],
  ['decimal in 32 bits', older('INT32', 'DECIMAL', 5), -12, '-0.00012'],
  ['decimal in 64 bits', newer('INT64', decimal(0)), 2n ** 63n - 1n, '9223372036854775807'],
  [
    'decimal in fixed bytes',
    newer('FIXED_LEN_BYTE_ARRAY', decimal(1)),
    bytes('80000000000000000000'),
    '-60446290980731458735308.8',
  ],
  ['interval', older('FIXED_LEN_BYTE_ARRAY', 'INTERVAL'), bytes('0100000002000000bc0b0000'), 'P1M2DT3.004S'],
  ['BSON', older('BYTE_ARRAY', 'BSON'), bytes('0500000000'), 'base64:BQAAAAA='],
  ['JSON', older('BYTE_ARRAY', 'JSON'), bytes('7b7d'), bytes('7b7d')],
  ['enum', older('BYTE_ARRAY', 'ENUM'), bytes('61'), bytes('61')],
  ['UINT_8', older('INT32', 'UINT_8'), 255, 255],
  ['UINT_32', older('INT32', 'UINT_32'), -1, 4294967295],
  ['UINT_64', older('INT64', 'UINT_64'), -1n, 2n ** 64n - 1n],
  ['INT96', older('INT96'), bytes('ffffffffffffffff8c3d2500'), '1969-12-31T23:59:59.999999999'],
  ['time in ms', older('INT32', 'TIME_MILLIS'), 86_399_999, '23:59:59.999'],
  ['time in µs', older('INT64', 'TIME_MICROS'), 1n, '00:00:00.000001'],
  ['time beyond a day', older('INT32', 'TIME_MILLIS'), 86_400_000, '86400000'],
  ['time before midnight', older('INT32', 'TIME_MILLIS'), -1, '-1'],
  ['older timestamp in ms', older('INT64', 'TIMESTAMP_MILLIS'), -1n, '1969-12-31T23:59:59.999Z'],
  ['older timestamp in µs', older('INT64', 'TIMESTAMP_MICROS'), 1_714_567_890_123_456n, '2024-05-01T12:51:30.123456Z'],
  ['local timestamp', newer('INT64', stamp('NANOS', false)), 1n, '1970-01-01T00:00:00.000000001'],
  ['the last of all', newer('INT64', stamp('MILLIS', true)), 2n ** 63n - 1n, '+292278994-08-17T07:12:55.807Z'],
  ['the first of all', newer('INT64', stamp('MILLIS', true)), -(2n ** 63n), '-292275055-05-16T16:47:04.192Z'],
  ['the year 0', older('INT32', 'DATE'), -719_528, '0000-01-01'],
  ['before the year 0', older('INT32', 'DATE'), -719_529, '-000001-12-31'],
  ['the last date', older('INT32', 'DATE'), 2 ** 31 - 1, '+5881580-07-11'],
]
for (const [what, element, raw, value] of cases)
  test(`${what} is ${typeof value === 'object' ? 'its text' : value}`, () =>
    assert.deepEqual(converterOf(element)(raw), value))

test('a scale or a length that no decimal has is refused', () => {
  for (const scale of [-1, 2 ** 31 - 1]) assert.throws(() => converterOf(newer('INT32', decimal(scale))), /decimals of/)
  assert.throws(() => converterOf(newer('BYTE_ARRAY', decimal(0)))(new Uint8Array(513)), /a decimal of 513 bytes/)
  assert.throws(() => converterOf(newer('FIXED_LEN_BYTE_ARRAY', { type: 'UUID' }))(new Uint8Array(15)), /15 bytes/)
})

const map = (...entries: [string, Value][]) => new Map(entries)
const written: readonly [value: Value, json: string][] = [
  [2n ** 53n - 1n, '9007199254740991'],
  [2n ** 53n, '"9007199254740992"'],
  [-(2n ** 63n), '"-9223372036854775808"'],
  [Number.NaN, '"NaN"'],
  [Number.NEGATIVE_INFINITY, '"-Infinity"'],
  [-0, '-0'],
  [1e21, '1e+21'],
  [bytes('c3a4'), '"ä"'],
  [bytes('ff'), '"base64:/w=="'],
  [[null, [], true], '[null,[],true]'],
  [map(['b', 1], ['2', 2n], ['1', null], ['__proto__', 'p']), '{"b":1,"2":2,"1":null,"__proto__":"p"}'],
]
for (const [value, json] of written) test(`${json} is how it is written`, () => assert.equal(writeJson(value), json))

test('keys of maps are text', () => {
  const keys: Value[] = ['a"', bytes('61'), bytes('ff'), 7, 2n ** 63n, false, null, ['a']]
  assert.deepEqual(keys.map(writeKey), ['a"', 'a', 'base64:/w==', '7', '9223372036854775808', 'false', 'null', '["a"]'])
})
