import process from 'node:process'
import { limits } from '../limits.ts'
import type { RunCounts } from './counts.ts'
import type { Family, Sample } from './prometheus.ts'

/**
 * The metrics of a run; `info` are the labels of `headrace_run_info`. A stage's totals are left out until it has found its committed
 * position: 0 would look like a counter that was reset.
 */
export function metricsOf(counts: RunCounts, info: Readonly<Record<string, string>>): Family[] {
  const about = counts.log ? [{ labels: { ...info, log: counts.log }, value: 1 }] : []
  const read = only(counts.readBytes())
  const sealed = counts.sealed()
  const decided = counts.decided()
  const drops = Object.entries(decided?.dropped ?? {})
  const dropped = drops.reduce((sum, [, rows]) => sum + rows, 0)
  const fates = by('fate', decided ? Object.entries({ kept: decided.kept, dropped, dead: decided.dead }) : [])
  const repairs = by('fault', Object.entries(decided?.repairs ?? {}))
  const reasons = by('reason', counts.dropReasons.group(drops))
  const stage = (name: 'isRunning' | 'slot' | 'commits' | 'aborts') =>
    by('stage', counts.stages, one => Number(one[name]))
  const seconds = [...counts.stages].flatMap(([name, one]) => one.seconds.samples({ stage: name }))
  const lags = counts.lags(performance.now())
  const lag = (name: 'slots' | 'bytes' | 'seconds') => by('stage', lags, one => one[name])
  const { user, system } = process.cpuUsage()
  const began = Math.round(performance.timeOrigin) / 1000
  return [
    gauge('headrace_run_info', 'What runs; the value is 1.', about),
    counter('headrace_rows_total', 'Records by what became of them, as committed since the run began.', fates),
    counter('headrace_dropped_rows_total', 'Dropped records, as committed since the run began.', reasons),
    counter('headrace_repaired_rows_total', 'Documents with a fault that was repaired, since the run began.', repairs),
    counter('headrace_dead_rows_total', 'Dead records, since this process began.', by('reason', counts.dead)),
    counter('headrace_read_bytes_total', 'Bytes of input in committed slots, since the run began.', read),
    gauge(
      'headrace_input_bytes',
      'Bytes of input in all, where known; of very many files about so many.',
      only(counts.inputBytes || null),
    ),
    counter('headrace_tokens_total', 'Tokens up to the last sealed shard, since the run began.', only(sealed?.tokens)),
    counter('headrace_shards_total', 'Sealed shards, since the run began.', only(sealed?.shards)),
    gauge('headrace_unsealed_slots', 'Slots in open shards, which a restart reads again.', only(sealed?.unsealed)),
    counter('headrace_steps_total', 'Published steps, since the run began.', only(counts.steps)),
    gauge('headrace_stage_running', 'Whether a stage is at work.', stage('isRunning')),
    counter('headrace_slots_total', 'Committed slots, since the run began.', stage('slot')),
    counter('headrace_commits_total', 'Commits, since this process began.', stage('commits')),
    counter('headrace_aborts_total', 'Commits that failed, since this process began.', stage('aborts')),
    { name: 'headrace_commit_seconds', type: 'histogram', help: 'From a commit until it lasts.', samples: seconds },
    gauge('headrace_lag_slots', 'Slots that wait before a stage.', lag('slots')),
    gauge('headrace_lag_bytes', 'Bytes of these slots, where known.', lag('bytes')),
    gauge('headrace_lag_seconds', 'How long the oldest of them waits, as this process saw it.', lag('seconds')),
    counter(
      'headrace_changed_files_total',
      'Changes of followed files after they were listed, since this process began.',
      only(counts.changedSplits),
    ),
    counter('headrace_fenced_total', 'Commits refused, as another process took over.', only(counts.fenced)),
    counter('headrace_guard_holds_total', 'Slots held by a guard rail, since this process began.', only(counts.holds)),
    counter('headrace_guard_releases_total', 'Groups let pass, since this process began.', only(counts.releases)),
    counter('headrace_worker_restarts_total', 'Workers that hung or died.', by('reason', counts.restarts)),
    gauge('headrace_table_bytes', "Memory that the deciders' tables take.", only(counts.tableBytes)),
    gauge('headrace_table_bytes_max', 'Memory that they may take.', only(counts.tableBytes && limits.stateBytesMax)),
    gauge('process_resident_memory_bytes', 'Resident memory.', only(process.memoryUsage.rss())),
    counter('process_cpu_seconds_total', 'CPU time of all threads.', only((user + system) / 1e6)),
    gauge('process_start_time_seconds', 'When the process began, since 1970.', only(began)),
  ]
}

/** A value without labels; none where it is not known. */
function only(value: number | null | undefined): Sample[] {
  return value === null || value === undefined ? [] : [{ labels: {}, value }]
}

/** Values by the name that each has as `label`; NaN is left out. */
function by<T>(label: string, values: Iterable<readonly [string, T]>, read: (value: T) => number = Number): Sample[] {
  const samples = Array.from(values, ([name, value]) => ({ labels: { [label]: name }, value: read(value) }))
  return samples.filter(({ value }) => !Number.isNaN(value))
}

function counter(name: string, help: string, samples: readonly Sample[]): Family {
  return { name, type: 'counter', help, samples }
}

function gauge(name: string, help: string, samples: readonly Sample[]): Family {
  return { name, type: 'gauge', help, samples }
}
