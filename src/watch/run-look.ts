import type { RunBytes, RunState } from '../inspect/runs.ts'
import type { Hold } from '../record/hold.ts'
import type { StageName } from '../record/layout.ts'
import type { DecideTotals } from '../record/totals.ts'

/** Slots that a stage is done with, those that wait before it, and since when; null where that can't be known from outside. */
export interface StageLook {
  readonly slot: number
  readonly lag: number | null
  readonly waitSeconds?: number | null
}

/** The trainer that is behind all others that report. */
export interface SlowestTrainer {
  readonly trainer: string
  /** The last step that it has consumed, or null. */
  readonly consumed: number | null
  readonly behind: number
  readonly trainers: number
}

/**
 * `quiet`: of a run that is spread over processes, whom no lock names: whether it goes on, only what it commits says. `gone`: the server
 * that answered before does not.
 */
export type LookState = Extract<RunState, 'running' | 'held' | 'ended' | 'stopped'> | 'quiet' | 'gone'

/** What can be seen of a run at one moment. What is not known from where it was looked at is null. */
export interface RunLook {
  /** Milliseconds of a clock that never goes back. */
  readonly at: number
  readonly run: string
  readonly state: LookState
  /** Why it is so, where somebody said; in words, not cleaned. */
  readonly why: string | null
  /** For how long its process is at work. */
  readonly seconds: number | null
  /** In the order of the stages. `sealed`: slots of which all is in sealed shards, where it is not known how far sharding is. */
  readonly stages: readonly (StageLook & { readonly stage: StageName | 'sealed' })[]
  readonly readBytes: number | null
  readonly inputBytes: number | null
  readonly documents: number | null
  readonly kept: number
  readonly dead: number
  readonly dropped: Readonly<Record<string, number>>
  readonly byDomain: DecideTotals['byDomain'] | null
  readonly tokens: number | null
  readonly steps: number | null
  readonly slowest: SlowestTrainer | null
  readonly hold: Hold | null
  readonly bytes: RunBytes | null
  readonly freeBytes: number | null
  readonly memoryBytes: number | null
  readonly cpuSeconds: number | null
  /** Memory that the deciders' tables take. */
  readonly tableBytes: number | null
  /** The first slot that is kept whole; 0 where none was trimmed. */
  readonly first: number
}

/** A look at a run's log with what the status server of its process says beside: memory, lag of every stage, bytes of input in all. */
export function joinLooks(log: RunLook, server: RunLook): RunLook {
  const { memoryBytes, cpuSeconds, inputBytes, tableBytes } = server
  const stages = server.state === 'gone' || server.stages.length === 0 ? log.stages : server.stages
  return { ...log, stages, inputBytes, memoryBytes, cpuSeconds, tableBytes }
}
