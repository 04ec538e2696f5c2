import type { Case } from './case.ts'
import { checkRun, type Found } from './checks.ts'
import type { Fault } from './faults.ts'
import { Machine, SimulationFailure } from './machine.ts'
import type { RecordPlace } from './oracle.ts'
import { slotsOf } from './oracle-actual.ts'
import { runUndisturbed } from './undisturbed.ts'
import { runFolder } from './world.ts'

export const replayFolder = '/sim/replay'

/** A run that was found to be right, and what may be done with it. */
export interface Over {
  readonly simulated: Case
  readonly machine: Machine
  readonly found: Found
}

/** A replay that is over, or null where it was refused, as it may be. */
export type Replayed = (Over & { readonly isWhole: boolean }) | null

/**
 * Replays a run with a changed pipeline, under faults of its own, and holds it against what a run of that pipeline gives by the oracle and,
 * where it is of all slots, byte for byte.
 */
export async function replay(
  over: Over,
  faults: readonly Fault[],
  listen: (machine: Machine) => void,
): Promise<Replayed> {
  const { simulated, found } = over
  const { changed, isCopy } = simulated.afterwards!
  const slots = slotsOf(found.actual)
  const { from, to } = chooseSlots(simulated, slots.length)
  if (from >= to) return null
  const isWhole = from === 0 && to === slots.length
  const next: Case = {
    ...simulated,
    pipeline: { ...changed.shape, storedText: 'all' },
    follow: false,
    isGrowing: false,
  }
  const isAsFirst = !simulated.isGrowing && over.machine.upsets.inputs.length === 1
  const full = isWhole && isAsFirst ? await runUndisturbed(next) : null
  if (full?.failure) throw new SimulationFailure(full.failure.check, full.failure.message)
  const machine = new Machine(next, faults, {
    usualMs: 0,
    hasTrainer: true,
    before: over.machine.world,
    folder: replayFolder,
    replay: { of: runFolder, isCopy, ...(isWhole ? {} : { from, to }) },
  })
  listen(machine)
  if (!(await isTaken(machine, simulated.isGrowing && changed.isMeasuredAnew))) return null
  machine.world.count('replay')
  const isCut = simulated.isGrowing || !isWhole
  const judged = {
    simulated: next,
    machine,
    inputs: [found.read],
    files: full?.files ?? null,
    slots: isCut ? takeSlots(slots, from, to) : null,
  }
  return { simulated: next, machine, found: await checkRun(judged), isWhole }
}

/** Runs it to its end. False where it was refused, for files that came while the run was at work can't be cut into its slots again. */
async function isTaken(machine: Machine, mayRefuse: boolean): Promise<boolean> {
  try {
    await machine.run()
    return true
  } catch (error) {
    const isRefusal =
      error instanceof SimulationFailure &&
      /^bad-pipeline: .* can't be read again|^source-changed: the (input gives no slot|source gives other records)/.test(
        error.message,
      )
    if (mayRefuse && isRefusal) return false
    throw error
  }
}

function chooseSlots({ afterwards }: Case, slots: number): { from: number; to: number } {
  const { from, to } = afterwards!
  return { from: Math.floor(from * slots), to: Math.ceil(to * slots) }
}

/** The slots before `from` are empty. */
function takeSlots(slots: readonly (readonly RecordPlace[])[], from: number, to: number) {
  return slots.slice(0, to).map((slot, i) => (i < from ? [] : slot))
}
