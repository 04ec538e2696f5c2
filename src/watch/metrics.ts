import process from 'node:process'
import type { RunCounts, StageCounts, Totals } from './counts.ts'
import type { Family, Sample } from './prometheus.ts'

/**
 * The metrics of a run. One without a value is left out: before a stage has found its committed position, its totals are not known, and 0
 * would look like a counter that was reset. `info`: labels of `headrace_run_info`.
 */
export function metricsOf(counts: RunCounts, info: Readonly<Record<string, string>>): Family[] {
  const totals = counts.totals()
  return [
    gauge(
      'headrace_run_info',
      'What runs; the value is 1.',
      counts.log ? [sample(1, { ...info, log: counts.log })] : [],
    ),
    ...rowFamilies(counts, totals),
    ...outputFamilies(counts, totals),
    ...stageFamilies(counts),
    ...lagFamilies(counts),
    ...troubleFamilies(counts),
    ...processFamilies(),
  ]
}

function rowFamilies(counts: RunCounts, { decide }: Totals): Family[] {
  const { kept = 0, dead = 0, dropped: byReason = {} } = decide?.totals ?? {}
  const dropped = Object.values(byReason).reduce((a, b) => a + b, 0)
  const fates = by('fate', Object.entries({ kept, dropped, dead }))
  const known = counts.stages.has('decide') ? fates : []
  const reasons = by('reason', counts.dropReasons.group(byReason))
  return [
    counter('headrace_rows_total', 'Records by what became of them, as committed since the run began.', known),
    counter('headrace_dropped_rows_total', 'Dropped records, as committed since the run began.', reasons),
    counter('headrace_dead_rows_total', 'Dead records, since this process began.', by('reason', counts.dead)),
  ]
}

function outputFamilies(counts: RunCounts, { load, annotate, shard }: Totals): Family[] {
  const { stages, inputBytes, steps } = counts
  const loaded = stages.has(counts.loader) ? [sample((load ?? annotate)?.readBytes ?? 0)] : []
  const sealed = (value: number) => (stages.has('shard') ? [sample(value)] : [])
  const { tokens = 0, shards = 0 } = shard?.totals ?? {}
  const unsealed = counts.passed('shard') - (stages.get('shard')?.slot ?? 0)
  return [
    counter('headrace_read_bytes_total', 'Bytes of input in committed slots, since the run began.', loaded),
    gauge('headrace_input_bytes', 'Bytes of input in all, where known.', inputBytes ? [sample(inputBytes)] : []),
    counter('headrace_tokens_total', 'Tokens up to the last sealed shard, since the run began.', sealed(tokens)),
    counter('headrace_shards_total', 'Sealed shards, since the run began.', sealed(shards)),
    gauge('headrace_unsealed_slots', 'Slots in open shards, which a restart reads again.', sealed(unsealed)),
    counter('headrace_steps_total', 'Published steps, since the run began.', steps === null ? [] : [sample(steps)]),
  ]
}

function stageFamilies({ stages }: RunCounts): Family[] {
  const each = (value: (counts: StageCounts) => number) =>
    by(
      'stage',
      [...stages].map(([stage, counts]) => [stage, value(counts)] as const),
    )
  const seconds = [...stages].flatMap(([stage, counts]) => counts.seconds.samples({ stage }))
  const running = each(({ isRunning }) => Number(isRunning))
  const aborts = each(one => one.aborts)
  return [
    gauge('headrace_stage_running', 'Whether a stage is at work.', running),
    counter(
      'headrace_slots_total',
      'Committed slots, since the run began.',
      each(one => one.slot),
    ),
    counter(
      'headrace_commits_total',
      'Commits, since this process began.',
      each(one => one.commits),
    ),
    counter('headrace_aborts_total', 'Commits that failed, since this process began.', aborts),
    { name: 'headrace_commit_seconds', type: 'histogram', help: 'From a commit until it lasts.', samples: seconds },
  ]
}

function lagFamilies(counts: RunCounts): Family[] {
  const lags = counts.lags(performance.now())
  const each = (name: 'slots' | 'bytes' | 'seconds') =>
    by(
      'stage',
      lags.filter(lag => !Number.isNaN(lag[name])).map(lag => [lag.stage, lag[name]] as const),
    )
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

function by(label: string, counts: Iterable<readonly [string, number]>): Sample[] {
  return Array.from(counts, ([name, count]) => sample(count, { [label]: name }))
}

function counter(name: string, help: string, samples: readonly Sample[]): Family {
  return { name, type: 'counter', help, samples }
}

function gauge(name: string, help: string, samples: readonly Sample[]): Family {
  return { name, type: 'gauge', help, samples }
}
