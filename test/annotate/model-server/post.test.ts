import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readRetryAfter } from '../../../src/annotate/model-server/post.ts'

const retryAfter: [value: string | null, ms: number][] = [
  [null, 0],
  ['0', 0],
  ['7', 7000],
  [' 7 ', 7000],
  ['100000', 300_000],
  ['-7', 0],
  ['soon', 0],
  ['Thu, 01 Jan 1970 00:00:09 GMT', 8000],
  ['Thu, 01 Jan 1970 00:00:00 GMT', 0],
]
test('Retry-After is seconds or a date, and bounded', () => {
  for (const [value, ms] of retryAfter) assert.equal(readRetryAfter(value, 1000), ms, `${value}`)
})
