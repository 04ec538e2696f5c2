import { HeadraceError } from '../errors.ts'
import { emptyCounts } from '../record/totals.ts'
import type { Metric } from './read-metrics.ts'
import type { RunLook, StageLook } from './run-look.ts'

/** A look at a run by the metrics and the readiness that its process tells. Throws 'not-found' where they are no run's. */
export function lookOf(metrics: readonly Metric[], readiness: ReturnType<typeof stateOf>, host: string): RunLook {
  const one = (name: string) => metrics.find(metric => metric.name === name)?.value ?? null
  const by = (name: string, label: string) =>
    metrics.flatMap(metric => (metric.name === name ? [[metric.labels[label] ?? '', metric.value] as const] : []))
  const info = metrics.find(({ name }) => name === 'headrace_run_info')
  if (!info && !metrics.some(({ name }) => name.startsWith('headrace_')))
    throw new HeadraceError('not-found', `http://${host}/metrics has no metrics of a run`)
  const fates = new Map(by('headrace_rows_total', 'fate'))
  const began = one('process_start_time_seconds')
  const dropped = emptyCounts<number>()
  for (const [reason, count] of by('headrace_dropped_rows_total', 'reason')) dropped[reason] = count
  return {
    at: performance.now(),
    run: info?.labels.run ?? host,
    ...readiness,
    seconds: began === null ? null : Math.max(0, Date.now() / 1000 - began),
    stages: stagesOf(by, one),
    readBytes: one('headrace_read_bytes_total'),
    inputBytes: one('headrace_input_bytes'),
    documents: fates.size > 0 ? fates.values().reduce((sum, count) => sum + count, 0) : null,
    kept: fates.get('kept') ?? 0,
    dead: fates.get('dead') ?? 0,
    dropped,
    byDomain: null,
    tokens: one('headrace_tokens_total'),
    steps: one('headrace_steps_total'),
    slowest: null,
    hold: null,
    bytes: null,
    freeBytes: null,
    first: 0,
    memoryBytes: one('process_resident_memory_bytes'),
    cpuSeconds: one('process_cpu_seconds_total'),
    tableBytes: one('headrace_table_bytes'),
  }
}

const stageOrder = ['load', 'annotate', 'decide', 'shard'] as const

function stagesOf(
  by: (name: string, label: string) => (readonly [string, number])[],
  one: (name: string) => number | null,
): RunLook['stages'] {
  const [slots, lags, waits] = ['headrace_slots_total', 'headrace_lag_slots', 'headrace_lag_seconds'].map(
    name => new Map(by(name, 'stage')),
  )
  return stageOrder.flatMap(stage => {
    const slot = slots.get(stage)
    if (slot === undefined) return []
    // What is in open shards is done, too; it is not committed.
    const open = stage === 'shard' ? (one('headrace_unsealed_slots') ?? 0) : 0
    // Nothing is before the stage that loads.
    const waiting: StageLook = {
      slot: slot + open,
      lag: stage === 'load' ? null : (lags.get(stage) ?? null),
      waitSeconds: stage === 'load' ? null : (waits.get(stage) ?? null),
    }
    return [{ stage, ...waiting }]
  })
}

/** How a run is by what `/readyz` tells; null where that was no JSON. */
export function stateOf(told: { status?: unknown; reason?: unknown } | null): Pick<RunLook, 'state' | 'why'> {
  const why = typeof told?.reason === 'string' ? told.reason : null
  if (told?.status === 'ended') return { state: 'ended', why: null }
  return { state: told?.status === 'failed' ? 'stopped' : 'running', why }
}
