import { HeadraceError } from '../errors.ts'
import type { Position } from '../log/log.ts'
import type { ReadPosition } from '../sources/source.ts'
import { type DecideTotals, emptyDecideTotals, emptyShardTotals, restoreTotals, type ShardTotals } from './totals.ts'
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
type Fields = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0
const isEndMark = (value: unknown) => value === undefined || typeof value === 'boolean'
const isLane = (lane: unknown) =>
  isObject(lane) && isCount(lane.split) && Number.isSafeInteger(lane.offset) && isCount(lane.line)
const isDomain = (note: unknown) =>
  isObject(note) && isCount(note.next) && isCount(note.sealedTo) && Number.isSafeInteger(note.openFrom)

/** Throws 'corrupt' for a note that is not what its stage writes. */
export function readLoadNote({ note }: Noted): LoadNote {
  const { load = null, readBytes = 0, ended = false } = parseNote(note, 'loading')
  const isLoad = isObject(load) && isCount(load.turn) && Array.isArray(load.lanes) && load.lanes.every(isLane)
  if ((load !== null && !isLoad) || !isCount(readBytes)) throw damagedNote('loading', note)
  return { load, readBytes, ended } as LoadNote
}

/** Throws 'corrupt' for a note that is not what its stage writes. */
export function readDecideNote({ note }: Noted): DecideNote {
  const { totals = emptyDecideTotals(), ended = false, guards } = parseNote(note, 'deciding')
  if (!isTotals(totals, emptyDecideTotals()) || !(guards === undefined || Array.isArray(guards)))
    throw damagedNote('deciding', note)
  return { totals: restoreTotals(totals), ended, guards } as DecideNote
}

/** Throws 'corrupt' for a note that is not what its stage writes. */
export function readShardNote({ note }: Noted): ShardNote {
  const { domains = {}, totals = emptyShardTotals(), ended = false } = parseNote(note, 'sharding')
  if (!isTotals(totals, emptyShardTotals()) || !isObject(domains) || !Object.values(domains).every(isDomain))
    throw damagedNote('sharding', note)
  return { domains, totals: restoreTotals(totals), ended } as ShardNote
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
    if (isObject(value) && isEndMark(value.ended)) return value
  } catch (error) {
    throw damagedNote(stage, note, error)
  }
  throw damagedNote(stage, note)
}

/** Whether totals have a count wherever `empty` has one, and counts by name wherever it has these. */
function isTotals(totals: unknown, empty: object): totals is object {
  return (
    isObject(totals) &&
    Object.entries(empty).every(([name, value]) =>
      typeof value === 'number' ? isCount(totals[name]) : isObject(totals[name]),
    )
  )
}

function damagedNote(stage: string, note: string, cause?: unknown): HeadraceError {
  const text = note.length > 100 ? `${note.slice(0, 100)}...` : note
  return new HeadraceError(
    'corrupt',
    `the note of ${stage} in the run's log is not what this version writes: ${JSON.stringify(text)}; restore the log from a copy, or replay its input as another run`,
    cause,
  )
}
