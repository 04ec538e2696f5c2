import { join } from 'node:path'
import {
  isCount,
  isListOf,
  isObjectOf,
  isOneOf,
  isOptional,
  isRecordOf,
  isText,
  isTupleOf,
  readJson,
  type Shape,
  writeJson,
} from '../disk/json-file.ts'
import type { LogPlace } from '../log/place.ts'
import type { StoredText } from '../pipeline/pipeline.ts'
import type { RunShape } from './layout.ts'
import { isReasons, type RecordedReasons } from './reasons.ts'
import { isRecalled, type Recalled } from './recalled.ts'

/** The slots from `from` on, up to the next segment, and the fingerprints of the pipeline that decides them. */
export interface Segment {
  readonly from: number
  readonly annotate: string
  readonly decide: string
  readonly shard: string
  /** Of the deciders' tables, which go on through all segments. */
  readonly state: string
  /** Of how the source makes documents, and of every column after annotating; none in a run of an older version. */
  readonly origin?: string
  readonly columns?: Readonly<Record<string, string>>
  /** Of a kept document's tokens; none without a tokenizer, nor in a run of an older version. */
  readonly tokens?: string
  /** What removes rows, for who explains them; none in a run of an older version. */
  readonly reasons?: RecordedReasons
}

/** Where the classes of characters and the normal forms come from that texts were measured by. */
export interface TextTables {
  readonly node: string
  readonly unicode: string
  readonly icu: string
}

/** Another run, as `run.json` names it: its folder, from the one of the run that names it, and its id. */
export interface RunName {
  readonly dir: string
  readonly id: string
}

/** What a replay is of: slots `from` to `to` (not included) of another run, as it had decided them. */
export interface Replayed extends RunName {
  readonly from: number
  readonly to: number
}

/** What `run.json` says: fixed when the run is created, and checked whenever it goes on. An upgrade adds a segment. */
export interface RunFile extends RunShape, LogPlace {
  readonly version: 1
  /** Drawn when the run is created, and bound into its log and tables (`binding.ts`). A run of an older version has none. */
  readonly id?: string
  /** Of the Node that began the run. A run of an older version does not say. */
  readonly text?: TextTables
  readonly pipeline: string
  /** URL of the pipeline's file, for people to see: whoever reads a run imports nothing that it names. */
  readonly module: string
  readonly input: readonly string[]
  readonly source: string
  readonly slotBytes: number
  readonly segments: readonly Segment[]
  readonly feed: unknown
  /** The form of its feed's ledger; that of a run of an older version is the one before. */
  readonly ledger?: 2
  /** Set where not all texts stay: those of kept documents do, or none once these are in sealed shards. */
  readonly storedText?: Exclude<StoredText, 'all'>
  /** Of a replay: what it is of. */
  readonly replays?: Replayed
  /** Of a replay that recalls what the other run has dropped: how. */
  readonly recall?: Recalled
  /** Of a replay that refers to the rows of another run: that run. It stands there until this one is removed. */
  readonly base?: RunName
  /** What the tokenizer is, or null for a run that makes no shards. */
  readonly tokenizer: unknown
}

/** The segment that a slot belongs to. */
export function segmentAt(segments: readonly Segment[], slot: number): Segment {
  return segments.findLast(segment => segment.from <= slot) ?? segments[0]
}

/** Whether a slot is the last of its segment. */
export function isSegmentEnd(segments: readonly Segment[], slot: number): boolean {
  return segments.some(segment => segment.from === slot + 1)
}

/** Writes a run's file so that it lasts. */
export async function writeRunFile(dir: string, run: RunFile): Promise<RunFile> {
  await writeJson(join(dir, 'run.json'), run)
  return run
}

/** Partitions and lanes of a run at most: what a run file says beyond it is damage. */
const countMax = 1024

const isCut = (value: unknown) => isCount(value) && Number(value) > 0 && Number(value) <= countMax
const isPlace = (value: unknown) => value === null || isText(value)
const isSegment = isObjectOf({
  from: isCount,
  annotate: isText,
  decide: isText,
  shard: isText,
  state: isText,
  origin: isOptional(isText),
  columns: isOptional(isRecordOf(isText)),
  tokens: isOptional(isText),
  reasons: isOptional(isReasons),
})
const isRunName = isObjectOf({ dir: isText, id: isText })
const isReplayed = isObjectOf({ dir: isText, id: isText, from: isCount, to: isCount })
const isFirst = isObjectOf({ from: isOneOf(0) })
const isTextTables = isObjectOf({ node: isText, unicode: isText, icu: isText })
const isFile: Shape = value => typeof value === 'string' && value.startsWith('file:')

const isRunFile = isObjectOf({
  version: isOneOf(1),
  id: isOptional(isText),
  text: isOptional(isTextTables),
  pipeline: isText,
  module: isFile,
  input: isListOf(isText),
  source: isText,
  log: isPlace,
  logConfig: isPlace,
  partitions: isCut,
  lanes: isCut,
  slotBytes: isCount,
  replays: isOptional(isReplayed),
  recall: isOptional(isRecalled),
  storedText: isOptional(isOneOf('kept', 'none')),
  ledger: isOptional(isOneOf(2)),
  base: isOptional(isRunName),
  segments: value => isListOf(isSegment)(value) && isTupleOf(isFirst)(value),
})

/**
 * A run's file, or null where there is no run. Throws 'corrupt' for one that is damaged, of another version, or that names anything but a
 * file as its pipeline.
 */
export function readRunFile(dir: string): Promise<RunFile | null> {
  const fault = 'is no run file of this version: restore it, or begin another run'
  return readJson<RunFile>(join(dir, 'run.json'), isRunFile, fault)
}
