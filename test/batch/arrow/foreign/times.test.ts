import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  writeDate,
  writeDecimal,
  writeDuration,
  writeTimeOfDay,
  writeTimestamp,
} from '../../../../src/batch/arrow/foreign/times.ts'

const largest = 2n ** 63n - 1n

test('times have all the digits of their units, and numbers where no calendar reaches', () => {
  const cases: [string, string][] = [
    [writeDate(0n), '1970-01-01'],
    [writeDate(-719_529n), '-000001-12-31'],
    [writeDate(2n ** 31n - 1n), '2147483647'],
    [writeTimestamp(0n, 0, true), '1970-01-01T00:00:00Z'],
    [writeTimestamp(-1n, 3, false), '1969-12-31T23:59:59.999999999'],
    [writeTimestamp(1_700_000_000_120_000n, 2, true), '2023-11-14T22:13:20.120000Z'],
    [writeTimestamp(largest, 0, false), `${largest}`],
    [writeTimeOfDay(86_399_999n, 1), '23:59:59.999'],
    [writeTimeOfDay(86_400_000n, 1), '86400000'],
    [writeTimeOfDay(-1n, 0), '-1'],
    [writeDuration(0, 0, 0n, 0), 'PT0S'],
    [writeDuration(0, 0, 100n, 0), 'PT100S'],
    [writeDuration(0, 0, 1_500n, 1), 'PT1.5S'],
    [writeDuration(0, 0, -1_000n, 1), 'PT-1S'],
    [writeDuration(-14, 3, 0n, 3), 'P-14M3D'],
    [writeDuration(1, 0, 10n, 3), 'P1MT0.00000001S'],
  ]
  for (const [written, expected] of cases) assert.equal(written, expected)
})

test('decimals have all the digits of their scale', () => {
  const cases: [bigint, number, string][] = [
    [0n, 2, '0.00'],
    [-5n, 1, '-0.5'],
    [12_345n, 2, '123.45'],
    [7n, 0, '7'],
    [7n, -3, '7000'],
    [0n, -3, '0'],
    [10n ** 75n, 75, `1.${'0'.repeat(75)}`],
  ]
  for (const [unscaled, scale, expected] of cases) assert.equal(writeDecimal(unscaled, scale), expected)
})
