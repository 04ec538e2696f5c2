import type { Pipeline } from '../../src/pipeline/pipeline.ts'
import { planPipeline } from '../../src/pipeline/plan.ts'
import { decideAll, type ExpectedFate, type IsPoison, type KeptDocument } from './oracle-fates.ts'
import type { FeedLimits, FeedOrigin } from './oracle-identity.ts'
import type { HashOfBlock } from './oracle-lines.ts'
import type { NameLimits } from './oracle-names.ts'
import { cutShards, type ExpectedShard, type ShardLimits } from './oracle-shards.ts'
import {
  type CutLimits,
  cutSlots,
  type FieldNames,
  type InputFile,
  type InputRecord,
  readRecords,
} from './oracle-slots.ts'
import { type Control, type ExpectedFeed, planFeed } from './oracle-steps.ts'

/** The bounds that a run's output depends on. `blockSlotsMax` is 16,384 where a feed is opened without it. */
export type OracleLimits = CutLimits & NameLimits & ShardLimits & FeedLimits

/** A record by where it stands in the input. */
export interface RecordPlace {
  readonly file: string
  readonly line: number
}

/** What the input alone does not say of a run. */
export interface RunConditions {
  /** The records of each slot as the run cut them, for a source whose files came while it ran. Default: cut from the files. */
  readonly slots?: readonly (readonly RecordPlace[])[]
  /** Whether the source has ended. One that has not leaves shards open and steps unplanned. Default true. */
  readonly isEnded?: boolean
  /** Rows that are dead for what a clock or a crash did: the reason, or null. Asked of the text before it is measured. */
  readonly isPoison?: IsPoison
  /** The entries of the feed's `control.json`. */
  readonly controls?: readonly Control[]
  /** Of the feed's blocks; null of a feed that was begun before its ledger named them. */
  readonly hashOf: HashOfBlock | null
}

/** What a run must have written. */
export interface Expected {
  readonly isEnded: boolean
  /** Slots of records: the slot that says the end is not counted. */
  readonly slots: number
  /** Every record's fate, in the order of slots and rows. */
  readonly fates: readonly ExpectedFate[]
  readonly kept: readonly KeptDocument[]
  /** In the order of sealing; empty without a tokenizer. */
  readonly shards: readonly ExpectedShard[]
  readonly feed: ExpectedFeed | null
}

/**
 * Recomputes a run from its input and its pipeline's settings: slots, fates, shards and steps. It is an oracle: naive, slow, and free of
 * the code that it judges. Operators that see one document alone (annotators, the tokenizer) are the run's own, called a row at a
 * time; the deciders and all that follows are written again from their rules.
 *
 * The source must be `jsonl` over whole files. Throws for a decider that it does not know.
 */
export async function expectRun(
  inputs: readonly InputFile[],
  pipeline: Pipeline,
  limits: OracleLimits,
  { slots: places, isEnded = true, isPoison, controls = [], hashOf }: RunConditions,
): Promise<Expected> {
  const slots = places ? findRecords(inputs, pipeline, limits, places) : cutSlots(inputs, namesOf(pipeline), limits)
  const { fates, kept } = await decideAll(slots, pipeline, limits, isPoison)
  const freshness = pipeline.feedOptions?.freshness ?? null
  const shards = pipeline.tokenizer ? cutShards(kept, slots.length, isEnded, limits, freshness) : []
  const hasFeed = pipeline.tokenizer !== null && pipeline.feedOptions !== null
  const feed = hasFeed ? planFeedOf(pipeline, shards, isEnded, limits, { controls, hashOf }) : null
  return { isEnded, slots: slots.length, fates, kept, shards, feed }
}

/** The feed that a pipeline makes of shards, with what was changed of it since. */
export function planFeedOf(
  pipeline: Pipeline,
  shards: readonly ExpectedShard[],
  isEnded: boolean,
  limits: OracleLimits,
  changes: Pick<FeedOrigin, 'controls' | 'hashOf'>,
): ExpectedFeed {
  const { tokenizer, feedOptions, name } = pipeline
  // A label of what the pipeline is; no rule of the run.
  const fingerprint = planPipeline(pipeline).shardFingerprint
  return planFeed(shards, isEnded, feedOptions!, limits, {
    run: name,
    tokenizer: tokenizer!.options,
    fingerprint,
    ...changes,
  })
}

/**
 * What is wrong with slots that a run cut as files came: each record must be in one slot, once, and each file's in order. Unless
 * `isWhole`, a file's last records may be missing.
 */
export function checkSlots(
  inputs: readonly InputFile[],
  pipeline: Pipeline,
  limits: OracleLimits,
  slots: readonly (readonly RecordPlace[])[],
  isWhole: boolean,
): string[] {
  const differences: string[] = []
  const lines = new Map<string, number[]>(inputs.map(({ name }) => [name, []]))
  for (const { file, line } of slots.flat())
    if (lines.has(file)) lines.get(file)!.push(line)
    else differences.push(`${file}:${line} is in a slot and the file is not in the input`)
  const records = readRecords(inputs, namesOf(pipeline), limits)
  for (const [file, found] of lines) {
    const all = records.filter(record => record.file === file).map(record => record.line)
    const expected = isWhole ? all : all.slice(0, found.length)
    const at = expected.findIndex((line, i) => found[i] !== line)
    if (at >= 0)
      differences.push(`${file}: record ${at} is line ${expected[at]} and the slots have ${found[at] ?? 'none'}`)
    else if (found.length > expected.length)
      differences.push(`${file}: has ${expected.length} records and the slots have ${found.length}`)
  }
  return differences
}

function findRecords(
  inputs: readonly InputFile[],
  pipeline: Pipeline,
  limits: OracleLimits,
  places: readonly (readonly RecordPlace[])[],
): InputRecord[][] {
  const records = new Map(
    readRecords(inputs, namesOf(pipeline), limits).map(record => [`${record.file}:${record.line}`, record]),
  )
  return places.map(slot =>
    slot.map(({ file, line }) => {
      const record = records.get(`${file}:${line}`)
      if (record) return record
      throw new Error(`a slot has ${file}:${line}, which is no record of the input`)
    }),
  )
}

function namesOf({ source }: Pipeline): FieldNames {
  if (source?.name !== 'jsonl') throw new Error(`the oracle reads jsonl, not ${source?.name ?? 'no source'}`)
  return source.options as unknown as FieldNames
}
