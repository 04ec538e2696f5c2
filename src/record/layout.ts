import type { StoredText } from '../pipeline/pipeline.ts'

/** Where what a run leaves lies in its log: stages, topics and partitions. */
export const stageNames = ['load', 'annotate', 'decide', 'shard'] as const
export type StageName = (typeof stageNames)[number]

/** Where slots of a run go; fixed when the run is created. */
export interface RunShape {
  /** Partitions of each slot topic. Slot n stands in partition n mod this. */
  readonly partitions: number
  /** Lanes of the loader. */
  readonly lanes: number
  /** Annotating is spread over processes: loading is a stage of its own, and each partition has its own owner. Default false. */
  readonly spread?: boolean
  /** Texts that the run does not store have a topic for as long as they are needed. Default false. */
  readonly textTopic?: boolean
}

/** Whether a run's texts have a topic: where they may not stay, and its log is not in its folder, where they have files. */
export const hasTextTopic = (run: { readonly log: string | null; readonly storedText?: StoredText | undefined }) =>
  run.log !== null && leavesTexts(run)

/** Whether some texts of a run do not stay. */
export const leavesTexts = ({ storedText = 'all' }: { readonly storedText?: StoredText | undefined }) =>
  storedText !== 'all'

/** The topics of a run; each belongs to the stage that its name begins with. Of `raw` and the splits, see `loaderOf`. */
export const topics = {
  raw: 'load.raw',
  scored: 'annotate.scored',
  texts: 'annotate.texts',
  dead: 'annotate.dead',
  kept: 'decide.kept',
  drops: 'decide.drops',
  choices: 'decide.choices',
  decideNotes: 'decide.notes',
  manifest: 'shard.manifest',
  shardNotes: 'shard.notes',
} as const

/** The stage that loads, its topic of splits, and the one that its slots go to. */
export function loaderOf({ spread }: RunShape) {
  if (spread) return { stage: 'load', splits: 'load.splits', slots: topics.raw } as const
  return { stage: 'annotate', splits: 'annotate.splits', slots: topics.scored } as const
}

/** Partitions of the topic of dead rows: a spread stage cuts all its topics. */
export function deadPartitionsOf({ spread, partitions }: RunShape): number {
  return spread ? partitions : 1
}

/** The topics of a run: those of slots are cut into its partitions, the others have one. */
export function topicShapes(shape: RunShape): { topic: string; partitions: number; isPassing: boolean }[] {
  const { raw, texts, ...others } = topics
  const passing: readonly string[] = [...(shape.spread ? [raw] : []), ...(shape.textTopic ? [texts] : [])]
  const cut = [...passing, topics.scored, topics.kept, ...(shape.spread ? [topics.dead] : [])]
  return [loaderOf(shape).splits, ...Object.values(others), ...passing].map(topic => ({
    topic,
    partitions: cut.includes(topic) ? shape.partitions : 1,
    isPassing: passing.includes(topic),
  }))
}
