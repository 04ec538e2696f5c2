import { HeadraceError } from '../../errors.ts'
import { checkOption } from '../../options.ts'
import { feedOptions, type Mixture } from '../options.ts'
import { type ForkChange, isForkChange, placeEntries } from './fork.ts'
import { isPromotion, type Promotion } from './promotion.ts'
import { isTakeDown, type TakeDown } from './take-down.ts'

/** A change of the feed's options from a step on. What is left out stays as it was. `note` (who, why) is kept and not read. */
export interface ControlEntry {
  readonly step: number
  readonly mixture?: Mixture | null
  readonly batch?: number
  /** Goes on with the shards of another run. */
  readonly promote?: Promotion
  readonly fork?: ForkChange
  readonly takeDown?: TakeDown
  readonly note?: string
}

/** What is in force at a step. `entries` counts the control entries that led to it. */
export interface Settings {
  readonly mixture: Mixture | null
  readonly batch: number
  readonly entries: number
}

/** The settings at a place of the plan: the first ones, changed by each entry that names it or an earlier one, in the order they came. */
export function settingsAt(
  position: number,
  first: Omit<Settings, 'entries'>,
  entries: readonly ControlEntry[],
): Settings {
  let { mixture, batch } = first
  let count = 0
  for (const [entry, from] of placeEntries(entries)) {
    if (from > position) continue
    if (entry.mixture !== undefined) mixture = entry.mixture
    batch = entry.batch ?? batch
    count++
  }
  return { mixture, batch, entries: count }
}

/** A control entry that promotes. */
export type PromoteEntry = ControlEntry & { readonly promote: Promotion }

/** The promotions up to a place of the plan, in the order they came: the last one is in force there. */
export function promotionsUpTo(position: number, entries: readonly ControlEntry[]): PromoteEntry[] {
  const isPromote = (entry: ControlEntry): entry is PromoteEntry => entry.promote !== undefined
  return placeEntries(entries).flatMap(([entry, from]) => (from <= position && isPromote(entry) ? [entry] : []))
}

/** Throws `bad-option` unless the entry makes sense and changes no step before `next`, which are planned and never change. */
export function checkControl(entry: ControlEntry, next: number): void {
  if (!Number.isSafeInteger(entry.step) || entry.step < next)
    throw new HeadraceError(
      'bad-option',
      `step ${entry.step} can't be changed: the steps before ${next} are planned; name step ${next} or a later one`,
    )
  const who = `the control entry of step ${entry.step}`
  for (const name of ['mixture', 'batch'] as const)
    if (entry[name] !== undefined) checkOption(who, feedOptions, name, entry[name])
  if (entry.promote !== undefined && !isPromotion(entry.promote))
    throw new HeadraceError('bad-option', `${who} does not say which run it promotes, and what of it`)
  if (entry.fork !== undefined && !isForkChange(entry.fork)) throw damaged(who, 'fork')
  if (entry.takeDown !== undefined && !isTakeDown(entry.takeDown)) throw damaged(who, 'takeDown')
}

function damaged(who: string, name: string): HeadraceError {
  return new HeadraceError('bad-option', `${who} has a '${name}' that is not as Headrace writes it`)
}

/** The entries of a `control.json`. Throws unless each is one that `checkControl` let in. */
export function parseControls(text: string): ControlEntry[] {
  const entries: unknown = JSON.parse(text)
  if (!Array.isArray(entries)) throw new TypeError('it is no list of entries')
  for (const entry of entries) {
    if (entry === null || typeof entry !== 'object') throw new TypeError(`${JSON.stringify(entry)} is no entry`)
    checkControl(entry, 0)
  }
  return entries
}
