import { readFeed } from '../../src/feed/read.ts'
import { limits } from '../../src/limits.ts'
import { RunReader } from '../../src/record/run-reader.ts'
import { verifyRun } from '../../src/verify/verify.ts'
import { Random } from '../random.ts'
import { type Case, drawCase } from './case.ts'
import { drawFaults, drawRival, drawUpset, type Fault, type FaultKind, type OperationCounts } from './faults.ts'
import { Machine, SimulationFailure } from './machine.ts'
import { checkSlots, expectRun, type OracleLimits } from './oracle.ts'
import { type ActualRun, readActual, slotsOf } from './oracle-actual.ts'
import { compareRun } from './oracle-compare.ts'
import type { InputFile } from './oracle-slots.ts'
import { buildPipeline, poisonOf } from './pipelines.ts'
import { StuckError } from './scheduler.ts'
import { samplesOf } from './trainer.ts'
import { runFolder } from './world.ts'

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
  readonly failure: { readonly check: string; readonly message: string } | null
}

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
 * an oracle says of the input.
 */
export async function simulate(
  seed: number,
  reduction: Reduction = {},
  onEvent: (nowMs: number, label: string) => void = () => {},
): Promise<Simulated> {
  const full = drawCase(seed)
  const whole = await runUndisturbed(full)
  const drawn = drawAll(full, whole.operations)
  const faults = reduction.faults ? drawn.filter((_, i) => reduction.faults!.includes(i)) : drawn
  const simulated = reduction.lines === undefined ? full : drawCase(seed, reduction.lines)
  const undisturbed = reduction.lines === undefined ? whole : await runUndisturbed(simulated)
  const machine = new Machine(simulated, faults, { usualMs: undisturbed.ms, hasTrainer: true })
  machine.world.scheduler.onEvent = ({ atMs, label }) => onEvent(Math.max(atMs, machine.world.scheduler.nowMs), label)
  let failure: Simulated['failure'] = undisturbed.failure
  let actual: ActualRun | null = null
  try {
    if (!failure) await machine.run()
    if (!failure && !machine.upsets.isLost) actual = await check(simulated, machine, undisturbed.files)
  } catch (error) {
    failure = asFailure(error)
  }
  const { scheduler, counts } = machine.world
  return {
    ...{ seed, faults: drawn, failure, counts },
    lines: simulated.files.reduce((sum, file) => sum + file.lines.length, 0),
    restarts: machine.restarts,
    rows: actual?.fates.length ?? 0,
    steps: actual?.feed?.steps.length ?? 0,
    ...{ events: scheduler.count, trace: scheduler.trace },
  }
}

function drawAll(simulated: Case, usual: OperationCounts): Fault[] {
  const random = new Random(simulated.seed)
  const isLong = simulated.files.some(file => file.isLong)
  const isNested = simulated.pipeline.pattern.includes('*/')
  return [
    ...drawFaults(random.fork('faults'), usual, kindsOf(simulated)),
    ...drawUpset(random.fork('upset'), usual, { isLong, isNested, follow: simulated.follow }),
    ...drawRival(random.fork('rival'), usual),
  ]
}

function kindsOf({ follow }: Case): Fault['kind'][] {
  return allKinds.filter(kind => !(follow && kind === 'drain'))
}

function asFailure(error: unknown): { check: string; message: string } {
  if (error instanceof SimulationFailure) return { check: error.check, message: error.message }
  if (error instanceof StuckError) return { check: 'stuck', message: error.message }
  return { check: 'reading', message: error instanceof Error ? (error.stack ?? error.message) : JSON.stringify(error) }
}

interface Undisturbed {
  readonly operations: OperationCounts
  readonly ms: number
  readonly files: Map<string, Buffer>
  readonly failure: Simulated['failure']
}

async function runUndisturbed(simulated: Case): Promise<Undisturbed> {
  const files = simulated.files.map(file => ({ ...file, comesAt: 0 }))
  const machine = new Machine({ ...simulated, files, follow: false }, [], { usualMs: 0, hasTrainer: false })
  let failure: Simulated['failure'] = null
  try {
    await machine.run()
  } catch (error) {
    failure = asFailure(error)
    failure = { check: `undisturbed ${failure.check}`, message: failure.message }
  }
  const { operations, scheduler } = machine.world
  return { operations, ms: scheduler.nowMs, files: outputOf(machine), failure }
}

/** All bytes of shards and feed. */
function outputOf({ world: { disk } }: Machine): Map<string, Buffer> {
  const names = ['shards', 'feed'].flatMap(part => disk.walk(`${runFolder}/${part}`))
  return new Map(names.map(name => [name, disk.find(name)!.content]))
}

async function check(simulated: Case, machine: Machine, expectedFiles: Map<string, Buffer>): Promise<ActualRun> {
  const actual = await machine.observe(() => readActual(runFolder))
  const { inputs } = machine.upsets
  if (!simulated.isGrowing && inputs.length === 1) checkFiles(expectedFiles, outputOf(machine))
  const read = await findInput(inputs, input => checkByOracle(simulated, input, actual))
  await checkByVerify(machine, read)
  await checkTraining(simulated, machine)
  const isPoison = ({ reason }: { reason: string | null }) => reason === 'took-too-long' || reason === 'crashed-worker'
  machine.world.count('poison-row', actual.fates.filter(isPoison).length)
  return actual
}

function checkFiles(expected: Map<string, Buffer>, actual: Map<string, Buffer>): void {
  for (const name of new Set([...expected.keys(), ...actual.keys()])) {
    const [then, now] = [expected.get(name), actual.get(name)]
    // What a crash left of a file that was never finished.
    if (!then && name.endsWith('.tmp')) continue
    if (!then || !now)
      throw new SimulationFailure('bytes', `${name} is ${then ? 'missing' : 'more than there should be'}`)
    if (!then.equals(now)) throw new SimulationFailure('bytes', `${name} has other bytes than in an undisturbed run`)
  }
}

/** The first of the inputs by which the run is right. Throws what is wrong by the last where it is by none. */
async function findInput(
  inputs: readonly InputFile[][],
  checkBy: (input: readonly InputFile[]) => Promise<void>,
): Promise<readonly InputFile[]> {
  let failure: unknown = null
  for (const input of inputs)
    try {
      await checkBy(input)
      return input
    } catch (error) {
      failure = error
    }
  throw failure
}

async function checkByOracle(simulated: Case, input: readonly InputFile[], actual: ActualRun): Promise<void> {
  const pipeline = buildPipeline(simulated.pipeline, false)
  const oracleLimits = { ...limits, blockSlotsMax: 16_384 } as OracleLimits
  const slots = simulated.isGrowing ? slotsOf(actual) : null
  const met = new Set(slots?.flat().map(({ file }) => file))
  // A file that came when the source had been listed for the last time is not of this run.
  const late = new Set(simulated.files.filter(file => !simulated.follow && file.comesAt > 0).map(({ name }) => name))
  const inputs = input.filter(({ name }) => !late.has(name) || met.has(name))
  const problems = slots ? checkSlots(inputs, pipeline, oracleLimits, slots, true) : []
  if (problems.length) throw new SimulationFailure('slots', problems.slice(0, 3).join('\n'))
  const expected = await expectRun(inputs, pipeline, oracleLimits, { ...(slots ? { slots } : {}), isPoison: poisonOf })
  const differences = compareRun(expected, actual)
  if (differences.length) throw new SimulationFailure('oracle', differences.slice(0, 3).join('\n'))
}

/** What `headrace verify` says of the run: nothing, once its input is what it has read again. */
async function checkByVerify(machine: Machine, read: readonly InputFile[]): Promise<void> {
  const { upsets } = machine
  if (upsets.isOther(read) && !(await verify(machine)).some(({ name }) => name === 'input'))
    throw new SimulationFailure('verify', 'it does not say that a file of the input is another now')
  upsets.restore(read)
  const failed = await verify(machine)
  const problems = failed.flatMap(({ name, problems }) =>
    problems.map(problem => `${name}: ${JSON.stringify(problem)}`),
  )
  if (failed.length) throw new SimulationFailure('verify', problems.slice(0, 3).join('\n'))
}

/** The checks of `headrace verify` that fail. */
async function verify(machine: Machine) {
  const { checks } = await machine.observe(async () => {
    await using run = await RunReader.open(runFolder)
    return verifyRun(run, { steps: 4 })
  })
  return checks.filter(({ failures }) => failures > 0)
}

async function checkTraining(simulated: Case, machine: Machine): Promise<void> {
  if (!simulated.pipeline.feed) return
  const { training } = machine
  const given = [...training.steps.keys()].sort((a, b) => a - b)
  let steps = 0
  const isSame = (a: readonly string[] | undefined, b: readonly string[]) => a?.join() === b.join()
  const all = await machine.observe(async () => {
    const found: string[][] = []
    for await (const batch of readFeed(`${runFolder}/feed`)) found.push(samplesOf(batch))
    return found
  })
  for (const [step, samples] of all.entries()) {
    steps++
    if (!isSame(training.steps.get(step), samples))
      throw new SimulationFailure('trainer', `a trainer was given other samples of step ${step} than the feed has`)
  }
  if (given.length !== steps)
    throw new SimulationFailure('trainer', `a trainer was given ${given.length} of ${steps} steps`)
}
