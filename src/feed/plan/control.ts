import { HeadraceError } from '../../errors.ts'

/** A change of the feed from a step on. What is left out stays as it was. `note` (who, why) is kept and not read. */
export interface ControlEntry {
  readonly step: number
  /** Weight of each domain, in tokens; null mixes domains by what they have. */
  readonly mixture?: Mixture | null
  /** Samples a step. */
  readonly batch?: number
  readonly note?: string
}
export type Mixture = Readonly<Record<string, number>>

/** What is in force at a step. `entries` counts the control entries that led to it. */
export interface Settings {
  readonly mixture: Mixture | null
  readonly batch: number
  readonly entries: number
}

/** The settings at `step`: the first ones, changed by each entry that names that step or an earlier one, in the order they came. */
export function settingsAt(step: number, first: Omit<Settings, 'entries'>, entries: readonly ControlEntry[]): Settings {
  let { mixture, batch } = first
  let count = 0
  for (const entry of entries) {
    if (entry.step > step) continue
    if (entry.mixture !== undefined) mixture = entry.mixture
    batch = entry.batch ?? batch
    count++
  }
  return { mixture, batch, entries: count }
}

/** Throws `bad-option` unless the entry makes sense and changes no step before `next`, which are planned and never change. */
export function checkControl(entry: ControlEntry, next: number): void {
  if (!Number.isSafeInteger(entry.step) || entry.step < next)
    throw new HeadraceError(
      'bad-option',
      `step ${entry.step} can't be changed: the steps before ${next} are planned; name step ${next} or a later one`,
    )
  if (entry.mixture) checkMixture(entry.mixture)
  if (entry.batch !== undefined) checkCount('batch', entry.batch)
}

export function checkMixture(mixture: Mixture): void {
  const weights = Object.entries(mixture)
  for (const [domain, weight] of weights)
    if (!Number.isFinite(weight) || weight < 0)
      throw new HeadraceError('bad-option', `the weight of domain '${domain}' is ${weight}; give a number of 0 or more`)
  if (!weights.some(([, weight]) => weight > 0))
    throw new HeadraceError('bad-option', 'the mixture has no domain with a weight above 0; name at least one')
}

export function checkCount(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 1 || value >= 2 ** 31)
    throw new HeadraceError('bad-option', `${name} is ${value}; give a whole number from 1 to 2^31 - 1`)
}

/** The entries of a `control.json`. Throws unless each is one that `checkControl` let in. */
export function parseControls(text: string): ControlEntry[] {
  const entries: unknown = JSON.parse(text)
  if (!Array.isArray(entries)) throw new TypeError('it is no list of entries')
  for (const entry of entries) {
    if (entry === null || typeof entry !== 'object') throw new TypeError(`${JSON.stringify(entry)} is no entry`)
    const { mixture = null } = entry
    if (typeof mixture !== 'object' || Array.isArray(mixture)) throw new TypeError('a mixture is no object')
    checkControl(entry, 0)
  }
  return entries
}
