import { readFileSync } from 'node:fs'
import process from 'node:process'
import { HeadraceError } from '../../errors.ts'
import { Cluster } from '../../kafka/cluster.ts'
import { isCode, wrapKafkaError } from '../../kafka/errors.ts'
import { fetchCommitted, highWatermarkOf, offsetsOf } from '../../kafka/fetch.ts'
import { parseKafkaOptions, parseProperties } from '../../kafka/options.ts'
import type { StoredRecord } from '../../kafka/records.ts'
import { name, number, type OptionsOf, oneOf, optional, resolveOptions } from '../../options.ts'
import { columnOptions, followOptions, recordOptions } from '../fields.ts'
import type { Source } from '../source.ts'
import { kafkaSource, recreatedError } from './kafka-source.ts'
import { recordFormats, type TopicRecord } from './records.ts'
import type { Fetched, TopicClient, TopicState } from './topic-client.ts'

export const kafkaTopicOptions = {
  ...columnOptions,
  ...followOptions,
  format: optional(
    "what a record's value is: one JSON object, or an Arrow IPC stream with a document in each row",
    oneOf(recordFormats),
    'json',
  ),
  transactionWaitMs: optional(
    'without `follow`, how long it waits for a transaction that was open when it started, in milliseconds',
    number(0, 2 ** 31 - 1),
    75_000,
  ),
  config: optional(
    "a file of Kafka's client properties (`security.protocol`, `sasl.*`, `ssl.*`); else what HEADRACE_KAFKA_* variables say",
    name,
  ),
}
export interface KafkaTopicOptions extends OptionsOf<typeof kafkaTopicOptions> {}

/** How long a broker holds a fetch that has nothing to answer. */
const waitMs = 500

/**
 * Somebody's topic as a source: its committed records, each from the first that the topic still has on.
 *
 *     pipeline('web').from(kafkaTopic('kafka://broker1:9092,broker2:9092', 'documents', { domain: 'site' }))
 *
 * A document's `file` is `topic/partition` and its `line` the offset + 1. Key, headers and time of a record go to `meta` as `kafka`:
 * `{ offset, timeMs?, key? | keyBase64?, headers?: { name: value }, headersBase64? }`, where a header that comes again has a list. A
 * record that is no document is dead; one without a value, which deletes its key, is counted as a tombstone. Without `follow` the source
 * ends with what was there when it started (the high watermark), and waits for transactions that were open then: by default so long that
 * one of Kafka's usual minute ends. Throws 'disk' when one is open for longer: the same command goes on there. Throws 'trimmed' when the topic forgot what was not read yet, 'source-changed' when it was deleted and made anew.
 */
export function kafkaTopic(brokers: string, topic: string, options: KafkaTopicOptions = {}): Source {
  const { format, config, transactionWaitMs, ...resolved } = resolveOptions('kafkaTopic()', kafkaTopicOptions, options)
  // Refused here, before any work; what the environment says is looked up when it is needed.
  parseKafkaOptions(brokers)
  if (!/^[a-zA-Z0-9._-]{1,249}$/.test(topic))
    throw new HeadraceError('bad-option', `kafkaTopic() takes the name of a topic, not '${topic}'`)
  const open = async () =>
    new Topic(await Cluster.open(parseKafkaOptions(brokers, readConfig(config), process.env)), topic)
  const recorded = { ...recordOptions('kafkaTopic()', `${brokers}/${topic}`, resolved), format }
  return kafkaSource(open, topic, recorded, transactionWaitMs)
}

function readConfig(path: string | undefined): Record<string, string> {
  if (path === undefined) return {}
  try {
    return parseProperties(readFileSync(path, 'utf8'))
  } catch (error) {
    if (error instanceof HeadraceError) throw error
    throw new HeadraceError('not-found', `kafkaTopic(): its config ${path} can't be read`, error)
  }
}

class Topic implements TopicClient {
  readonly #cluster: Cluster
  readonly #name: string
  #isClosed = false

  constructor(cluster: Cluster, name: string) {
    this.#cluster = cluster
    this.#name = name
  }

  async describe(): Promise<TopicState> {
    return this.#wrap(`asking for topic '${this.#name}'`, async () => {
      const { clusterId, id, partitions } = await this.#identify()
      const ranges = await Promise.all(Array.from({ length: partitions }, (_, i) => this.#rangeOf(i)))
      return { stamp: `${clusterId ?? ''}/${id}`, partitions: ranges }
    })
  }

  async fetch(partition: number, from: number, stamp: string): Promise<Fetched> {
    const cluster = this.#cluster
    const fetch = { topic: this.#name, partition, from: BigInt(from), waitMs, lane: cluster.lane() }
    return this.#wrap(`reading ${this.#name}/${partition}`, async () => {
      try {
        const { records, ...offsets } = await cluster.retry(() => this.#guard(() => fetchCommitted(cluster, fetch)))
        await this.#checkTopic(partition, stamp)
        const [next, stable, high] = [offsets.next, offsets.stable, offsets.high].map(Number)
        return { records: records.map(recordOf), next, stable, high }
      } catch (error) {
        if (!isCode(error, 'OFFSET_OUT_OF_RANGE')) throw error
        await this.#checkTopic(partition, stamp)
        throw await this.#explainRange(partition, from)
      } finally {
        cluster.keepLane(fetch.lane)
      }
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
    await this.#cluster[Symbol.asyncDispose]()
  }

  async #rangeOf(partition: number) {
    const [cluster, name] = [this.#cluster, this.#name]
    // What is there is asked for last, so that it is never less than what is decided.
    const { first, next } = await offsetsOf(cluster, name, partition)
    const high = await highWatermarkOf(cluster, name, partition)
    return { first: Number(first), next: Number(next), high: Number(high) }
  }

  async #identify() {
    const { requests } = this.#cluster
    const { clusterId, topics } = await this.#cluster.retry(
      () => this.#guard(() => this.#cluster.call(null, requests.metadata, [[this.#name], false, false])),
      { until: error => isCode(error, 'UNKNOWN_TOPIC_OR_PARTITION') },
    )
    const [{ topicId, partitions }] = topics
    return { clusterId, id: topicId, partitions: partitions.length }
  }

  /** Throws where the topic is another than `stamp` says: a fetch goes by the topic's id, which is asked for anew when it is refused. */
  async #checkTopic(partition: number, stamp: string): Promise<void> {
    const { id } = await this.#cluster.retry(() => this.#guard(() => this.#cluster.leader(this.#name, partition)))
    if (!stamp.endsWith(`/${id}`)) throw recreatedError(this.#name)
  }

  async #explainRange(partition: number, from: number): Promise<HeadraceError> {
    const { first, next } = await offsetsOf(this.#cluster, this.#name, partition)
    const where = `${this.#name}/${partition}`
    if (from < first)
      return new HeadraceError(
        'trimmed',
        `${where}: offsets ${from} to ${first - 1n} were removed before they were read: give the topic a longer retention, and begin another run with --run NAME at what is left`,
      )
    return new HeadraceError(
      'source-changed',
      `${where} ends at offset ${next} and was read up to ${from}: its brokers lost records; begin another run with --run NAME`,
    )
  }

  /** Nothing is tried again on a connection that was closed. */
  async #guard<T>(act: () => Promise<T>): Promise<T> {
    if (this.#isClosed) throw new Error('closed')
    return act()
  }

  async #wrap<T>(doing: string, act: () => Promise<T>): Promise<T> {
    try {
      return await act()
    } catch (error) {
      if (!isCode(error, 'UNKNOWN_TOPIC_OR_PARTITION') && !isCode(error, 'UNKNOWN_TOPIC_ID'))
        throw wrapKafkaError(error, doing)
      const { brokers } = this.#cluster.options
      const where = brokers.map(({ host, port }) => `${host}:${port}`).join(', ')
      throw new HeadraceError('not-found', `there is no topic '${this.#name}' at ${where}, or this user may not see it`)
    }
  }
}

const recordOf = ({ offset, timeMs, key, headerList: headers, value, isTombstone }: StoredRecord): TopicRecord => {
  return { offset: Number(offset), timeMs, key, headers, value: isTombstone ? null : value }
}
