import {
  isCount,
  isFields,
  isListOf,
  isObjectOf,
  isOneOf,
  isRecordOf,
  isText,
  type Shape,
} from '../../disk/json-file.ts'
import type { PlannedShard } from './promotion.ts'

/** What becomes of documents that repeat one which a run before has given: they are left out, refused as a whole, or fed all the same. */
export type Duplicates = 'drop' | 'refuse' | 'keep'

/** Documents and their tokens. */
export interface Amount {
  readonly documents: number
  readonly tokens: number
}

/**
 * A run as a feed of several runs names it: its folder from the one that the feed lies in, with `/`, its id (empty in one of an older
 * version), its pipeline's name, and its shards' fingerprint.
 */
export interface JoinedRun {
  readonly run: string
  readonly id: string
  readonly pipeline: string
  readonly fingerprint: string
  /** The shards that are taken of its manifest: from one on, and the one after the last. */
  readonly shards: readonly [from: number, to: number]
  /**
   * The feed counts the slots of all its runs on, so that no two of its documents have one address: slot s of this run is slot
   * `slotOffset + s` of the feed, and `slots` is how many it may have.
   */
  readonly slotOffset: number
  readonly slots: number
  /** The name under which a domain of the run is fed, where that is another. */
  readonly map: Readonly<Record<string, string>>
  /** The file below the feed's folder that lists the shards and which of their rows are fed; its name is its SHA-256. */
  readonly selection: string
  /** The file that lists the documents that are left out, and what each repeats; null where none was looked for. */
  readonly copies: string | null
  readonly fed: Amount
  readonly leftOut: Amount
}

/** A decider that looks for duplicates, as runs record it. */
export interface JoinDecider {
  readonly name: string
  readonly version: number
  readonly options: Readonly<Record<string, unknown>>
}

/** Runs whose shards a feed takes in from a step on, in the order in which duplicates are decided. */
export interface Join {
  readonly runs: readonly JoinedRun[]
  readonly duplicates: Duplicates
  readonly deciders: readonly JoinDecider[]
}

const isAmount = isObjectOf({ documents: isCount, tokens: isCount })
const isFile = (folder: string, ending: string): Shape => {
  const pattern = new RegExp(`^${folder}/[0-9a-f]{64}\\.${ending}$`)
  return value => typeof value === 'string' && pattern.test(value)
}
const isCopies = isFile('joined', 'copies\\.jsonl')
const isRange: Shape = value => isListOf(isCount)(value) && (value as number[]).length === 2

const isJoinedRun = isObjectOf({
  run: isText,
  id: isText,
  pipeline: isText,
  fingerprint: isText,
  shards: isRange,
  slotOffset: isCount,
  slots: isCount,
  map: isRecordOf(isText),
  selection: isFile('joined', 'jsonl'),
  copies: value => value === null || isCopies(value),
  fed: isAmount,
  leftOut: isAmount,
})

export const isJoin = isObjectOf({
  runs: isListOf(isJoinedRun),
  duplicates: isOneOf('drop', 'refuse', 'keep'),
  deciders: isListOf(isObjectOf({ name: isText, version: isCount, options: isFields })),
})

/**
 * The order in which shards of several runs are taken in. Those of a domain of a run stay in their order, and all such rows of shards go on
 * at one pace: a shard stands where its middle is in its row's tokens, from 0 to 1. So whatever is fed at a time has each domain of each run by
 * its share, and none is fed out before another. Of equals the row that was met first is first. A pure function.
 */
export function interleave(shards: readonly PlannedShard[]): PlannedShard[] {
  const rows = Map.groupBy(
    shards,
    ({ domain, shard }) => `${shard.path.slice(0, shard.path.lastIndexOf('/'))} ${domain}`,
  )
  const placed = [...rows.values()].flatMap(row => {
    const all = row.reduce((sum, { tokens }) => sum + tokens, 0)
    let before = 0
    return row.map(planned => {
      const middle = (before + planned.tokens / 2) / (all || 1)
      before += planned.tokens
      return { planned, middle }
    })
  })
  return placed.sort((a, b) => a.middle - b.middle).map(({ planned }) => planned)
}
