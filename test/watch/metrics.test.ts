import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeBatch } from '../../src/batch/arrow/ipc.ts'
import { HeadraceError } from '../../src/errors.ts'
import { topics } from '../../src/record/layout.ts'
import { emptyDecideTotals, emptyShardTotals } from '../../src/record/totals.ts'
import type { Committed, RunEvent } from '../../src/run/events.ts'
import { deadBatch } from '../../src/run/measure/annotate-slot.ts'
import { RunCounts } from '../../src/watch/counts.ts'
import { Lag } from '../../src/watch/lag.ts'
import { metricsOf } from '../../src/watch/metrics.ts'
import { formatMetrics } from '../../src/watch/prometheus.ts'
import { RunStatus } from '../../src/watch/status.ts'
import { parseMetrics, readSample } from './prometheus-text.ts'

const scrape = (counts: RunCounts) => parseMetrics(formatMetrics(metricsOf(counts, { run: 'r' })))
const opened: RunEvent = { kind: 'opened', log: 'embedded', stages: ['annotate', 'decide', 'shard'] }
const committed = (
  stage: Committed['stage'],
  slot: number,
  note: object,
  more: Partial<Committed> = {},
): Committed => ({
  ...{ kind: 'committed', stage, slot, note: JSON.stringify(note), seconds: 0.01, appends: [] },
  ...more,
})
const dead = encodeBatch(
  deadBatch([1, 2].map(row => ({ row, file: 'a', line: row, reason: 'broken-json', detail: '' }))),
)
const append = (topic: string, slot: number, bytes: number, headers = {}) => ({
  ...{ topic, partition: 0, headers: { slot: String(slot), ...headers }, value: new Uint8Array(bytes) },
})

test('totals are those of the commits, not those that a crash would undo', () => {
  const counts = new RunCounts()
  counts.see(opened)
  assert.equal(readSample(scrape(counts), 'headrace_rows_total', { fate: 'kept' }), undefined, 'not known is not 0')
  const totals = { ...emptyDecideTotals(), kept: 90, dead: 3, dropped: { short: 7, long: 1 } }
  counts.see({ kind: 'stage-began', stage: 'decide', slot: 4, note: JSON.stringify({ totals }) })
  const rows = (fate: string) => readSample(scrape(counts), 'headrace_rows_total', { fate })
  assert.deepEqual(['kept', 'dropped', 'dead'].map(rows), [90, 8, 3])
  assert.equal(readSample(scrape(counts), 'headrace_dropped_rows_total', { reason: 'short' }), 7)
  counts.see(committed('decide', 5, { totals: { ...totals, kept: 100 } }))
  assert.deepEqual(['kept', 'dropped', 'dead'].map(rows), [100, 8, 3])
})

test('each metric, after the events that move it', () => {
  const counts = new RunCounts()
  const began = (stage: Committed['stage']): RunEvent => ({ kind: 'stage-began', stage, slot: 0, note: '' })
  const trip = {} as never
  const fenced = new HeadraceError('fenced', 'gone')
  const events: RunEvent[] = [
    ...[opened, began('annotate'), began('decide'), began('shard')],
    ...[0, 1, 2].map((slot): RunEvent => ({ kind: 'loaded', slot, bytes: 100 })),
    committed(
      'annotate',
      2,
      { readBytes: 200 },
      {
        appends: [
          append(topics.scored, 0, 10),
          append(topics.scored, 1, 20),
          { ...append(topics.dead, 1, 0), value: dead },
        ],
      },
    ),
    committed(
      'decide',
      1,
      { totals: { ...emptyDecideTotals(), kept: 5 } },
      {
        appends: [append(topics.kept, 0, 7), append(topics.choices, 0, 1)],
        seconds: 0.2,
      },
    ),
    committed('shard', 0, { totals: { ...emptyShardTotals(), tokens: 50, shards: 2 } }),
    { kind: 'input', bytes: 1000 },
    { kind: 'sharded', slot: 0, totals: { ...emptyShardTotals(), tokens: 90 } },
    { kind: 'steps', steps: 12 },
    { kind: 'worker-lost', reason: 'crashed-worker', detail: '', slot: null },
    { kind: 'split-changed', split: 'a', was: '1-x', now: '2-y' },
    { kind: 'held', slot: 1, trips: [trip] },
    { kind: 'commit-failed', stage: 'shard', error: new HeadraceError('disk', 'full') },
    { kind: 'commit-failed', stage: 'shard', error: fenced },
    { kind: 'stage-ended', stage: 'shard', error: fenced },
  ]
  for (const event of events) counts.see(event)
  const found = scrape(counts)
  const expected: [string, Record<string, string>, number][] = [
    ['headrace_run_info', { run: 'r', log: 'embedded' }, 1],
    ['headrace_rows_total', { fate: 'kept' }, 5],
    ['headrace_dead_rows_total', { reason: 'broken-json' }, 2],
    ['headrace_read_bytes_total', {}, 200],
    ['headrace_input_bytes', {}, 1000],
    ['headrace_tokens_total', {}, 50],
    ['headrace_shards_total', {}, 2],
    ['headrace_unsealed_slots', {}, 0],
    ['headrace_steps_total', {}, 12],
    ['headrace_stage_running', { stage: 'decide' }, 1],
    ['headrace_stage_running', { stage: 'shard' }, 0],
    ['headrace_slots_total', { stage: 'annotate' }, 2],
    ['headrace_commits_total', { stage: 'decide' }, 1],
    ['headrace_aborts_total', { stage: 'shard' }, 1],
    ['headrace_lag_slots', { stage: 'annotate' }, 1],
    ['headrace_lag_bytes', { stage: 'annotate' }, 100],
    ['headrace_lag_slots', { stage: 'decide' }, 1],
    ['headrace_lag_bytes', { stage: 'decide' }, 20],
    ['headrace_lag_slots', { stage: 'shard' }, 1],
    ['headrace_lag_bytes', { stage: 'shard' }, 7],
    ['headrace_changed_files_total', {}, 1],
    ['headrace_fenced_total', {}, 1],
    ['headrace_guard_holds_total', {}, 1],
    ['headrace_guard_releases_total', {}, 1],
    ['headrace_worker_restarts_total', { reason: 'crashed-worker' }, 1],
  ]
  for (const [name, labels, value] of expected)
    assert.equal(readSample(found, name, labels), value, `${name} ${JSON.stringify(labels)}`)
  assert.equal(readSample(found, 'headrace_commit_seconds', { stage: 'decide', le: '0.1' }), 0)
  assert.equal(readSample(found, 'headrace_commit_seconds', { stage: 'decide', le: '0.25' }), 1)
  counts.see({ kind: 'sharded', slot: 1, totals: emptyShardTotals() })
  assert.equal(readSample(scrape(counts), 'headrace_unsealed_slots'), 1)
  assert.equal(readSample(scrape(counts), 'headrace_lag_slots', { stage: 'shard' }), 0)
})

// Each row: what is added (slot after the last, bytes, at ms), what is passed, now, and what is read.
const lags: [[number, number, number][], number, number, [number, number, number]][] = [
  [[], 0, 5000, [0, 0, 0]],
  [[[3, 30, 1000]], 0, 5000, [3, 30, 4]],
  [
    [
      [3, 30, 1000],
      [4, 5, 2000],
    ],
    2,
    5000,
    [2, 35, 4],
  ],
  [
    [
      [3, 30, 1000],
      [4, 5, 2000],
    ],
    3,
    5000,
    [1, 5, 3],
  ],
  [
    [
      [3, 30, 1000],
      [4, 5, 2000],
    ],
    9,
    5000,
    [0, 0, 0],
  ],
  [
    [
      [3, Number.NaN, 1000],
      [4, 5, 2000],
    ],
    0,
    5000,
    [4, Number.NaN, 4],
  ],
  [
    [
      [3, Number.NaN, 1000],
      [4, 5, 2000],
    ],
    3,
    5000,
    [1, 5, 3],
  ],
  [
    [
      [3, 30, 1000],
      [3, 0, 2000],
      [2, 1, 2000],
    ],
    0,
    5000,
    [3, 31, 4],
  ],
  [[[3, 30, 9000]], 0, 5000, [3, 30, 0]],
]
test('what waits before a stage', () => {
  for (const [added, passed, now, [slots, bytes, seconds]] of lags) {
    const lag = new Lag()
    for (const [to, size, at] of added) lag.add(to, size, at, 0)
    assert.deepEqual(lag.read(now, passed), { slots, bytes, seconds })
  }
  const lag = new Lag()
  for (let slot = 1; slot <= 100_000; slot++) lag.add(slot, 1, slot, 0)
  assert.deepEqual(lag.read(1, 0), { slots: 100_000, bytes: 100_000, seconds: 0 })
})

test('slots of before a start are counted when both stages are there, whichever came first', () => {
  for (const order of [
    ['annotate', 'decide'],
    ['decide', 'annotate'],
  ] as const) {
    const counts = new RunCounts()
    const slots = { annotate: 9, decide: 4 }
    for (const stage of order) counts.see({ kind: 'stage-began', stage, slot: slots[stage], note: '' })
    assert.equal(readSample(scrape(counts), 'headrace_lag_slots', { stage: 'decide' }), 5)
    assert.equal(readSample(scrape(counts), 'headrace_lag_bytes', { stage: 'decide' }), undefined)
  }
})

test('probes over the life of a run', () => {
  const began = (['annotate', 'decide', 'shard'] as const).map(
    (stage): RunEvent => ({ kind: 'stage-began', stage, slot: 0, note: '' }),
  )
  const ended = (['annotate', 'decide', 'shard'] as const).map(
    (stage): RunEvent => ({ kind: 'stage-ended', stage, error: null }),
  )
  const failed: RunEvent = {
    kind: 'stage-ended',
    stage: 'decide',
    error: new HeadraceError('disk', '/secret/path is full'),
  }
  const lives: [RunEvent[], boolean, string, string | undefined][] = [
    [[], true, 'starting', 'the lock and the log are not yet taken'],
    [[opened], true, 'starting', 'not yet at work: annotate, decide, shard'],
    [[opened, ...began.slice(0, 2)], true, 'starting', 'not yet at work: shard'],
    [[{ ...opened, stages: ['annotate', 'decide'] }, ...began.slice(0, 2)], true, 'ready', undefined],
    [[opened, ...began], true, 'ready', undefined],
    [[opened, ...began, ...ended.slice(0, 2)], true, 'ready', undefined],
    [[opened, ...began, ...ended], true, 'ended', 'all stages have ended'],
    [[opened, ...began, failed, ...ended], false, 'failed', 'stage decide failed: disk'],
    [[opened, failed], false, 'failed', 'stage decide failed: disk'],
  ]
  for (const [events, isHealthy, status, reason] of lives) {
    const life = new RunStatus()
    for (const event of events) life.see(event)
    const readiness = life.readiness()
    assert.deepEqual([readiness.status, readiness.reason, readiness.isOk], [status, reason, status === 'ready'])
    assert.equal(life.health().isOk, isHealthy)
  }
})
