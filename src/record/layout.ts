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
}

/** The topics of a run; each belongs to the stage that its name begins with. Of `raw` and the splits, see `loaderOf`. */
export const topics = {
  raw: 'load.raw',
  scored: 'annotate.scored',
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
export function topicShapes(shape: RunShape): { topic: string; partitions: number }[] {
  const { raw, ...others } = topics
  const cut: readonly string[] = [raw, topics.scored, topics.kept, ...(shape.spread ? [topics.dead] : [])]
  const all = [loaderOf(shape).splits, ...Object.values(others), ...(shape.spread ? [raw] : [])]
  return all.map(topic => ({ topic, partitions: cut.includes(topic) ? shape.partitions : 1 }))
}
