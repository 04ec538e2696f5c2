import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { stageFields } from '../../batch/contract.ts'
import { missingColumn } from '../../batch/rows.ts'
import type { State } from '../../decide/state.ts'
import { openTables, type Tables } from '../../decide/tables/tables.ts'
import { removeFile } from '../../disk/files.ts'
import { assert, HeadraceError, wrapDiskError } from '../../errors.ts'
import { DecidedReader } from '../../record/decided-reader.ts'
import { decodeKept } from '../../record/kept.ts'
import { refuseTables, refuseTrimmedTables } from '../../record/refusals.ts'
import { decodeScored } from '../../record/scored.ts'
import { findOtherTables, markKept } from '../../record/sequel.ts'
import { readTrimmed } from '../../record/trimmed.ts'
import type { RunContext } from '../context.ts'
import { keepAgain } from './decide-slot.ts'
import { primeTables } from './prime.ts'

/** The file of the deciders' tables, in the folder of a state. */
export const tablesName = 'decide.tables'

/** Opens a run's tables. Where it has a priming they hold what that enters, whether they have a slot of the run itself or none yet. */
export async function openState(
  { plan, binding, priming = null }: Pick<RunContext, 'plan' | 'binding' | 'priming'>,
  folder: string,
): Promise<Tables> {
  const shapes = plan.deciders.flatMap(decider => decider.tables)
  const path = join(folder, tablesName)
  const open = () => openTables({ path, shapes, identity: plan.stateFingerprint, run: binding })
  const tables = await open()
  if (!priming || tables.slot() > 0) return tables
  // What another start has entered may not be all.
  await tables[Symbol.asyncDispose]()
  await removeFile(path)
  const primed = await open()
  try {
    await primeTables(plan.deciders, primed, priming)
    return primed
  } catch (error) {
    await primed[Symbol.asyncDispose]()
    throw error
  }
}

/** Syncs a run's tables, which hold the slots before `slot`, and returns it. Sealing does not sync, as the log has all until it is trimmed. */
export async function syncTables(dir: string, slot: number): Promise<number> {
  const path = join(dir, 'state', tablesName)
  try {
    await using file = await open(path, 'r+')
    await file.sync()
  } catch (error) {
    throw wrapDiskError(error, `syncing ${path}`)
  }
  return slot
}

/** Binds every decider to a batch without rows, so that one that does not fit the columns fails before any work. */
export function checkDeciders({ plan }: RunContext, state: State): void {
  const columns = Object.fromEntries(
    [...plan.fields, ...stageFields].map(field => [field.name, missingColumn(field, 0)]),
  )
  for (const decider of plan.deciders) {
    try {
      decider.open({ rows: 0, columns }, 0, state)
    } catch (error) {
      if (!(error instanceof TypeError)) throw error
      throw new HeadraceError(
        'bad-pipeline',
        `decider '${decider.name}' does not fit the annotators before it: ${error.message}`,
        error,
      )
    }
  }
}

/** Brings tables that lag behind the log up to the slot before which all are decided. */
export async function catchUpTo(context: RunContext, state: State, slot: number): Promise<void> {
  if (state.slot() > slot) throw refuseTables(context.dir, state.slot(), slot)
  // Without tables there is nothing to enter, and the slots may be gone.
  if (!context.plan.deciders.some(({ tables }) => tables.length > 0)) return state.seal(slot)
  const { dir, log, shape } = context
  const first = await readTrimmed(dir, context.binding)
  const other = await findOtherTables(dir, shape, log, { slot: state.slot(), mark: state.mark?.() ?? null }, first)
  if (other) throw other
  if (state.slot() < Math.min(first, slot)) throw refuseTrimmedTables(context.dir, state.slot(), first)
  await keepDecided(context, state, slot, AbortSignal.abort())
  context.failed.throwIfAborted()
  assert(state.slot() === slot, `slots before ${slot} are decided, and the log gives those before ${state.slot()}`)
}

/**
 * Enters what the log says was kept into the tables, without writing: the slots before `to`, as they are committed, until `signal`
 * aborts and all that is committed was entered. Whatever rules dropped the others need not be known any more.
 */
export async function keepDecided(context: RunContext, state: State, to: number, signal: AbortSignal): Promise<void> {
  if (state.slot() >= to) return
  const { log, plan, failed } = context
  await using reader = await DecidedReader.open(context, state.slot(), signal)
  while (state.slot() < to && !failed.aborted) {
    const decided = await reader.next()
    if (!decided) return
    const { slot, kept, scored } = decided
    // The other partitions' ends are behind what was decided.
    if (!scored && slot >= (await log.position('decide', 0)).slot) return
    if (scored) keepAgain(plan, decodeScored(scored.value), decodeKept(kept.value), slot, state)
    await state.seal(slot + 1, markKept(kept))
  }
}
