import type { Case } from './case.ts'
import { outputOf } from './checks.ts'
import type { OperationCounts } from './faults.ts'
import { Machine, SimulationFailure } from './machine.ts'
import { StuckError } from './scheduler.ts'

/** Which check failed, and what it says. */
export interface Failure {
  readonly check: string
  readonly message: string
}

/** A run without faults, of a source whose files are all there. */
export interface Undisturbed {
  readonly operations: OperationCounts
  readonly ms: number
  readonly files: Map<string, Buffer>
  readonly failure: Failure | null
}

export async function runUndisturbed(simulated: Case): Promise<Undisturbed> {
  const files = simulated.files.map(file => ({ ...file, comesAt: 0 }))
  const machine = new Machine({ ...simulated, files, follow: false }, [], { usualMs: 0, hasTrainer: false })
  let failure: Failure | null = null
  try {
    await machine.run()
  } catch (error) {
    failure = asFailure(error)
    failure = { check: `undisturbed ${failure.check}`, message: failure.message }
  }
  const { operations, scheduler } = machine.world
  return { operations, ms: scheduler.nowMs, files: outputOf(machine), failure }
}

export function asFailure(error: unknown): Failure {
  if (error instanceof SimulationFailure) return { check: error.check, message: error.message }
  if (error instanceof StuckError) return { check: 'stuck', message: error.message }
  return { check: 'reading', message: error instanceof Error ? (error.stack ?? error.message) : JSON.stringify(error) }
}
