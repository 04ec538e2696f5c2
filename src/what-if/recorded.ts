import { type Batch, numbers, stringAt, utf8 } from '../batch/batch.ts'
import { type Names, Strings } from '../batch/strings.ts'
import { HeadraceError } from '../errors.ts'
import type { DecideTotals } from '../record/totals.ts'
import type { RuleSetup } from './change-rules.ts'
import { type Check, findCheck, lastStep, measuringFrom, passes } from './checks.ts'
import type { Marks } from './conditions.ts'
import type { StoredSlot } from './stored-slots.ts'
import type { Decided } from './trial.ts'

/** What a run has made of the rows of a slot. */
export interface RecordedFates {
  /** The reason that dropped a row; empty for one that was kept. */
  readonly reasons: string[]
  readonly duplicateOf: Float64Array
  /** For each row the first step that did not measure it, as a gate stood before it; `lastStep` for one that was measured whole. */
  readonly measured: Float64Array
  /** For each row its number among the dropped ones, or -1. */
  readonly drops: Int32Array
}

/** What is known to have decided a slot. Of deciders their reasons will do. */
interface KnownPart {
  readonly checks: readonly Check[]
  readonly setup: Pick<RuleSetup, 'steps'> & { readonly deciders: readonly { readonly reasons: readonly string[] }[] }
}

/** Reads what became of a slot's rows; `names` holds the reasons met so far. Throws 'corrupt' where the run's rules do not lead to it. */
export function readRecorded(columns: StoredSlot, part: KnownPart, marks: Marks, names: Names) {
  const { slot, scored, drops } = columns
  const fates = readFates(slot, scored, drops, names)
  const gates = utf8(scored, 'gate')
  const measuring = measuringFrom(part.setup)
  const ofDeciders = new Set(part.setup.deciders.flatMap(decider => decider.reasons))
  for (let row = 0; row < scored.rows; row++) {
    const check = findCheck(part.checks, marks, row, lastStep)
    const found = check === passes ? null : part.checks[check]
    const gate = found && found.step !== lastStep ? found.rule.reason : ''
    if (gate !== '') fates.measured[row] = measuring[found!.step]
    const recorded = fates.reasons[row]
    const isMet = found ? recorded === found.rule.reason : recorded === '' || ofDeciders.has(recorded)
    if (!isMet || (gate === '' ? gates.offsets[row] !== gates.offsets[row + 1] : gate !== stringAt(gates, row)))
      throw refuseFates(slot, numbers(scored, 'row')[row], recorded, found?.rule.reason ?? '')
  }
  return fates
}

/** What became of a slot's rows, as it is recorded; all as if measured whole. */
export function readFates(slot: number, scored: Batch, drops: Batch | null, names: Names): RecordedFates {
  const fates = {
    reasons: new Array<string>(scored.rows).fill(''),
    duplicateOf: new Float64Array(scored.rows).fill(-1),
    measured: new Float64Array(scored.rows).fill(lastStep),
    drops: new Int32Array(scored.rows).fill(-1),
  }
  if (!drops) return fates
  const rows = numbers(scored, 'row')
  const dropped = numbers(drops, 'row')
  const partners = numbers(drops, 'duplicateOf')
  const reasons = new Strings(utf8(drops, 'reason'), names)
  let drop = 0
  for (let row = 0; row < scored.rows && drop < drops.rows; row++) {
    if (rows[row] !== dropped[drop]) continue
    fates.reasons[row] = reasons.at(drop)
    fates.duplicateOf[row] = partners[drop]
    fates.drops[row] = drop++
  }
  if (drop < drops.rows) throw refuseFates(slot, dropped[drop], reasons.at(drop), '')
  return fates
}

/** Throws 'corrupt' unless what was decided again, by what the run says decided it, is what it recorded. */
export function checkSame(slot: number, scored: Batch, recorded: RecordedFates, decided: Decided): void {
  for (let row = 0; row < scored.rows; row++) {
    const isSame =
      recorded.reasons[row] === decided.reasons[row] &&
      (decided.checks[row] >= 0 || recorded.duplicateOf[row] === decided.duplicateOf[row])
    const isWhole = decided.unmeasured[row] === 0
    if (!isSame || !isWhole)
      throw refuseFates(slot, numbers(scored, 'row')[row], recorded.reasons[row], decided.reasons[row])
  }
}

/** What was counted of the slots that were read, to be held against the run's own totals. */
export type CountedTotals = Pick<DecideTotals, 'documents' | 'dead' | 'kept' | 'textBytes' | 'keptBytes'> & {
  readonly dropped: ReadonlyMap<string, number>
}

/** Throws 'corrupt' where the run's own figures are others. */
export function checkTotals(counted: CountedTotals, totals: DecideTotals): void {
  const names = ['documents', 'dead', 'kept', 'textBytes', 'keptBytes'] as const
  const dropped = new Set([...counted.dropped.keys(), ...Object.keys(totals.dropped)])
  const pairs: [string, number, number][] = [
    ...names.map((name): [string, number, number] => [name, counted[name], totals[name]]),
    ...[...dropped].map((name): [string, number, number] => [
      `dropped for ${name}`,
      counted.dropped.get(name) ?? 0,
      totals.dropped[name] ?? 0,
    ]),
  ]
  for (const [name, found, noted] of pairs)
    if (found !== noted)
      throw new HeadraceError(
        'corrupt',
        `the run's own figures are not met: ${name} is ${noted} in its totals and ${found} in its slots; see headrace verify`,
      )
}

function refuseFates(slot: number, row: number, recorded: string, found: string): HeadraceError {
  const say = (reason: string) => (reason === '' ? 'kept' : `dropped for ${reason}`)
  return new HeadraceError(
    'corrupt',
    `the run's own figures are not met: row ${row} of slot ${slot} was ${say(recorded)}, and what the run says decided it leads to ${say(found)}; see headrace verify, or give the run's own PIPELINE`,
  )
}
