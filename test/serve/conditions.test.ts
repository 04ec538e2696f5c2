import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ConditionHeaders, decide } from '../../src/serve/conditions.ts'

const etag = '"a-1"'

// Range of a file of 100 bytes, and what is answered: the status, or first and last byte.
const ranges: [range: string, answered: number | [number, number]][] = [
  ['bytes=0-0', [0, 0]],
  ['bytes=0-99', [0, 99]],
  ['bytes=10-', [10, 99]],
  ['bytes=-10', [90, 99]],
  ['bytes=-100000', [0, 99]],
  ['bytes=50-100000', [50, 99]],
  ['Bytes= 1-2 ', [1, 2]],
  ['bytes=100-', 416],
  ['bytes=100-200', 416],
  ['bytes=-0', 416],
  ['bytes=2-1', 200],
  ['bytes=-', 200],
  ['bytes=a-b', 200],
  ['bytes=0-1,5-6', 200],
  ['bytes=--5', 200],
  ['rows=0-1', 200],
  ['bytes=0-9999999999999999', 200],
]
for (const [range, answered] of ranges)
  test(`Range: ${range}`, () => {
    const decided = decide({ range }, { size: 100, etag })
    const found = decided.status === 206 ? [decided.range.first, decided.range.last] : decided.status
    assert.deepEqual(found, answered)
  })

test('an empty file has no range', () => {
  for (const range of ['bytes=0-', 'bytes=-5', 'bytes=0-0'])
    assert.equal(decide({ range }, { size: 0, etag }).status, 416, range)
  assert.equal(decide({}, { size: 0, etag }).status, 200)
})

const conditions: [ConditionHeaders, number][] = [
  [{}, 200],
  [{ 'if-none-match': etag }, 304],
  [{ 'if-none-match': `"b", W/${etag}` }, 304],
  [{ 'if-none-match': '*' }, 304],
  [{ 'if-none-match': '"b"' }, 200],
  [{ 'if-none-match': 'a-1' }, 200],
  [{ 'if-none-match': etag, range: 'bytes=0-1' }, 304],
  [{ 'if-match': etag }, 200],
  [{ 'if-match': `W/${etag}` }, 412],
  [{ 'if-match': '"b"' }, 412],
  [{ 'if-match': '"b"', 'if-none-match': etag }, 412],
  [{ 'if-range': etag, range: 'bytes=0-1' }, 206],
  [{ 'if-range': `W/${etag}`, range: 'bytes=0-1' }, 200],
  [{ 'if-range': '"b"', range: 'bytes=0-1' }, 200],
  [{ 'if-range': '"b"', range: 'bytes=500-' }, 200],
  [{ 'if-range': 'Sun, 29 Nov 2026 02:13:23 GMT', range: 'bytes=0-1' }, 200],
  [{ 'if-range': etag }, 200],
]
for (const [headers, status] of conditions)
  test(`${JSON.stringify(headers)} is answered by ${status}`, () =>
    assert.equal(decide(headers, { size: 100, etag }).status, status))
