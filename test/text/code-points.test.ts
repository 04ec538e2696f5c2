import assert from 'node:assert/strict'
import { test } from 'node:test'
import { markRuns, pointsOf } from '../../src/text/code-points.ts'

test('hexadecimal ranges', () => {
  assert.deepEqual([...pointsOf('a 1f-21 1d7ce')], [0xa, 0x1f, 0x20, 0x21, 0x1d7ce])
})

test('runs in base 36: single ones, lengths, every second one; bits add up', () => {
  const table = new Uint8Array(48)
  markRuns(table, { 1: '2 1.3 4*3', 4: 'a.2 z' })
  const marked = [...table.entries()].filter(([, bits]) => bits > 0)
  const single = [2, 4, 5, 6].map(point => [point, 1])
  assert.deepEqual(marked, [...single, [10, 4], [11, 5], [13, 1], [15, 1], [47, 4]])
})
