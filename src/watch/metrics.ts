import process from 'node:process'
import type { RunCounts, StageCounts } from './counts.ts'
import type { Family, Sample } from './prometheus.ts'

/**
 * The metrics of a run. One without a value is left out: before a stage has found its committed position, its totals are not known, and 0
 * would look like a counter that was reset. `info`: labels of `headrace_run_info`.
 */
export function metricsOf(counts: RunCounts, info: Readonly<Record<string, string>>): Family[] {
  const about = counts.log ? [sample(1, { ...info, log: counts.log })] : []
  return [
    gauge('headrace_run_info', 'What runs; the value is 1.', about),
    ...rowFamilies(counts),
    ...outputFamilies(counts),
    ...stageFamilies(counts),
    ...lagFamilies(counts),
    ...troubleFamilies(counts),
    ...processFamilies(),
  ]
}

function rowFamilies(counts: RunCounts): Family[] {
  const { kept = 0, dead = 0, dropped: byReason = {} } = counts.decided() ?? {}
  const dropped = Object.values(byReason).reduce((a, b) => a + b, 0)
  const fates = counts.stages.has('decide') ? by('fate', { kept, dropped, dead }) : []
  const reasons = by('reason', counts.dropReasons.group(Object.entries(byReason)))
  return [
    counter('headrace_rows_total', 'Records by what became of them, as committed since the run began.', fates),
    counter('headrace_dropped_rows_total', 'Dropped records, as committed since the run began.', reasons),
    counter('headrace_dead_rows_total', 'Dead records, since this process began.', by('reason', counts.dead)),
  ]
}

function outputFamilies(counts: RunCounts): Family[] {
  const { inputBytes, steps } = counts
  const sealed = counts.sealed()
  const of = (value: number | null | undefined) => (value === null || value === undefined ? [] : [sample(value)])
  return [
    counter(
      'headrace_read_bytes_total',
      'Bytes of input in committed slots, since the run began.',
      of(counts.readBytes()),
    ),
    gauge('headrace_input_bytes', 'Bytes of input in all, where known.', of(inputBytes || null)),
    counter('headrace_tokens_total', 'Tokens up to the last sealed shard, since the run began.', of(sealed?.tokens)),
    counter('headrace_shards_total', 'Sealed shards, since the run began.', of(sealed?.shards)),
    gauge('headrace_unsealed_slots', 'Slots in open shards, which a restart reads again.', of(sealed?.unsealed)),
    counter('headrace_steps_total', 'Published steps, since the run began.', of(steps)),
  ]
}

function stageFamilies({ stages }: RunCounts): Family[] {
  const each = (read: (counts: StageCounts) => number) =>
    Array.from(stages, ([stage, counts]) => sample(read(counts), { stage }))
  const running = each(one => Number(one.isRunning))
  const slots = each(one => one.slot)
  const commits = each(one => one.commits)
  const aborts = each(one => one.aborts)
  const seconds = [...stages].flatMap(([stage, counts]) => counts.seconds.samples({ stage }))
  return [
    gauge('headrace_stage_running', 'Whether a stage is at work.', running),
    counter('headrace_slots_total', 'Committed slots, since the run began.', slots),
    counter('headrace_commits_total', 'Commits, since this process began.', commits),
    counter('headrace_aborts_total', 'Commits that failed, since this process began.', aborts),
    { name: 'headrace_commit_seconds', type: 'histogram', help: 'From a commit until it lasts.', samples: seconds },
  ]
}

function lagFamilies(counts: RunCounts): Family[] {
  const lags = counts.lags(performance.now())
  const each = (name: 'slots' | 'bytes' | 'seconds') =>
    lags.filter(lag => !Number.isNaN(lag[name])).map(lag => sample(lag[name], { stage: lag.stage }))
  return [
    gauge('headrace_lag_slots', 'Slots that wait before a stage.', each('slots')),
    gauge('headrace_lag_bytes', 'Bytes of these slots, where known.', each('bytes')),
    gauge('headrace_lag_seconds', 'How long the oldest of them waits, as this process saw it.', each('seconds')),
  ]
}

function troubleFamilies({ fenced, holds, releases, restarts }: RunCounts): Family[] {
  return [
    counter('headrace_fenced_total', 'Commits refused, as another process took over.', [sample(fenced)]),
    counter('headrace_guard_holds_total', 'Slots held by a guard rail, since this process began.', [sample(holds)]),
    counter('headrace_guard_releases_total', 'Groups let pass, since this process began.', [sample(releases)]),
    counter('headrace_worker_restarts_total', 'Workers that hung or died.', by('reason', restarts)),
  ]
}

function processFamilies(): Family[] {
  const { user, system } = process.cpuUsage()
  const began = Math.round(performance.timeOrigin) / 1000
  return [
    gauge('process_resident_memory_bytes', 'Resident memory.', [sample(process.memoryUsage.rss())]),
    counter('process_cpu_seconds_total', 'CPU time of all threads.', [sample((user + system) / 1e6)]),
    gauge('process_start_time_seconds', 'When the process began, since 1970.', [sample(began)]),
  ]
}

function sample(value: number, labels: Sample['labels'] = {}): Sample {
  return { labels, value }
}

function by(label: string, counts: ReadonlyMap<string, number> | Readonly<Record<string, number>>): Sample[] {
  const entries = counts instanceof Map ? counts : Object.entries(counts)
  return Array.from(entries, ([name, count]) => sample(count, { [label]: name }))
}

function counter(name: string, help: string, samples: readonly Sample[]): Family {
  return { name, type: 'counter', help, samples }
}

function gauge(name: string, help: string, samples: readonly Sample[]): Family {
  return { name, type: 'gauge', help, samples }
}
