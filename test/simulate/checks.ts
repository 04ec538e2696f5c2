import { join } from 'node:path'
import { readFeed } from '../../src/feed/read.ts'
import { limits } from '../../src/limits.ts'
import { RunReader } from '../../src/record/run-reader.ts'
import { verifyRun } from '../../src/verify/verify.ts'
import type { Case } from './case.ts'
import { type Machine, SimulationFailure } from './machine.ts'
import { checkSlots, type Expected, expectRun, type OracleLimits, type RecordPlace } from './oracle.ts'
import { type ActualRun, readActual, readBlockHashes, slotsOf } from './oracle-actual.ts'
import { compareRun } from './oracle-compare.ts'
import type { HashOfBlock } from './oracle-lines.ts'
import type { InputFile } from './oracle-slots.ts'
import { buildPipeline } from './pipelines.ts'
import { poisonOf } from './probe.ts'
import { samplesOf } from './trainer.ts'

/** A run that is over, and by what it is judged. */
export interface Judged {
  readonly simulated: Case
  readonly machine: Machine
  /** Inputs of which it may have read any. */
  readonly inputs: readonly (readonly InputFile[])[]
  /** Its shards and its feed, as a run without faults has made them; null where what came when has a part in it. */
  readonly files: ReadonlyMap<string, Buffer> | null
  /** The records of its slots, where another run has cut them. */
  readonly slots?: readonly (readonly RecordPlace[])[] | null
}

/** What a run is found to have written, and of which input. */
export interface Found {
  readonly actual: ActualRun
  readonly read: readonly InputFile[]
  readonly expected: Expected
}

/** Holds a run against all that is known of it. Throws a SimulationFailure. */
export async function checkRun(judged: Judged): Promise<Found> {
  const { machine, inputs, files } = judged
  const actual = await machine.observe(() => readActual(machine.world.folder))
  if (files && inputs.length === 1) checkFiles(files, outputOf(machine))
  const hashOf = await machine.observe(() => readBlockHashes(join(machine.world.folder, 'feed')))
  const { read, expected } = await findInput(inputs, input => checkByOracle(judged, input, actual, hashOf))
  await checkByVerify(machine, read)
  await checkTraining(judged)
  const isPoison = ({ reason }: { reason: string | null }) => reason === 'took-too-long' || reason === 'crashed-worker'
  machine.world.count('poison-row', actual.fates.filter(isPoison).length)
  return { actual, read, expected }
}

/** All bytes of shards and feed, by their paths in the run's folder. */
export function outputOf({ world: { disk, folder } }: Machine): Map<string, Buffer> {
  const names = ['shards', 'feed'].flatMap(part => disk.walk(`${folder}/${part}`))
  return new Map(names.map(name => [name.slice(folder.length + 1), disk.find(name)!.content]))
}

function checkFiles(expected: ReadonlyMap<string, Buffer>, actual: ReadonlyMap<string, Buffer>): void {
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
  inputs: Judged['inputs'],
  checkBy: (input: readonly InputFile[]) => Promise<Expected>,
): Promise<Omit<Found, 'actual'>> {
  let failure: unknown = null
  for (const input of inputs)
    try {
      return { read: input, expected: await checkBy(input) }
    } catch (error) {
      failure = error
    }
  throw failure
}

async function checkByOracle(
  judged: Judged,
  input: readonly InputFile[],
  actual: ActualRun,
  hashOf: HashOfBlock,
): Promise<Expected> {
  const { simulated } = judged
  const pipeline = buildPipeline(simulated.pipeline, false)
  const cut = simulated.isGrowing ? slotsOf(actual) : null
  const inputs = cut ? withoutLate(simulated, input, cut) : input
  const problems = cut ? checkSlots(inputs, pipeline, oracleLimits(), cut, true) : []
  if (problems.length) throw new SimulationFailure('slots', problems.slice(0, 3).join('\n'))
  const slots = judged.slots ?? cut
  const expected = await expectRun(inputs, pipeline, oracleLimits(), {
    ...(slots ? { slots } : {}),
    isPoison: poisonOf,
    hashOf,
  })
  const differences = compareRun(expected, actual)
  if (differences.length) throw new SimulationFailure('oracle', differences.slice(0, 3).join('\n'))
  return expected
}

/** The limits that are set now. */
export const oracleLimits = () => ({ ...limits, blockSlotsMax: 16_384 }) as OracleLimits

/** A file that came when the source had been listed for the last time is not of this run. */
function withoutLate({ files, follow }: Case, input: readonly InputFile[], slots: readonly (readonly RecordPlace[])[]) {
  const met = new Set(slots.flat().map(({ file }) => file))
  const late = new Set(files.filter(file => !follow && file.comesAt > 0).map(({ name }) => name))
  return input.filter(({ name }) => !late.has(name) || met.has(name))
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
    await using run = await RunReader.open(machine.world.folder)
    return verifyRun(run, { steps: 4 })
  })
  return checks.filter(({ failures }) => failures > 0)
}

async function checkTraining({ simulated, machine }: Judged): Promise<void> {
  if (!simulated.pipeline.feed) return
  const { training } = machine
  const given = [...training.steps.keys()].sort((a, b) => a - b)
  let steps = 0
  const isSame = (a: readonly string[] | undefined, b: readonly string[]) => a?.join() === b.join()
  const all = await machine.observe(async () => {
    const found: string[][] = []
    for await (const batch of readFeed(training.feed)) found.push(samplesOf(batch))
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
