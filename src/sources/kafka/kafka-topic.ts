import { readFileSync } from 'node:fs'
import process from 'node:process'
import { HeadraceError } from '../../errors.ts'
import { Cluster } from '../../kafka/cluster.ts'
import { isCode, wrapKafkaError } from '../../kafka/errors.ts'
import { fetchCommitted, offsetsOf } from '../../kafka/fetch.ts'
import { parseKafkaOptions, parseProperties } from '../../kafka/options.ts'
import type { StoredRecord } from '../../kafka/records.ts'
import { name, type OptionsOf, oneOf, optional, resolveOptions } from '../../options.ts'
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
 * record that is no document is dead; so is one without a value. Without `follow` the source ends with what was committed
 * when it started. Throws 'trimmed' when the topic forgot what was not read yet, 'source-changed' when it was deleted and made anew.
 */
export function kafkaTopic(brokers: string, topic: string, options: KafkaTopicOptions = {}): Source {
  const { format, config, ...resolved } = resolveOptions('kafkaTopic()', kafkaTopicOptions, options)
  // Refused here, before any work; what the environment says is looked up when it is needed.
  parseKafkaOptions(brokers)
  if (!/^[a-zA-Z0-9._-]{1,249}$/.test(topic))
    throw new HeadraceError('bad-option', `kafkaTopic() takes the name of a topic, not '${topic}'`)
  const open = async () =>
    new Topic(await Cluster.open(parseKafkaOptions(brokers, readConfig(config), process.env)), topic)
  return kafkaSource(open, topic, { ...recordOptions('kafkaTopic()', `${brokers}/${topic}`, resolved), format })
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
    const name = this.#name
    return this.#wrap(`asking for topic '${name}'`, async () => {
      const { clusterId, id, partitions } = await this.#identify()
      const offsets = await Promise.all(Array.from({ length: partitions }, (_, i) => offsetsOf(this.#cluster, name, i)))
      const ranges = offsets.map(({ first, next }) => ({ first: Number(first), next: Number(next) }))
      return { stamp: `${clusterId ?? ''}/${id}`, partitions: ranges }
    })
  }

  async fetch(partition: number, from: number, stamp: string): Promise<Fetched> {
    const cluster = this.#cluster
    const fetch = { topic: this.#name, partition, from: BigInt(from), waitMs, lane: cluster.lane() }
    return this.#wrap(`reading ${this.#name}/${partition}`, async () => {
      try {
        const { records, next } = await cluster.retry(() => this.#guard(() => fetchCommitted(cluster, fetch)))
        await this.#checkTopic(partition, stamp)
        return { records: records.map(recordOf), next: Number(next) }
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

const recordOf = ({ offset, timeMs, key, headerList: headers, value }: StoredRecord): TopicRecord => {
  return { offset: Number(offset), timeMs, key, headers, value }
}
