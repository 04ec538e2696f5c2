import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DeltaReader, deltaArrays, deltaLengthArrays } from '../../../src/sources/parquet/delta.ts'
import { BitReader, ByteReader, RunReader } from '../../../src/sources/parquet/runs.ts'
import { openDictionary, openValues, type Physical } from '../../../src/sources/parquet/values.ts'

const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'))
const take = <T>(count: number, next: () => T) => Array.from({ length: count }, next)

const runs: readonly [hex: string, width: number, values: number[]][] = [
  // A header's lowest bit says packed, in groups of eight; else it is a count.
  ['03 88c6fa', 3, [0, 1, 2, 3, 4, 5, 6, 7]],
  ['06 01', 1, [1, 1, 1]],
  ['00 01 04 02', 2, [2, 2]],
  ['04 3412', 16, [0x1234, 0x1234]],
  ['02 ffffffff', 32, [2 ** 32 - 1]],
  ['03 ffffffff 00000000 01000000 00000080', 32, [2 ** 32 - 1, 0, 1, 2 ** 31]],
  ['', 0, [0, 0]],
]
test('runs give their values', () => {
  for (const [hex, width, values] of runs) {
    const reader = new RunReader(bytes(hex), width)
    assert.deepEqual(
      take(values.length, () => reader.next()),
      values,
      hex,
    )
  }
})

const deltas: readonly [hex: string, bits: 32 | 64, values: bigint[]][] = [
  ['8001 04 01 54', 32, [42n]],
  // The smallest difference is 1, and no more is stored.
  ['8001 04 04 00 02 00000000', 32, [0n, 1n, 2n, 3n]],
  ['8001 04 03 0d 03 01000000 02000000', 32, [-7n, -9n, -10n]],
  // Sums wrap round.
  ['8001 04 02 feffffff0f 02 00000000', 32, [2n ** 31n - 1n, -(2n ** 31n)]],
]
test('differences give their values', () => {
  for (const [hex, wide, values] of deltas) {
    const reader = new DeltaReader(new ByteReader(bytes(hex)), wide)
    assert.deepEqual([reader.count, take(values.length, () => reader.next())], [values.length, values], hex)
  }
})

const int32: Physical = { type: 'INT32', length: 0 }
const array: Physical = { type: 'BYTE_ARRAY', length: 0 }
const open = (encoding: string, physical: Physical, hex: string) =>
  openValues(encoding, physical, { bytes: bytes(hex), countMax: 4, dictionary: null })

// What asks for more than there is, for ever, or for what is not there: a call of it throws, and at once.
const refused: readonly [what: string, call: () => unknown][] = [
  [
    'a run behind the end',
    () =>
      take(
        9,
        (() => {
          const runs = new RunReader(bytes('10 01'), 1)
          return () => runs.next()
        })(),
      ),
  ],
  ['empty runs alone', () => new RunReader(new Uint8Array(1000), 8).next()],
  ['a count of more than 32 bits', () => new RunReader(bytes('ffffffffff01'), 8).next()],
  ['a number without an end', () => new ByteReader(bytes('ff'.repeat(100))).readVarint()],
  ['bits behind the end', () => new BitReader(new ByteReader(bytes('ff'))).read(9)],
  ['blocks in no parts', () => new DeltaReader(new ByteReader(bytes('8001 00 01 00')), 32)],
  ['blocks of nothing', () => new DeltaReader(new ByteReader(bytes('00 04 01 00')), 32)],
  ['more lengths than values', () => deltaLengthArrays(bytes('8001 04 ffffffff0f 00'), 4)],
  ['a length below nothing', () => deltaLengthArrays(bytes('8001 04 01 01'), 4)()],
  ['a prefix of nothing', () => deltaArrays(bytes('8001 04 01 02 8001 04 01 00'), 4)()],
  ['an array longer than its page', () => open('PLAIN', array, 'ffffffff 61')()],
  ['a number cut off', () => open('PLAIN', int32, '010000')()],
  ['a split number cut off', () => open('BYTE_STREAM_SPLIT', int32, '010000')()],
  ['a value of no bytes', () => open('RLE', { type: 'BOOLEAN', length: 0 }, '')()],
  ['indexes without a dictionary', () => open('RLE_DICTIONARY', array, '01 02 00')],
  ['lengths of numbers', () => open('DELTA_BYTE_ARRAY', int32, '8001 04 00 00')],
  ['an encoding of another time', () => open('GROUP_VAR_INT', int32, '00')],
  ['a dictionary larger than its page', () => openDictionary(array, bytes('00000000'), 2 ** 31)],
  ['a dictionary of a length below nothing', () => openDictionary(int32, bytes('00000000'), -1)],
  [
    'an index behind its dictionary',
    () =>
      openValues('RLE_DICTIONARY', array, {
        bytes: bytes('08 02 01'),
        countMax: 4,
        dictionary: openDictionary(array, bytes('00000000'), 1),
      })(),
  ],
]
for (const [what, call] of refused) test(`${what} is refused`, { timeout: 1000 }, () => assert.throws(call))

test('a long run of nothing is passed over at once', { timeout: 1000 }, () => {
  const reader = new DeltaReader(new ByteReader(bytes('8080808008 01 0a 00 00 00')), 32)
  reader.next()
  reader.next()
  reader.finish()
})
