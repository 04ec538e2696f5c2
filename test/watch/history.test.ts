import assert from 'node:assert/strict'
import { test } from 'node:test'
import { limits } from '../../src/limits.ts'
import { HistoryOfRun, historySeries } from '../../src/watch/history.ts'
import { paceOf } from '../../src/watch/pace.ts'
import { makeLook } from './looks.ts'

const paceAt = (second: number) =>
  paceOf(
    [second - 1, second].map(at =>
      makeLook({
        at: 1000 * at,
        stages: [
          { stage: 'annotate', slot: at, lag: 2 },
          { stage: 'decide', slot: at, lag: null },
        ],
        readBytes: at * 3e6,
        documents: at * 30,
        kept: at * 12,
        memoryBytes: 5e8,
      }),
    ),
  )

test('a point a look, with what is known', () => {
  const history = new HistoryOfRun()
  assert.deepEqual(history.all(), { names: [...historySeries], points: [] })
  history.add(paceAt(5), 1_700_000_000.1239)
  const names = [...historySeries, 'lag:annotate', 'lag:decide']
  const points = [[1_700_000_000.124, 3, 30, 0.4, 5e8, null, 2, null]]
  assert.deepEqual(history.all(), { names, points })
  assert.deepEqual(history.last(), { names, points })
})

test('a stage that comes later has no values before', () => {
  const history = new HistoryOfRun()
  history.add(paceOf([makeLook({ stages: [{ stage: 'annotate', slot: 1, lag: 1 }] })]), 1)
  history.add(paceAt(2), 2)
  assert.deepEqual(
    history.all().points.map(point => point.slice(-2)),
    [
      [1, null],
      [2, null],
    ],
  )
})

test('the oldest points go', () => {
  const history = new HistoryOfRun()
  for (let second = 1; second <= limits.historyPointsMax + 10; second++) history.add(paceAt(second), second)
  const { points } = history.all()
  assert.deepEqual([points.length, points[0][0]], [limits.historyPointsMax, 11])
})
