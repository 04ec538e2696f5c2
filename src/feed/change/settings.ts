import { canonicalJson } from '../../canonical-json.ts'
import { syncFolder } from '../../disk/durable-file.ts'
import { HeadraceError } from '../../errors.ts'
import { readControls } from '../files/control-file.ts'
import type { Head } from '../files/head.ts'
import { readTotals } from '../files/ledger.ts'
import { type ControlEntry, changedBy, type SettingsChange, settingsAt } from '../plan/control.ts'
import { placeEntries, placeStep } from '../plan/fork.ts'
import { keepStepTokens } from '../plan/length.ts'
import type { FeedPublisher } from '../publish.ts'

/** A change of mixture, batch, length or budget that somebody asks for. */
export interface SettingsOrder {
  /** Tells it from every other one. */
  readonly id: string
  /** The first step that it is for; null: the first that can be changed. */
  readonly step: number | null
  readonly change: SettingsChange
  /** `user@host`. */
  readonly who: string
  /** ISO 8601. */
  readonly at: string
  readonly note: string | null
}

/** From which step on a change is in force. `isNew`: it was not before it was asked for. */
export interface ChangedSettings {
  readonly step: number
  readonly isNew: boolean
}

/**
 * Records a change in a feed that is open to be published, and plans nothing. It is true at one moment, when `control.json` is renamed into
 * place. What is in force by then already, and by no later entry changed again, is not recorded twice. Throws `bad-option` for a step that is
 * published or planned, with the first that can be changed, for a budget that is less than what is published, and for a length that the
 * feed can't have. A length without samples keeps the tokens of a step: see `keepStepTokens`.
 */
export async function changeSettings(feed: FeedPublisher, dir: string, order: SettingsOrder): Promise<ChangedSettings> {
  const { id, who, at, note } = order
  const controls = await readControls(dir)
  const known = controls.find(entry => entry.id === id)
  const step = known?.step ?? order.step ?? feed.nextFor({ step: 0, ...order.change })
  const change = known ? order.change : keepStepTokens(order.change, placeStep(step, controls), feed.head, controls)
  if (known || isInForce(feed.head, controls, step, change)) {
    // Who recorded it may have been stopped before it lasted.
    await syncFolder(dir)
    return { step, isNew: known !== undefined }
  }
  await checkBudget(dir, feed.head, change)
  await feed.control({ step, ...change, id, who, at, ...(note !== null && { note }) })
  return { step, isNew: true }
}

function isInForce(head: Head, controls: readonly ControlEntry[], step: number, change: SettingsChange): boolean {
  const at = placeStep(step, controls)
  const settings = settingsAt(at, head, controls)
  const names = changedBy(change)
  const isLater = ([entry, from]: readonly [ControlEntry, number]) =>
    from > at && names.some(name => entry[name] !== undefined)
  return (
    names.every(name => canonicalJson(settings[name]) === canonicalJson(change[name])) &&
    !placeEntries(controls).some(isLater)
  )
}

/**
 * Entries that the one with this id has taken the place of before they came into force: of those for the same option the one that was recorded
 * last holds, also where another is for a later step.
 */
export function findReplaced(controls: readonly ControlEntry[], id: string): ControlEntry[] {
  const placed = placeEntries(controls)
  const last = placed.findIndex(([entry]) => entry.id === id)
  if (last < 0) return []
  const [change, at] = placed[last]
  const names = changedBy(change)
  const isReplaced = ([entry, from]: (typeof placed)[0]) =>
    from > at && changedBy(entry).some(name => names.includes(name))
  return placed
    .slice(0, last)
    .filter(isReplaced)
    .map(([entry]) => entry)
}

/** Tokens that the published steps of a feed hold. */
export async function publishedTokens(dir: string, head: Head): Promise<number> {
  return Object.values(await readTotals(dir, head)).reduce((sum, { tokens }) => sum + tokens, 0)
}

async function checkBudget(dir: string, head: Head, { budget }: SettingsChange): Promise<void> {
  if (budget === undefined || budget === null) return
  const tokens = await publishedTokens(dir, head)
  if (budget >= tokens) return
  throw new HeadraceError(
    'bad-option',
    `a budget of ${budget} tokens is passed: the ${head.steps} steps that are published hold ${tokens}; name as many or more`,
  )
}
