import assert from 'node:assert/strict'
import { test } from 'node:test'
import { limits } from '../../src/limits.ts'
import { judgeStages } from '../../src/watch/judge-stages.ts'
import type { StagePace } from '../../src/watch/pace.ts'

const stage = (name: StagePace['stage'], given: Partial<StagePace>): StagePace => ({
  stage: name,
  slot: 100,
  slotsPerSecond: 2,
  bytesPerSecond: null,
  lag: 0,
  waitSeconds: null,
  stillSeconds: 0,
  ...given,
})

const full = limits.stageLeadSlotsMax

// Three stages, and how each stands.
const cases: [what: string, given: Partial<StagePace>[], standings: string[]][] = [
  ['nothing waits before others: all wait for the first', [{ lag: 3 }, {}, { lag: 1 }], ['slowest', 'works', 'works']],
  ['commits under way are no queue', [{ lag: 3 }, { lag: 5 }, { lag: 5 }], ['slowest', 'works', 'works']],
  ['a queue before a stage', [{ lag: 3 }, { lag: 40 }, { lag: 1 }], ['works', 'slowest', 'works']],
  [
    'the longer queue in time, not in slots',
    [{}, { lag: 60, slotsPerSecond: 10 }, { lag: 40, slotsPerSecond: 1 }],
    ['works', 'works', 'slowest'],
  ],
  [
    'work and no commit for ten seconds',
    [{ lag: 3 }, { lag: 4, stillSeconds: 10, slotsPerSecond: 0 }, { lag: 0, stillSeconds: 9 }],
    ['works', 'stalled', 'starved'],
  ],
  [
    'the same, of which the work came a moment ago',
    [{ lag: 3 }, { lag: 4, stillSeconds: 60, waitSeconds: 1, slotsPerSecond: 0 }, {}],
    ['slowest', 'works', 'works'],
  ],
  [
    'no input',
    [{ lag: 0, stillSeconds: 30 }, { stillSeconds: 30 }, { stillSeconds: 30 }],
    ['starved', 'starved', 'starved'],
  ],
  ['too far ahead', [{ slot: 100 + full }, { slot: 100, lag: full }, { slot: 90 }], ['held-back', 'slowest', 'works']],
]
for (const [what, given, standings] of cases)
  test(what, () => {
    const names = ['annotate', 'decide', 'shard'] as const
    const stages = given.map((one, i) => stage(names[i], one))
    assert.deepEqual(judgeStages({ stages, state: 'running' }), standings)
    assert.deepEqual(judgeStages({ stages, state: 'stopped' }), ['works', 'works', 'works'])
  })

test('what is in open shards is not known from outside, and holds nobody back', () => {
  const stages = [
    stage('annotate', { slot: 5000, lag: null }),
    stage('decide', { slot: 4990, lag: 10 }),
    stage('sealed', { slot: 0, lag: null, slotsPerSecond: 0, stillSeconds: 60 }),
  ]
  assert.deepEqual(judgeStages({ stages, state: 'running' }), ['works', 'slowest', 'works'])
})
