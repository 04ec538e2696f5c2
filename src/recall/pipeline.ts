import type { Annotator } from '../annotate/annotator.ts'
import { HeadraceError } from '../errors.ts'
import type { FeedOptions } from '../feed/options.ts'
import { gate, isGate, type Pipeline } from '../pipeline/pipeline.ts'
import type { RecallOrder } from '../record/recalled.ts'
import { recallAnnotator } from './annotator.ts'
import { capDecider, domainDecider } from './deciders.ts'
import { openScorer } from './scorer.ts'

/**
 * The pipeline of a recall, made of the one whose run it recalls from. Its annotators measure what passes, and neither its gates nor its rules
 * drop anything: the rules are the recall's, in a gate in front. Of its deciders those have a part that remember documents. Throws
 * `bad-option` where a column would be another one's.
 */
export function recallPipeline(pipeline: Pipeline, order: RecallOrder): Pipeline {
  const { recall } = order
  const annotators = pipeline.annotators.filter((step): step is Annotator => !isGate(step))
  const scorer = openScorer(order.scorer)
  refuseColumn(pipeline, annotators, scorer.column)
  return {
    ...pipeline,
    annotators: [recallAnnotator(order, scorer), gate(), ...annotators],
    rules: null,
    deciders: [...capsOf(order), ...findLookers(pipeline), domainDecider(recall)],
    guards: [],
    feedOptions: pipeline.feedOptions && feedOf(pipeline.feedOptions),
    storedText: 'all',
  }
}

/** The deciders that remember what was kept, and know a copy of it. */
export const findLookers = ({ deciders }: Pick<Pipeline, 'deciders'>) =>
  deciders.filter(({ tables }) => tables.length > 0)

const capsOf = ({ recall }: RecallOrder) =>
  recall.perHost === undefined && recall.perSource === undefined ? [] : [capDecider(recall)]

function refuseColumn({ name }: Pipeline, annotators: readonly Annotator[], column: string): void {
  const writer = annotators.find(({ writes }) => writes.some(field => field.name === column))
  if (!writer) return
  throw new HeadraceError(
    'bad-option',
    `'${writer.name}' of the pipeline '${name}' writes the column '${column}' already, as the model does: fit the model under another name`,
  )
}

/** A recall has one domain: what names domains of the pipeline's own feed is left out. */
function feedOf({ replay, ...others }: FeedOptions): FeedOptions {
  return { ...others, mixture: null, ...(replay && { replay: { ...replay, from: null } }) }
}
