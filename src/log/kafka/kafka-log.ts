import { assert } from '../../errors.ts'
import { Cluster } from '../../kafka/cluster.ts'
import { wrapKafkaError } from '../../kafka/errors.ts'
import { fetchBytesMax, offsetsOf } from '../../kafka/fetch.ts'
import type { KafkaOptions } from '../../kafka/options.ts'
import type { Cursor, Entry, Membership, Owner, Position, ShareHandler, SpreadLog, Topics } from '../log.ts'
import { stageOf, startPosition } from '../log.ts'
import { Member } from './member.ts'
import { createNames, type Names, type Scope } from './names.ts'
import { KafkaOwner } from './owner.ts'
import { readState, settle } from './positions.ts'
import { readPartition } from './reader.ts'
import type { TopicPlan, TopicSpec } from './topics.ts'
import { checkBrokers, dataTopic, deleteTopics, ensureTopics, findRisk, planTopics, positionsTopic } from './topics.ts'

export { parseKafkaOptions, parseProperties } from '../../kafka/options.ts'
export type { TopicPlan } from './topics.ts'

export interface KafkaRun {
  readonly run: string
  /** The topic that each stage reads, so that Kafka's own tools can show its lag as a consumer group's. */
  readonly inputs?: Readonly<Record<string, string>>
  /** Stages whose partitions are owned singly. All topics of such a stage have the same number of partitions. */
  readonly spread?: readonly string[]
  /** Bytes of a fetch. Default 4 MB; a reader holds two. */
  readonly fetchBytesMax?: number
}

/** A topic of the port, `<stage>.<topic>`, and into how many partitions it is cut. */
export interface TopicShape {
  readonly topic: string
  readonly partitions: number
  /** It is trimmed all the time, behind who reads it. Default false. */
  readonly isPassing?: boolean
}

/**
 * The log on Kafka: a topic each, and one of positions for each stage. A commit is a transaction; readers see only what is committed;
 * the owner of a stage, or of a partition of a spread stage, is who has its transactional id last.
 * Offsets have gaps where transactions end or were aborted.
 *
 * A commit that failed is settled while the brokers can be reached. Otherwise it may have happened: the owner commits nothing more, and
 * a new start reads how it went.
 */
export class KafkaLog implements SpreadLog, Topics {
  readonly #cluster: Cluster
  readonly #names: Names
  readonly #run: KafkaRun

  private constructor(cluster: Cluster, names: Names, run: KafkaRun) {
    this.#cluster = cluster
    this.#names = names
    this.#run = run
  }

  /** Connects. `bad-option` when the client is not installed or the brokers are too old or refuse; `disk` when none answers. */
  static async open(options: KafkaOptions, run: KafkaRun): Promise<KafkaLog> {
    const names = createNames(options.prefix, run.run)
    return new KafkaLog(await Cluster.open(options), names, run)
  }

  /** What `ensureTopics` would do. */
  async planTopics(shapes: readonly TopicShape[]): Promise<TopicPlan[]> {
    return this.#wrap('planning topics', () => planTopics(this.#cluster, this.#specs(shapes)))
  }

  /** Checks the brokers' limits and creates what is missing, positions too. `bad-option` with what differs and what to set. */
  async ensureTopics(shapes: readonly TopicShape[]): Promise<TopicPlan[]> {
    return this.#wrap('creating topics', async () => {
      await checkBrokers(this.#cluster)
      return ensureTopics(this.#cluster, this.#specs(shapes))
    })
  }

  /** Deletes those of the topics that exist, positions too, and returns their names on the brokers. */
  async deleteTopics(shapes: readonly TopicShape[]): Promise<string[]> {
    return this.#wrap('deleting topics', () => deleteTopics(this.#cluster, this.#specs(shapes)))
  }

  /** What a run with these topics is not safe from on these brokers, as a sentence, or null. */
  async findRisk(shapes: readonly TopicShape[]): Promise<string | null> {
    const names = this.#specs(shapes).map(({ name }) => name)
    return this.#wrap('looking at topics', () => findRisk(this.#cluster, names))
  }

  async *read(from: Cursor, signal: AbortSignal): AsyncIterable<Entry> {
    const topic = this.#names.topic(from.topic)
    const bounds = () => this.bounds(from.topic, from.partition)
    const bytesMax = this.#run.fetchBytesMax ?? fetchBytesMax
    try {
      yield* readPartition({ cluster: this.#cluster, topic, from, bounds, bytesMax }, signal)
    } catch (error) {
      throw wrapKafkaError(error, `reading ${topic}/${from.partition}`)
    }
  }

  /** `next` is past all that was committed before the call, by whatever process. */
  async bounds(topic: string, partition: number) {
    const name = this.#names.topic(topic)
    return this.#wrap(`asking for the offsets of ${name}/${partition}`, async () => {
      await settle(this.#cluster, this.#names, this.#scope(stageOf(topic), partition))
      return offsetsOf(this.#cluster, name, partition)
    })
  }

  async position(stage: string, partition: number): Promise<Position> {
    return this.#wrap(`reading the positions of stage '${stage}'`, async () => {
      const scope = this.#scope(stage, partition)
      await settle(this.#cluster, this.#names, scope)
      const { positions } = await readState(this.#cluster, this.#names, scope)
      return positions.get(partition) ?? startPosition(partition)
    })
  }

  async own(stage: string): Promise<Owner> {
    assert(!this.#isSpread(stage), `stage '${stage}' is spread: its partitions are owned singly`)
    return this.#own({ stage })
  }

  async ownPartition(stage: string, partition: number): Promise<Owner> {
    assert(this.#isSpread(stage), `stage '${stage}' is not spread: it is owned whole`)
    return this.#own({ stage, partition })
  }

  /** As the port says. `bad-option` when the brokers know no members that share out work: Kafka 4.0 or later is needed for it. */
  async join(stages: readonly string[], handler: ShareHandler): Promise<Membership> {
    return Member.open({ cluster: this.#cluster, names: this.#names, stages, handler })
  }

  /** Into how many partitions a topic is cut; 0 when there is no such topic. */
  async partitionsOf(topic: string): Promise<number> {
    const name = this.#names.topic(topic)
    return this.#wrap(`asking for topic ${name}`, async () => (await this.#cluster.topic(name))?.leaders.length ?? 0)
  }

  async trim(topic: string, partition: number, before: bigint): Promise<void> {
    const name = this.#names.topic(topic)
    const { first, next } = await this.bounds(topic, partition)
    const offset = before < next ? before : next
    if (offset <= first) return
    const { deleteRecords } = this.#cluster.requests
    const topics = [{ name, partitions: [{ partitionIndex: partition, offset }] }]
    await this.#wrap(`trimming ${name}/${partition}`, () =>
      this.#cluster.retry(async () =>
        this.#cluster.call((await this.#cluster.leader(name, partition)).node, deleteRecords, [topics, 30_000]),
      ),
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cluster[Symbol.asyncDispose]()
  }

  #specs(shapes: readonly TopicShape[]): TopicSpec[] {
    const stages = Map.groupBy(shapes, ({ topic }) => stageOf(topic))
    return [
      ...shapes.map(({ topic, partitions, isPassing }) => dataTopic(this.#names.topic(topic), partitions, isPassing)),
      ...[...stages].map(([stage, some]) => positionsTopic(this.#names.positions(stage), this.#ownersOf(stage, some))),
    ]
  }

  /** How many owners a stage has at a time, each with a partition of the topic of positions. */
  #ownersOf(stage: string, shapes: readonly TopicShape[]): number {
    if (!this.#isSpread(stage)) return 1
    const [{ partitions }] = shapes
    assert(
      shapes.every(shape => shape.partitions === partitions),
      `the topics of the spread stage '${stage}' have unequal numbers of partitions`,
    )
    return partitions
  }

  #isSpread(stage: string): boolean {
    return this.#run.spread?.includes(stage) ?? false
  }

  #scope(stage: string, partition: number): Scope {
    return this.#isSpread(stage) ? { stage, partition } : { stage }
  }

  async #own(scope: Scope): Promise<Owner> {
    const input = this.#run.inputs?.[scope.stage] ?? null
    return KafkaOwner.open({ cluster: this.#cluster, names: this.#names, ...scope, input })
  }

  async #wrap<T>(doing: string, act: () => Promise<T>): Promise<T> {
    try {
      return await act()
    } catch (error) {
      throw wrapKafkaError(error, doing)
    }
  }
}
