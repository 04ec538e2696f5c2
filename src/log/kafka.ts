import { Cluster } from './kafka/cluster.ts'
import { wrapKafkaError } from './kafka/errors.ts'
import { fetchBytesMax, offsetsOf } from './kafka/fetch.ts'
import { createNames, type Names } from './kafka/names.ts'
import type { KafkaOptions } from './kafka/options.ts'
import { KafkaOwner } from './kafka/owner.ts'
import { readState, settle } from './kafka/positions.ts'
import { readPartition } from './kafka/reader.ts'
import {
  checkBrokers,
  dataTopic,
  ensureTopics,
  planTopics,
  positionsTopic,
  type TopicPlan,
  type TopicSpec,
} from './kafka/topics.ts'
import {
  type Cursor,
  type Entry,
  type Log,
  type Owner,
  type Position,
  stageOf,
  startPosition,
  type Topics,
} from './log.ts'

export { parseKafkaOptions, parseProperties } from './kafka/options.ts'
export type { TopicPlan } from './kafka/topics.ts'

export interface KafkaRun {
  readonly run: string
  /** The topic that each stage reads, so that Kafka's own tools can show its lag as a consumer group's. */
  readonly inputs?: Readonly<Record<string, string>>
  /** Bytes of a fetch. Default 4 MB; a reader holds two. */
  readonly fetchBytesMax?: number
}

/** A topic of the port, `<stage>.<topic>`, and into how many partitions it is cut. */
export interface TopicShape {
  readonly topic: string
  readonly partitions: number
}

/**
 * The log on Kafka: a topic each, and one of positions for each stage. A commit is a transaction; readers see only what is committed;
 * a stage's owner is who has its transactional id last. Offsets have gaps where transactions end or were aborted.
 *
 * A commit that failed is settled while the brokers can be reached. Otherwise it may have happened: the owner commits nothing more, and
 * a new start reads how it went.
 */
export class KafkaLog implements Log, Topics {
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
      await settle(this.#cluster, this.#names, stageOf(topic))
      return offsetsOf(this.#cluster, name, partition)
    })
  }

  async position(stage: string, partition: number): Promise<Position> {
    return this.#wrap(`reading the positions of stage '${stage}'`, async () => {
      await settle(this.#cluster, this.#names, stage)
      const { positions } = await readState(this.#cluster, this.#names, stage)
      return positions.get(partition) ?? startPosition(partition)
    })
  }

  async own(stage: string): Promise<Owner> {
    const input = this.#run.inputs?.[stage] ?? null
    return KafkaOwner.open({ cluster: this.#cluster, names: this.#names, stage, input })
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
    const stages = new Set(shapes.map(({ topic }) => stageOf(topic)))
    return [
      ...shapes.map(({ topic, partitions }) => dataTopic(this.#names.topic(topic), partitions)),
      ...[...stages].map(stage => positionsTopic(this.#names.positions(stage))),
    ]
  }

  async #wrap<T>(doing: string, act: () => Promise<T>): Promise<T> {
    try {
      return await act()
    } catch (error) {
      throw wrapKafkaError(error, doing)
    }
  }
}
