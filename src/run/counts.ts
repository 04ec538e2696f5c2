import { limits } from '../limits.ts'
import { topics } from './context.ts'
import { type Committed, type RunEvent, type StageName, stageNames } from './events.ts'
import { Lag } from './lag.ts'
import type { DecideTotals, Progress, ShardTotals } from './progress.ts'
import { Histogram, LabelValues } from './prometheus.ts'
import { codeOf } from './status.ts'

/** Seconds: from a commit to a fast disk to one that waits for brokers to come back. */
const commitBounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

/** What is counted of a stage. `slot` and `note` are as it committed them, or as it found them. */
export interface StageCounts {
  slot: number
  note: string
  isRunning: boolean
  commits: number
  aborts: number
  readonly seconds: Histogram
  /** What waits before it. */
  readonly lag: Lag
}

/** The totals in the notes of the three stages' positions. */
export interface Totals {
  readonly annotate?: { readonly readBytes: number }
  readonly decide?: { readonly totals: DecideTotals }
  readonly shard?: { readonly totals: ShardTotals }
}

const progressOf = { annotate: 'annotated', decide: 'decided', shard: 'sharded' } as const
/** Who takes what a stage commits, and the topic of it. */
const followers = {
  annotate: { stage: 'decide', topic: topics.scored },
  decide: { stage: 'shard', topic: topics.kept },
  shard: null,
} as const

/**
 * The counts of a run, for metrics. Rows, bytes and tokens are in the notes of committed positions, so that they never go back, whatever
 * a crash undoes, and go on where the run goes on; a note is parsed when somebody asks. The others count since this process began.
 */
export class RunCounts {
  readonly #progress: Progress
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
  steps: number | null = null
  holds = 0
  releases = 0
  isFenced = false

  constructor(progress: Progress) {
    this.#progress = progress
  }

  see(event: RunEvent): void {
    const at = performance.now()
    if (event.kind === 'committed') this.#count(event, at)
    else if (event.kind === 'loaded') this.#wait('annotate', event.slot + 1, event.bytes, at)
    else if (event.kind === 'stage-began') this.#begin(event, at)
    else if (event.kind === 'stage-ended') this.#end(event)
    else if (event.kind === 'commit-failed') this.#fail(event)
    else if (event.kind === 'worker-lost') add(this.restarts, event.reason, 1)
    else if (event.kind === 'held') this.holds++
    else if (event.kind === 'steps') this.steps = event.steps
    else this.log = event.log
  }

  get inputBytes(): number {
    return this.#progress.inputBytes
  }

  /** The slots that a stage is done with. Shards are sealed long after the rows of their slots were taken. */
  passed(stage: StageName): number {
    return Math.max(this.stages.get(stage)?.slot ?? 0, this.#progress[progressOf[stage]])
  }

  totals(): Totals {
    const parse = (stage: StageName) => {
      const note = this.stages.get(stage)?.note
      return note ? { [stage]: JSON.parse(note) } : {}
    }
    return { ...parse('annotate'), ...parse('decide'), ...parse('shard') }
  }

  #begin({ stage, slot, note }: RunEvent & { kind: 'stage-began' }, at: number): void {
    const seconds = new Histogram(commitBounds)
    this.stages.set(stage, { slot, note, isRunning: true, commits: 0, aborts: 0, seconds, lag: new Lag() })
    // What was committed before: how many slots is known, and not their bytes.
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
    if (codeOf(error) === 'fenced') this.isFenced = true
  }

  #fail({ stage, error }: RunEvent & { kind: 'commit-failed' }): void {
    if (codeOf(error) === 'fenced') this.isFenced = true
    else this.stages.get(stage)!.aborts++
  }

  #count({ stage, slot, note, seconds, appends, dead }: Committed, at: number): void {
    const counts = this.stages.get(stage)!
    Object.assign(counts, { slot, note, commits: counts.commits + 1 })
    counts.seconds.observe(seconds)
    for (const [reason, rows] of this.#deadReasons.group(dead)) add(this.dead, reason, rows)
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
