import { codeOf } from '../errors.ts'
import { limits } from '../limits.ts'
import { countDead } from '../record/dead-records.ts'
import { type StageName, stageNames, topics } from '../record/layout.ts'
import { readDecideNote, readLoadNote, readShardNote } from '../record/notes.ts'
import type { DecideTotals, ShardTotals } from '../record/totals.ts'
import type { Committed, RunEvent } from '../run/events.ts'
import { Lag } from './lag.ts'
import { Histogram, LabelValues } from './prometheus.ts'

/** Seconds: from a commit to a fast disk to one that waits for brokers to come back. */
const commitBounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

/** What is counted of a stage. `slot` and `note` are of its last commit, also one before this process began. */
export class StageCounts {
  slot = 0
  note = ''
  isRunning = false
  commits = 0
  aborts = 0
  readonly seconds = new Histogram(commitBounds)
  /** What waits before it. */
  readonly lag = new Lag()
}

/** Who takes what a stage commits, and the topic of it. */
const followers = {
  load: { stage: 'annotate', topic: topics.raw },
  annotate: { stage: 'decide', topic: topics.scored },
  decide: { stage: 'shard', topic: topics.kept },
  shard: null,
} as const

/**
 * The counts of a run, for metrics. Rows, bytes and tokens come from the notes of committed positions, so a crash takes none of them back.
 * All others count since this process began.
 */
export class RunCounts {
  /** Stages by name, once they have begun. */
  readonly stages = new Map<StageName, StageCounts>()
  readonly dropReasons = new LabelValues(limits.metricLabelsMax)
  readonly #deadReasons = new LabelValues(limits.metricLabelsMax)
  readonly dead = new Map<string, number>()
  readonly restarts = new Map<string, number>([
    ['took-too-long', 0],
    ['crashed-worker', 0],
  ])
  log = ''
  inputBytes = 0
  steps: number | null = null
  holds = 0
  releases = 0
  /** Followed files that changed after they were listed. */
  changedSplits = 0
  /** Bytes of memory that the deciders' tables take; null while it is not known. */
  tableBytes: number | null = null
  /** How often another process took over what this one did. */
  fenced = 0
  /** The stage whose notes count what was read. */
  #loader: 'annotate' | 'load' = 'annotate'
  /** The slots whose rows are in shards, sealed or open. */
  #sharded = 0
  /** In a spread run, what waits before each stage of the whole run. */
  #run: Map<StageName, { readonly lag: Lag; passed: number }> | null = null

  see(event: RunEvent): void {
    const at = performance.now()
    if (event.kind === 'committed') this.#count(event, at)
    else if (event.kind === 'loaded') this.#wait('annotate', event.slot + 1, event.bytes, at)
    else if (event.kind === 'stage-began') this.#begin(event, at)
    else if (event.kind === 'stage-ended') this.#end(event)
    else if (event.kind === 'commit-failed') this.#fail(event)
    else if (event.kind === 'worker-lost') add(this.restarts, event.reason, 1)
    else if (event.kind === 'held') this.holds++
    else if (event.kind === 'split-changed') this.changedSplits++
    else if (event.kind === 'steps') this.steps = event.steps
    else if (event.kind === 'tables') this.tableBytes = event.bytes
    else if (event.kind === 'sharded') this.#sharded = event.slot
    else if (event.kind === 'input') this.inputBytes = event.bytes
    else if (event.kind === 'positions') this.#lookAtAll(event.slots, at)
    else if (event.kind === 'shares') this.#share(event)
    else if (event.kind === 'opened') this.log = event.log
  }

  /** The slots that a stage is done with. Shards are sealed long after the rows of their slots were taken. */
  passed(stage: StageName): number {
    return Math.max(this.stages.get(stage)?.slot ?? 0, stage === 'shard' ? this.#sharded : 0)
  }

  /** What waits before each stage: in a spread run before those of the whole run, whoever works on them. */
  lags(at: number): [StageName, ReturnType<Lag['read']>][] {
    if (this.#run) return Array.from(this.#run, ([stage, { lag, passed }]) => [stage, lag.read(at, passed)])
    return Array.from(this.stages, ([stage, { lag }]) => [stage, lag.read(at, this.passed(stage))])
  }

  /** Bytes of input in committed slots; null while it is not known. */
  readBytes(): number | null {
    const loader = this.stages.get(this.#loader)
    return loader ? readLoadNote(loader).readBytes : null
  }

  /** What was decided, as committed; null while it is not known. */
  decided(): DecideTotals | null {
    const found = this.stages.get('decide')
    return found ? readDecideNote(found).totals : null
  }

  /** What is in sealed shards, and the slots that are not; null while it is not known. */
  sealed(): (ShardTotals & { readonly unsealed: number }) | null {
    const found = this.stages.get('shard')
    return found ? { ...readShardNote(found).totals, unsealed: this.passed('shard') - found.slot } : null
  }

  #begin({ stage, slot, note }: RunEvent & { kind: 'stage-began' }, at: number): void {
    Object.assign(this.#stage(stage), { slot, note, isRunning: true })
    // Of slots that were committed before this process began the number is known, and not the bytes.
    for (const other of stageNames) {
      const follower = followers[other]
      const upstream = this.stages.get(other)
      if (follower && upstream && (other === stage || follower.stage === stage))
        this.#wait(follower.stage, upstream.slot, Number.NaN, at)
    }
  }

  #end({ stage, error }: RunEvent & { kind: 'stage-ended' }): void {
    const counts = this.stages.get(stage)
    if (counts) counts.isRunning = false
    // What the lock refuses is no commit.
    if (codeOf(error) === 'fenced') this.fenced ||= 1
  }

  #fail({ stage, error }: RunEvent & { kind: 'commit-failed' }): void {
    if (codeOf(error) === 'fenced') this.fenced++
    else this.#stage(stage).aborts++
  }

  #stage(stage: StageName): StageCounts {
    const counts = this.stages.get(stage) ?? new StageCounts()
    this.stages.set(stage, counts)
    return counts
  }

  #share({ shares }: RunEvent & { kind: 'shares' }): void {
    this.#loader = 'load'
    const held = new Set(shares.map(({ stage }) => stage as StageName))
    for (const stage of new Set([...held, ...this.stages.keys()])) this.#stage(stage).isRunning = held.has(stage)
  }

  #lookAtAll(slots: Readonly<Partial<Record<StageName, number>>>, at: number): void {
    this.#run ??= new Map()
    for (const [stage, slot] of Object.entries(slots) as [StageName, number][]) {
      const follower = followers[stage]?.stage
      const passed = follower && slots[follower]
      if (follower === undefined || passed === undefined) continue
      const run = this.#run.get(follower) ?? { lag: new Lag(), passed: 0 }
      run.passed = passed
      run.lag.add(slot, Number.NaN, at, passed)
      this.#run.set(follower, run)
    }
  }

  #count({ stage, slot, note, seconds, appends }: Committed, at: number): void {
    const counts = this.#stage(stage)
    Object.assign(counts, { slot, note, commits: counts.commits + 1 })
    counts.seconds.observe(seconds)
    for (const [reason, rows] of this.#deadReasons.group(countDead(appends))) add(this.dead, reason, rows)
    this.releases += appends.filter(({ topic }) => topic === topics.choices).length
    const follower = followers[stage]
    if (!follower) return
    for (const { topic, headers, value } of appends)
      if (topic === follower.topic && headers.end !== '1')
        this.#wait(follower.stage, Number(headers.slot) + 1, value.length, at)
    this.#wait(follower.stage, slot, 0, at)
  }

  #wait(stage: StageName, to: number, bytes: number, at: number): void {
    this.stages.get(stage)?.lag.add(to, bytes, at, this.passed(stage))
  }
}

function add(counts: Map<string, number>, name: string, amount: number): void {
  counts.set(name, (counts.get(name) ?? 0) + amount)
}
