import { numbers, stringAt, utf8 } from '../batch/batch.ts'
import { addressOf } from '../decide/decider.ts'
import type { RunReader } from '../record/run-reader.ts'
import { evidenceOf, idOf, type Outcome } from './outcome.ts'
import type { Pair } from './pair.ts'
import type { Side } from './side.ts'
import { columnOf, distanceBeyond, type Threshold, thresholdOf } from './threshold.ts'

/** What became of a record in one run, with all that speaks for it. */
export interface Witnessed {
  readonly outcome: Outcome
  readonly id: string
  /** The id of the kept document that it repeats; null where there is none, or its slot was trimmed. */
  readonly duplicateOf: string | null
  /** Of the reason that dropped it here; of a record that is no drop here, of the other run's reason as this run knows it. */
  readonly reason: string
  readonly threshold: Threshold
  /** The value that the threshold is about, where it was measured. */
  readonly measured: number | string | null
  /** How far that lies beyond the threshold: negative where it lies within. */
  readonly distance: number | null
}

/** Both sides of a pair; null for a run that does not have the record. */
export async function witness(
  [a, b]: readonly [Side, Side],
  pair: Pair,
): Promise<[Witnessed | null, Witnessed | null]> {
  return [pair.a && (await witnessSide(a.run, pair.a, pair.b)), pair.b && (await witnessSide(b.run, pair.b, pair.a))]
}

async function witnessSide(run: RunReader, outcome: Outcome, other: Outcome | null): Promise<Witnessed> {
  const { slot, row, fate, partner } = outcome
  const own = fate === 'dropped' ? outcome : other?.fate === 'dropped' ? other : null
  const reason = own?.reason ?? ''
  const threshold = thresholdOf(run.run, slot, reason)
  const measured =
    fate === 'kept' ? await readMeasured(run, addressOf(slot, row), columnOf(threshold)) : evidenceOf(outcome)
  return {
    outcome,
    id: idOf(outcome),
    duplicateOf: partner < 0 ? null : await run.idAt(partner),
    reason,
    threshold,
    measured,
    distance: distanceBeyond(threshold, measured),
  }
}

/** The value of a column for a row; null where the run has no such column, or did not measure it. */
async function readMeasured(run: RunReader, address: number, column: string | null): Promise<number | string | null> {
  if (column === null) return null
  const { batch, index } = await run.find(address)
  const found = batch.columns[column]
  if (found?.kind === 'utf8') return stringAt(utf8(batch, column), index)
  if (!found || !('values' in found) || found.kind === 'list<i32>') return null
  const value = numbers(batch, column)[index]
  return Number.isNaN(value) ? null : value
}
