import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeDurably } from '../disk/durable-file.ts'
import { HeadraceError, wrapDiskError } from '../errors.ts'
import type { RunShape } from './layout.ts'
import type { LogPlace } from './open-log.ts'

/** The slots from `from` on, up to the next segment, and the fingerprints of the pipeline that decides them. */
export interface Segment {
  readonly from: number
  readonly annotate: string
  readonly decide: string
  readonly shard: string
  /** Of the deciders' tables, which go on through all segments. */
  readonly state: string
}

/** What `run.json` says: fixed when the run is created, and checked whenever it goes on. An upgrade adds a segment. */
export interface RunFile extends RunShape, LogPlace {
  readonly version: 1
  readonly pipeline: string
  readonly module: string
  readonly input: readonly string[]
  readonly source: string
  readonly slotBytes: number
  readonly segments: readonly Segment[]
  readonly feed: unknown
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
export async function writeRunFile(dir: string, next: RunFile): Promise<RunFile> {
  await writeDurably(join(dir, 'run.json'), [Buffer.from(`${JSON.stringify(next, null, 2)}\n`)])
  return next
}

/** A run's file, or null where there is no run. */
export async function readRunFile(dir: string): Promise<RunFile | null> {
  const text = await readFile(join(dir, 'run.json'), 'utf8').catch(error => {
    if (error.code === 'ENOENT') return null
    throw wrapDiskError(error, `reading ${join(dir, 'run.json')}`)
  })
  return text === null ? null : parseRunFile(join(dir, 'run.json'), text)
}

/** Partitions and lanes of a run at most: what a run file says beyond it is damage. */
const countMax = 1024

function isPlace({ partitions, lanes, log, logConfig }: RunFile): boolean {
  const isCount = (value: number) => Number.isSafeInteger(value) && value > 0 && value <= countMax
  const isText = (value: unknown) => value === null || typeof value === 'string'
  return isCount(partitions) && isCount(lanes) && isText(log) && isText(logConfig)
}

function isSegments(value: unknown): boolean {
  return Array.isArray(value) && value[0]?.from === 0 && value.every(({ from }) => Number.isSafeInteger(from))
}

function parseRunFile(path: string, text: string): RunFile {
  let run: RunFile | null = null
  try {
    run = JSON.parse(text)
  } catch {
    // Said below.
  }
  if (run?.version === 1 && isPlace(run) && isSegments(run.segments)) return run
  throw new HeadraceError('corrupt', `${path} is no run file of this version: restore it, or begin another run`)
}
