import {
  type Fields,
  isCount,
  isFields,
  isListOf,
  isObjectOf,
  isOneOf,
  isOptional,
  isRecordOf,
  isText,
  isTupleOf,
  type Shape,
} from '../disk/json-file.ts'
import { HeadraceError } from '../errors.ts'
import type { Position } from '../log/log.ts'
import type { LeftOut } from '../sources/left-out.ts'
import type { ReadPosition } from '../sources/source.ts'
import type { SplitNote } from './long-notes.ts'
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
  /** Records that only say that a key was deleted; 0 in a note from before they were counted. */
  readonly tombstones: number
  /** What lies beside the files and is not read; none in a note from before it was told. */
  readonly leftOut?: readonly LeftOut[]
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
  /** What the feed ended with, once that was published; null before, and for a run without one. */
  readonly fed: FeedEnd | null
}

/** The last step's digest, and how many steps there are. */
export interface FeedEnd {
  readonly steps: number
  readonly digest: string
}

type Noted = Pick<Position, 'note'>

const isFrom: Shape = value => value === -1 || isCount(value)
const isFlag = isOneOf(true, false)
const isCounts = isRecordOf(isCount)
const isKeptByName = isRecordOf(isObjectOf({ documents: isCount, kept: isCount }))
const isSeen: Shape = value => value === undefined || isText(value)
const isLane = isObjectOf({ split: isCount, offset: isCount, line: isCount, seen: isSeen })
const isLeftOut = isOptional(isListOf(isObjectOf({ kind: isText, count: isCount, names: isListOf(isText) })))
const isLoad = isObjectOf({ turn: isCount, lanes: isListOf(isLane) })
const isFeedEnd = isObjectOf({ steps: isCount, digest: isText })
const isDomains = isRecordOf(isObjectOf({ next: isCount, sealedTo: isCount, openFrom: isFrom }))
const isGroup = isTupleOf(isText, isCount, isCount, isFlag, isListOf(isTupleOf(isText, isCount)))
const isGuards = isListOf(isObjectOf({ guard: isText, window: isFrom, rows: isCount, groups: isListOf(isGroup) }))

type Shapes<T> = Readonly<Record<keyof T & string, Shape>>
const decideTotals: Shapes<DecideTotals> = {
  documents: isCount,
  kept: isCount,
  dead: isCount,
  textBytes: isCount,
  keptBytes: isCount,
  uncompared: isOptional(isCount),
  labelled: isOptional(isObjectOf({ id: isCount, url: isCount, added: isCount })),
  otherDomains: isCount,
  dropped: isCounts,
  repaired: isCount,
  repairs: isCounts,
  byDomain: isKeptByName,
  byLanguage: isKeptByName,
}
/** What a note lacks that was written before anything was repaired. */
const beforeRepairs = { repaired: 0, repairs: {} }
const shardTotals: Shapes<ShardTotals> = {
  tokens: isCount,
  shards: isCount,
  tokensByDomain: isCounts,
  tokensByLanguage: isCounts,
}

/** Throws 'corrupt' for a note that is not what its stage writes. Fields that this version does not know are left out of what is read. */
export function readLoadNote({ note }: Noted): LoadNote {
  const { load = null, readBytes = 0, tombstones = 0, leftOut, ended = false } = parseNote(note, 'loading')
  const isKnown = (load === null || isLoad(load)) && isCount(readBytes) && isCount(tombstones) && isLeftOut(leftOut)
  if (!isKnown) throw damagedNote('loading', note)
  return { load, readBytes, tombstones, ...(leftOut !== undefined && { leftOut }), ended } as LoadNote
}

/** Throws as `readLoadNote`. Of a long note (`wholePosition`) what the position has: the sums, and nothing by name. */
export function readDecideNote({ note }: Noted): DecideNote {
  const { totals: noted = emptyDecideTotals(), ended = false, guards } = parseNote(note, 'deciding')
  // A run that was begun before repaired nothing, and had no more domains than are kept apart.
  const totals = isFields(noted) ? { otherDomains: 0, ...beforeRepairs, ...noted } : noted
  if (!isObjectOf(decideTotals)(totals) || !(guards === undefined || isGuards(guards)))
    throw damagedNote('deciding', note)
  return { totals: restoreTotals(totals, decideTotals), ended, guards } as DecideNote
}

/** For `NoteWriter`. */
export function splitDecideNote(note: DecideNote): SplitNote {
  const { byDomain, byLanguage, ...sums } = note.totals
  return {
    note,
    brief: { ...note, totals: { ...sums, byDomain: {}, byLanguage: {} } },
    named: { byDomain, byLanguage },
  }
}

/** For `NoteWriter`. */
export function splitShardNote(note: ShardNote): SplitNote {
  const { tokensByDomain, tokensByLanguage, ...sums } = note.totals
  const brief = { ...note, domains: {}, totals: { ...sums, tokensByDomain: {}, tokensByLanguage: {} } }
  return { note, brief, named: { domains: note.domains, tokensByDomain, tokensByLanguage } }
}

/** Throws as `readLoadNote`. Of a long note what the position has, as `readDecideNote`. */
export function readShardNote({ note }: Noted): ShardNote {
  const { domains = {}, totals = emptyShardTotals(), ended = false, fed = null } = parseNote(note, 'sharding')
  const isKnown = isObjectOf(shardTotals)(totals) && isDomains(domains) && (fed === null || isFeedEnd(fed))
  if (!isKnown) throw damagedNote('sharding', note)
  return { domains: withoutPrototype(domains), totals: restoreTotals(totals, shardTotals), ended, fed } as ShardNote
}

/** The note of a position, whole or not, which says what the feed ended with, too. */
export function noteFeedEnd(note: string, fed: FeedEnd): string {
  return JSON.stringify({ ...parseNote(note, 'sharding'), fed })
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
    if (isFields(value) && isOneOf(true, false, undefined)(value.ended)) return value
  } catch (error) {
    throw damagedNote(stage, note, error)
  }
  throw damagedNote(stage, note)
}

/** The totals that this version counts, with counts that any name may be added to. */
function restoreTotals(totals: unknown, shapes: object): unknown {
  const known = Object.keys(shapes).map(name => [name, withoutPrototype((totals as Fields)[name])])
  return Object.fromEntries(known)
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
