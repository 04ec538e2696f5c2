import { HeadraceError } from '../../errors.ts'
import { checkOption, optional, orNull, whole } from '../../options.ts'
import {
  checkAligned,
  checkReplayed,
  type Dry,
  feedOptions,
  type Mixture,
  type Replay,
  type ReplayOptions,
  resolveReplay,
} from '../options.ts'
import { type ForkChange, isForkChange, placeEntries } from './fork.ts'
import { isJoin, type Join } from './join.ts'
import { isPromotion, type Promotion } from './promotion.ts'
import { isTakeDown, type TakeDown } from './take-down.ts'

/** What of a feed's options a control entry changes. What is left out stays as it was. */
export interface SettingsChange {
  readonly mixture?: Mixture | null
  readonly batch?: number
  /** Tokens a sample. */
  readonly length?: number
  /** What of the steps is drawn again; null: nothing. */
  readonly replay?: ReplayOptions | null
  /** The feed ends with the last whole step within so many tokens in all; null takes such a bound away. */
  readonly budget?: number | null
}

/** A change of a feed from a step on. Who made it, when and why (`who`, `at`, `note`) is kept, and not read by the planner. */
export interface ControlEntry extends SettingsChange {
  readonly step: number
  /** Goes on with the shards of another run. */
  readonly promote?: Promotion
  /** Takes further runs in, of a feed of several. */
  readonly join?: Join
  readonly fork?: ForkChange
  readonly takeDown?: TakeDown
  /** Tells the entry from every other one: what a command asked for is recorded once. */
  readonly id?: string
  /** `user@host`. */
  readonly who?: string
  /** ISO 8601. */
  readonly at?: string
  readonly note?: string
}

const changes = {
  mixture: feedOptions.mixture,
  batch: feedOptions.batch,
  length: feedOptions.length,
  replay: feedOptions.replay,
  budget: optional('tokens of all steps, at most', orNull(whole(1)), null),
}
const changeNames = ['mixture', 'batch', 'length', 'replay', 'budget'] as const

/** What is in force at a step. `entries` counts the control entries that led to it. */
export interface Settings {
  readonly mixture: Mixture | null
  readonly batch: number
  readonly length: number
  readonly replay: Replay | null
  readonly budget: number | null
  readonly entries: number
}

/** What of a head says how its first step is made. */
type FirstSettings = Pick<Settings, 'mixture' | 'batch' | 'length'> & { readonly replay?: Replay | null }

/** The settings at a place of the plan: the first ones, changed by each entry that names it or an earlier one, in the order they came. */
export function settingsAt(position: number, first: FirstSettings, entries: readonly ControlEntry[]): Settings {
  let { mixture, batch, length, replay = null } = first
  let budget: number | null = null
  let count = 0
  for (const [entry, from] of placeEntries(entries)) {
    if (from > position) continue
    if (entry.mixture !== undefined) mixture = entry.mixture
    if (entry.budget !== undefined) budget = entry.budget
    batch = entry.batch ?? batch
    length = entry.length ?? length
    if (entry.replay !== undefined) replay = entry.replay && resolveReplay(entry.replay)
    count++
  }
  return { mixture, batch, length, replay, budget, entries: count }
}

/** Which of the feed's options an entry changes. */
export function changedBy(entry: SettingsChange): (typeof changeNames)[number][] {
  return changeNames.filter(name => entry[name] !== undefined)
}

/** What an entry changes of the feed's options. */
export function changeIn(entry: SettingsChange): SettingsChange {
  return Object.fromEntries(changedBy(entry).map(name => [name, entry[name]]))
}

/** Whether an entry changes of which samples a step is made: what was tried for one before it came may be in none. */
export function changesSamples(entry: ControlEntry): boolean {
  const { promote, join, mixture, batch, length, replay } = entry
  return [promote, join, mixture, batch, length, replay].some(change => change !== undefined)
}

/** A control entry that promotes. */
export type PromoteEntry = ControlEntry & { readonly promote: Promotion }

/** The promotions up to a place of the plan, in the order they came: the last one is in force there. */
export function promotionsUpTo(position: number, entries: readonly ControlEntry[]): PromoteEntry[] {
  const isPromote = (entry: ControlEntry): entry is PromoteEntry => entry.promote !== undefined
  return placeEntries(entries).flatMap(([entry, from]) => (from <= position && isPromote(entry) ? [entry] : []))
}

/** A control entry that takes runs in. */
export type JoinEntry = ControlEntry & { readonly join: Join }

/** The joins up to a place of the plan, in the order they came. */
export function joinsUpTo(position: number, entries: readonly ControlEntry[]): JoinEntry[] {
  const isJoined = (entry: ControlEntry): entry is JoinEntry => entry.join !== undefined
  return placeEntries(entries).flatMap(([entry, from]) => (from <= position && isJoined(entry) ? [entry] : []))
}

/** Throws `bad-option` unless the entry makes sense and changes no step before `next`, which are planned and never change. */
export function checkControl(entry: ControlEntry, next: number): void {
  if (!Number.isSafeInteger(entry.step) || entry.step < next)
    throw new HeadraceError(
      'bad-option',
      `step ${entry.step} can't be changed: the steps before ${next} are planned; name step ${next} or a later one`,
    )
  const who = `the control entry of step ${entry.step}`
  for (const name of changedBy(entry)) checkOption(who, changes, name, entry[name])
  for (const name of ['id', 'who', 'at'] as const)
    if (entry[name] !== undefined && typeof entry[name] !== 'string') throw damaged(who, name)
  if (entry.promote !== undefined && !isPromotion(entry.promote))
    throw new HeadraceError('bad-option', `${who} does not say which run it promotes, and what of it`)
  if (entry.join !== undefined && !isJoin(entry.join)) throw damaged(who, 'join')
  if (entry.fork !== undefined && !isForkChange(entry.fork)) throw damaged(who, 'fork')
  if (entry.takeDown !== undefined && !isTakeDown(entry.takeDown)) throw damaged(who, 'takeDown')
}

/** What a feed is begun with, as far as the length of its samples goes. */
export interface FirstLength {
  readonly length: number
  readonly batch: number
  readonly align?: number
  readonly ledger?: 2
}

/** Throws `bad-option` where a feed can't have what an entry says. */
export function checkFitting(head: FirstLength & { readonly dry: Dry }, entry: ControlEntry): void {
  checkLength(head, entry)
  const { step, replay } = entry
  if (!replay) return
  const who = `the control entry of step ${step}`
  checkReplayed(who, head.dry, replay)
  if (head.ledger === undefined)
    throw new HeadraceError(
      'bad-option',
      `${who} replays: this feed was begun before there was a replay; begin another feed`,
    )
}

function checkLength({ ledger, align }: FirstLength, { step, length }: ControlEntry): void {
  if (length === undefined) return
  if (ledger === undefined)
    throw new HeadraceError(
      'bad-option',
      `the control entry of step ${step} has samples of ${length} tokens: this feed was begun before their length could change; begin another feed`,
    )
  checkAligned(`the control entry of step ${step}`, length, align)
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
