import assert from 'node:assert/strict'
import { test } from 'node:test'
import { distanceBeyond, thresholdOf } from '../../src/diff/threshold.ts'
import type { RecordedReasons } from '../../src/record/reasons.ts'
import type { RunFile, Segment } from '../../src/record/run-file.ts'

const rule = (reason: string, column: string, bounds: { below?: number; above?: number; oneOf?: string[] }) => ({
  reason,
  column,
  ...bounds,
})
const reasons: RecordedReasons = {
  steps: [{ gate: [rule('few', 'words', { below: 50 })] }, { writes: ['words'] }],
  rules: [
    rule('few', 'words', { below: 50 }),
    rule('band', 'mean', { below: 3 }),
    rule('band', 'mean', { above: 10 }),
    rule('two', 'x', { above: 1 }),
    rule('two', 'y', { above: 1 }),
    rule('language', 'language', { oneOf: ['en'] }),
  ],
  deciders: [{ name: 'near-duplicates', version: 1, reasons: ['near-duplicate'], options: { similarity: 0.8 } }],
}
const segment = (from: number, of: RecordedReasons | undefined) => ({ from, ...(of && { reasons: of }) }) as Segment
const { deciders, ...older } = reasons
const run = { segments: [segment(0, undefined), segment(10, older), segment(20, reasons)] } as unknown as RunFile

for (const [slot, reason, value, distance] of [
  [20, 'few', 48, 2],
  [20, 'few', 53, -3],
  [20, 'band', 2, 1],
  [20, 'band', 12, 2],
  [20, 'band', 6, -3],
  [20, 'two', 5, null],
  [20, 'language', 'de', null],
  [20, 'near-duplicate', 0.9, 0.1],
  [20, '__proto__', 5, null],
  [10, 'few', 48, 2],
  [0, 'few', 48, null],
] as const)
  test(`${value} lies ${distance} beyond the threshold of '${reason}' in slot ${slot}`, () => {
    const found = distanceBeyond(thresholdOf(run, slot, reason), value)
    assert.equal(found === null ? null : Math.round(found * 1e6) / 1e6, distance)
  })

test('a threshold that an older version did not record is told from a reason that has none', () => {
  const why = (slot: number, reason: string) => {
    const threshold = thresholdOf(run, slot, reason)
    return threshold.known ? 'known' : threshold.why
  }
  assert.deepEqual(
    [why(0, 'few'), why(10, 'few'), why(10, 'near-duplicate'), why(20, 'near-duplicate'), why(20, 'exact-duplicate')],
    ['not-recorded', 'known', 'not-recorded', 'known', 'none'],
  )
})
