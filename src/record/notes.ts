import { type Fields, isCount, isFields } from '../disk/json-file.ts'
import { HeadraceError } from '../errors.ts'
import type { Position } from '../log/log.ts'
import type { ReadPosition } from '../sources/source.ts'
import { type DecideTotals, emptyCounts, emptyDecideTotals, emptyShardTotals, type ShardTotals } from './totals.ts'
import type { GuardNote } from './trip.ts'

/**
 * What a stage keeps beside its committed position, as JSON: all that it needs to go on, and what was counted until then. A stage that has
 * committed nothing has an empty note, which reads as the beginning.
 */

/** Where a lane goes on: the split with this number (every lanes-th is its own), from this position. */
export interface LanePosition extends ReadPosition {
  readonly split: number
}

/** The loader's whole position. */
export interface LoadPosition {
  /** The lane whose turn is next. */
  readonly turn: number
  readonly lanes: readonly LanePosition[]
}

/** Of the stage that loads. `load` is null before its first commit. */
export interface LoadNote {
  readonly load: LoadPosition | null
  readonly readBytes: number
  readonly ended: boolean
}

/** Of the stage that decides. */
export interface DecideNote {
  readonly totals: DecideTotals
  readonly ended: boolean
  readonly guards?: readonly GuardNote[] | undefined
}

/** A domain's progress: the next shard's number, and from where its rows are not yet in a shard. */
export interface DomainNote {
  readonly next: number
  /** The slot after the last one whose rows are in a sealed shard. */
  readonly sealedTo: number
  /** The first slot with rows of the open shard, or -1 when there is none. */
  readonly openFrom: number
}

/** Of the stage that makes shards. */
export interface ShardNote {
  readonly domains: Readonly<Record<string, DomainNote>>
  readonly totals: ShardTotals
  readonly ended: boolean
}

type Noted = Pick<Position, 'note'>
type Check = (value: unknown) => boolean
type Checks<T> = Readonly<Record<keyof T & string, Check>>

const isEndMark: Check = value => value === undefined || typeof value === 'boolean'
const isText: Check = value => typeof value === 'string'
const isList = (value: unknown, isItem: Check) => Array.isArray(value) && value.every(isItem)
const isByName = (value: unknown, isOne: Check) => isFields(value) && Object.values(value).every(isOne)
const isCounts: Check = value => isByName(value, isCount)
const isKept: Check = value => isFields(value) && isCount(value.documents) && isCount(value.kept)
const isKeptByName: Check = value => isByName(value, isKept)
const isFrom: Check = value => value === -1 || isCount(value)
const isLane: Check = value => isFields(value) && isCount(value.split) && isCount(value.line) && isCount(value.offset)
const isLoad: Check = value => isFields(value) && isCount(value.turn) && isList(value.lanes, isLane)
const isDomain: Check = value =>
  isFields(value) && isCount(value.next) && isCount(value.sealedTo) && isFrom(value.openFrom)
const isPart: Check = value => Array.isArray(value) && isText(value[0]) && isCount(value[1])
const isGroup: Check = value =>
  Array.isArray(value) &&
  isText(value[0]) &&
  isCount(value[1]) &&
  isCount(value[2]) &&
  typeof value[3] === 'boolean' &&
  isList(value[4], isPart)
const isGuard: Check = value =>
  isFields(value) && isText(value.guard) && isFrom(value.window) && isCount(value.rows) && isList(value.groups, isGroup)

const decideChecks: Checks<DecideTotals> = {
  documents: isCount,
  kept: isCount,
  dead: isCount,
  textBytes: isCount,
  keptBytes: isCount,
  dropped: isCounts,
  byDomain: isKeptByName,
  byLanguage: isKeptByName,
}
const shardChecks: Checks<ShardTotals> = {
  tokens: isCount,
  shards: isCount,
  tokensByDomain: isCounts,
  tokensByLanguage: isCounts,
}

/** Throws 'corrupt' for a note that is not what its stage writes. Fields that this version does not know are left out of what is read. */
export function readLoadNote({ note }: Noted): LoadNote {
  const { load = null, readBytes = 0, ended = false } = parseNote(note, 'loading')
  if ((load !== null && !isLoad(load)) || !isCount(readBytes)) throw damagedNote('loading', note)
  return { load, readBytes, ended } as LoadNote
}

/** Throws as `readLoadNote`. */
export function readDecideNote({ note }: Noted): DecideNote {
  const { totals = emptyDecideTotals(), ended = false, guards } = parseNote(note, 'deciding')
  if (!hasAll(totals, decideChecks) || !(guards === undefined || isList(guards, isGuard)))
    throw damagedNote('deciding', note)
  return { totals: restoreTotals(totals, decideChecks), ended, guards } as DecideNote
}

/** Throws as `readLoadNote`. */
export function readShardNote({ note }: Noted): ShardNote {
  const { domains = {}, totals = emptyShardTotals(), ended = false } = parseNote(note, 'sharding')
  if (!hasAll(totals, shardChecks) || !isByName(domains, isDomain)) throw damagedNote('sharding', note)
  return { domains: withoutPrototype(domains), totals: restoreTotals(totals, shardChecks), ended } as ShardNote
}

/** Whether the stage has committed the `end` slot. */
export function isEnded([{ note }]: readonly Noted[]): boolean {
  return parseNote(note, 'stage').ended === true
}

/** The first slot with rows that are in no sealed shard: where a start at `slot` reads on. */
export function firstOpenSlot(domains: ShardNote['domains'], slot: number): number {
  return Math.min(slot, ...Object.values(domains).flatMap(({ openFrom }) => (openFrom < 0 ? [] : [openFrom])))
}

function parseNote(note: string, stage: string): Fields {
  if (note === '') return {}
  try {
    const value: unknown = JSON.parse(note)
    if (isFields(value) && isEndMark(value.ended)) return value
  } catch (error) {
    throw damagedNote(stage, note, error)
  }
  throw damagedNote(stage, note)
}

function hasAll<T>(totals: unknown, checks: Checks<T>): totals is T & Fields {
  return isFields(totals) && Object.entries<Check>(checks).every(([name, isWhole]) => isWhole(totals[name]))
}

/** The totals that this version counts, with counts that any name may be added to. */
function restoreTotals<T>(totals: T & Fields, checks: Checks<T>): T {
  return Object.fromEntries(Object.keys(checks).map(name => [name, withoutPrototype(totals[name])])) as T
}

/** Names come from documents: one may be called `constructor`. */
function withoutPrototype(value: unknown): unknown {
  return isFields(value) ? Object.assign(emptyCounts(), value) : value
}

function damagedNote(stage: string, note: string, cause?: unknown): HeadraceError {
  const text = note.length > 100 ? `${note.slice(0, 100)}...` : note
  return new HeadraceError(
    'corrupt',
    `the note of ${stage} in the run's log is not what this version writes: ${JSON.stringify(text)}; restore the log from a copy, or replay its input as another run`,
    cause,
  )
}
