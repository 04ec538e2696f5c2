import { crc32 } from 'node:zlib'
import { Random } from '../random.ts'
import { type Case, drawCase } from './case.ts'
import { checkRun } from './checks.ts'
import { Desk } from './desk.ts'
import {
  drawCommandFaults,
  drawFaults,
  drawRival,
  drawUpset,
  type Fault,
  type FaultKind,
  type OperationCounts,
} from './faults.ts'
import { FeedChange } from './feed-changes.ts'
import { Machine } from './machine.ts'
import type { ActualRun } from './oracle-actual.ts'
import { replay } from './replay.ts'
import { asFailure, type Failure, runUndisturbed } from './undisturbed.ts'

/** What a seed is reduced to: faults by their number in the list drawn for it, and the first lines of its input. */
export interface Reduction {
  readonly faults?: readonly number[]
  readonly lines?: number
}

export interface Simulated {
  readonly seed: number
  readonly faults: readonly Fault[]
  /** Lines of input. */
  readonly lines: number
  readonly restarts: number
  readonly rows: number
  readonly steps: number
  readonly events: number
  readonly counts: Partial<Record<FaultKind, number>>
  /** CRC-32 over all operations, in order. */
  readonly trace: number
  readonly failure: Failure | null
}

/** Told of each operation: the simulated time, and what it is. */
type OnEvent = (nowMs: number, label: string) => void

const allKinds: readonly Fault['kind'][] = [
  ...([
    'kill',
    'power',
    'drain',
    'error',
    'short',
    'slow',
    'stop',
    'hang-worker',
    'kill-worker',
    'kill-reader',
  ] as const),
]

/**
 * Simulates one seed: an undisturbed run of its case, then a run with faults, and compares what that wrote with the first and with what
 * an oracle says of the input. What is done with that run afterwards, in some seeds, is done under faults and compared likewise.
 */
export async function simulate(
  seed: number,
  reduction: Reduction = {},
  onEvent: OnEvent = () => {},
): Promise<Simulated> {
  const full = drawCase(seed)
  const whole = await runUndisturbed(full)
  const drawn = drawAll(full, whole.operations)
  const chosen = choose(drawn, reduction.faults)
  const simulated = reduction.lines === undefined ? full : drawCase(seed, reduction.lines)
  const undisturbed = reduction.lines === undefined ? whole : await runUndisturbed(simulated)
  const machines: Watched[] = []
  let changed = 0
  const runs: ActualRun[] = []
  let failure: Failure | null = undisturbed.failure
  try {
    if (!failure) await runAll()
  } catch (error) {
    failure = asFailure(error)
  }
  return {
    ...{ seed, faults: Object.values(drawn).flat(), failure },
    lines: simulated.files.reduce((sum, file) => sum + file.lines.length, 0),
    rows: runs.reduce((sum, run) => sum + run.fates.length, 0),
    steps: runs.reduce((sum, run) => sum + (run.feed?.steps.length ?? 0), changed),
    ...totalOf(machines),
  }

  async function runAll(): Promise<void> {
    const machine = new Machine(simulated, chosen.run, { usualMs: undisturbed.ms, hasTrainer: true })
    watch(machine)
    await machine.run()
    if (machine.upsets.isLost) return
    const files = simulated.isGrowing ? null : undisturbed.files
    const found = await checkRun({ simulated, machine, inputs: machine.upsets.inputs, files })
    runs.push(found.actual)
    if (!simulated.afterwards) return
    const replayed = await replay({ simulated, machine, found }, chosen.replay, watch)
    if (replayed) runs.push(replayed.found.actual)
    if (!found.expected.feed?.steps.length) return
    const random = new Random(seed).fork('desk')
    const desk = new Desk(random, chosen.change, machines.at(-1)!.world)
    watch(desk)
    changed = await new FeedChange({ simulated, machine, found }, replayed, desk).make(simulated.afterwards.feed)
  }

  function watch(machine: Watched): void {
    machines.push(machine)
    const { scheduler } = machine.world
    scheduler.onEvent = ({ atMs, label }) => onEvent(Math.max(atMs, scheduler.nowMs), label)
  }
}

/** Where something was simulated. */
type Watched = Pick<Machine, 'world' | 'restarts'>

function totalOf(machines: readonly Watched[]): Pick<Simulated, 'restarts' | 'events' | 'counts' | 'trace'> {
  const counts: Partial<Record<FaultKind, number>> = {}
  for (const { world } of machines)
    for (const [kind, count] of Object.entries(world.counts) as [FaultKind, number][])
      counts[kind] = (counts[kind] ?? 0) + count
  const [first, ...later] = machines.map(({ world }) => world.scheduler.trace)
  return {
    restarts: machines.reduce((sum, { restarts }) => sum + restarts, 0),
    events: machines.reduce((sum, { world }) => sum + world.scheduler.count, 0),
    counts,
    trace: later.reduce((trace, next) => crc32(String(next), trace), first ?? 0),
  }
}

/** The faults of a seed, by what they strike. */
type FaultsOf = Readonly<Record<'run' | 'replay' | 'change', readonly Fault[]>>

function drawAll(simulated: Case, usual: OperationCounts): FaultsOf {
  const random = new Random(simulated.seed)
  const isLong = simulated.files.some(file => file.isLong)
  const isNested = simulated.pipeline.pattern.includes('*/')
  const run = [
    ...drawFaults(random.fork('faults'), usual, kindsOf(simulated)),
    ...drawUpset(random.fork('upset'), usual, { isLong, isNested, follow: simulated.follow }),
    ...drawRival(random.fork('rival'), usual),
  ]
  if (!simulated.afterwards) return { run, replay: [], change: [] }
  const again = random.fork('replay')

  return {
    run,
    replay: [...drawFaults(again.fork('faults'), usual, allKinds), ...drawRival(again.fork('rival'), usual)],
    change: drawCommandFaults(random.fork('change')),
  }
}

/** Those of these numbers, counted through the lists. */
function choose(drawn: FaultsOf, numbers: readonly number[] | undefined): FaultsOf {
  if (!numbers) return drawn
  let at = 0
  const keep = () => numbers.includes(at++)
  return { run: drawn.run.filter(keep), replay: drawn.replay.filter(keep), change: drawn.change.filter(keep) }
}

function kindsOf({ follow }: Case): Fault['kind'][] {
  return allKinds.filter(kind => !(follow && kind === 'drain'))
}
