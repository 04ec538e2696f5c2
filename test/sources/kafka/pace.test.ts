import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RangePace, rangeRecords, smallRangeMs, smallRangesMax } from '../../../src/sources/kafka/pace.ts'

/** How many ranges are cut of a partition that is looked at every `everyMs` for a while, with `records` waiting at each look. */
function countCuts(everyMs: number, forMs: number, records: number): number {
  let now = 0
  const pace = new RangePace(() => now)
  let cuts = 0
  for (; now < forMs; now += everyMs) if (pace.take('t/0', records)) cuts++
  return cuts
}

const dayMs = 24 * 3600 * 1000

test('ranges of a partition are as many as records and time allow', () => {
  const cases: [string, number, number, number, number][] = [
    ['a trickle, looked at every second', 1000, dayMs, 1, smallRangesMax + dayMs / smallRangeMs - 1],
    [
      'a trickle, looked at a hundred times a second',
      10,
      dayMs / 24,
      1,
      smallRangesMax + dayMs / 24 / smallRangeMs - 1,
    ],
    ['a few, and rarely', 60_000, dayMs, 3, dayMs / 60_000],
    ['many', 1000, 60_000, rangeRecords, 60],
    ['a burst', 10, 100, 1, 10],
  ]
  for (const [name, everyMs, forMs, records, expected] of cases)
    assert.ok(
      Math.abs(countCuts(everyMs, forMs, records) - expected) <= 1,
      `${name}: ${countCuts(everyMs, forMs, records)}`,
    )
})

test('partitions do not share what they saved', () => {
  const pace = new RangePace(() => 0)
  for (let i = 0; i < smallRangesMax; i++) assert.ok(pace.take('t/0', 1))
  assert.deepEqual([pace.take('t/0', 1), pace.take('t/1', 1)], [false, true])
})
