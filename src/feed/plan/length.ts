import { HeadraceError } from '../../errors.ts'
import { type ControlEntry, type FirstLength, type SettingsChange, settingsAt } from './control.ts'
import { placeEntries, placeStep } from './fork.ts'

/** Steps `from` to `to` (exclusive), whose samples have `length` tokens. */
export interface LengthPhase {
  readonly from: number
  readonly to: number
  readonly length: number
}

/**
 * A change of length that says nothing of samples keeps the tokens of a step: it has as many fewer samples as they are longer. Throws
 * `bad-option` where that is no whole number. `position`: where in the plan the change is to be.
 */
export function keepStepTokens(
  change: SettingsChange,
  position: number,
  first: FirstLength,
  entries: readonly ControlEntry[],
): SettingsChange {
  const { length, batch } = change
  // What is no length is refused as any other option is.
  if (batch !== undefined || !Number.isSafeInteger(length) || length! < 1) return change
  const now = settingsAt(position, { mixture: null, ...first }, entries)
  const tokens = now.batch * now.length
  if (tokens % length! === 0) return { ...change, batch: tokens / length! }
  throw new HeadraceError(
    'bad-option',
    `a step has ${now.batch} samples of ${now.length} tokens by then, and samples of ${length} do not divide these ${tokens}: say how many samples a step is to have as well`,
  )
}

/** The lengths of the samples of steps from one on up to another (exclusive), which entries up to it change. */
export function lengthPhases(
  first: FirstLength,
  entries: readonly ControlEntry[],
  from: number,
  to: number,
): LengthPhase[] {
  const changes = placeEntries(entries).filter(([{ length }]) => length !== undefined)
  const borders = changes.map(([, position]) => firstStepAt(position, entries, to)).filter(step => step > from)
  const phases: LengthPhase[] = []
  for (const begin of [from, ...borders.sort((a, b) => a - b)]) {
    if (begin >= to) break
    const { length } = settingsAt(placeStep(begin, entries), { mixture: null, ...first }, entries)
    const last = phases.at(-1)
    if (last) phases[phases.length - 1] = { ...last, to: begin }
    if (last?.length === length) phases[phases.length - 1] = { ...last, to }
    else phases.push({ from: begin, to, length })
  }
  return phases.filter(phase => phase.from < phase.to)
}

/** The first step that stands at this place of the plan or behind it, `stepsMax` at most. */
function firstStepAt(position: number, entries: readonly ControlEntry[], stepsMax: number): number {
  let [low, high] = [0, stepsMax]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (placeStep(middle, entries) < position) low = middle + 1
    else high = middle
  }
  return low
}
