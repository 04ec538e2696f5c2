import { type KafkaTopicOptions, kafkaTopic } from '../../../src/index.ts'
import { type KafkaSourceOptions, kafkaSource, recreatedError } from '../../../src/sources/kafka/kafka-source.ts'
import type { TopicRecord } from '../../../src/sources/kafka/records.ts'
import type { TopicClient } from '../../../src/sources/kafka/topic-client.ts'
import { randomFrom } from '../../random.ts'

/** A topic in memory: partitions of records, with gaps where offsets are missing. */
export interface MemoryTopic {
  stamp: string
  /** `open` is where a transaction is open, until so many fetches have waited for it. */
  partitions: { first: number; next: number; records: TopicRecord[]; open?: { at: number; fetches: number } }[]
  /** Connections that are open now. */
  open: number
  fetches: number[]
}

export const record = (
  offset: number,
  value: string | Uint8Array | null,
  more: Partial<TopicRecord> = {},
): TopicRecord => ({
  ...{
    offset,
    timeMs: 1000 + offset,
    key: null,
    headers: [],
    value: value === null ? null : Buffer.from(value),
    ...more,
  },
})

export const topicOf = (...partitions: TopicRecord[][]): MemoryTopic => ({
  ...{ stamp: 'cluster/1', open: 0, fetches: [] },
  partitions: partitions.map(records => ({ first: 0, next: (records.at(-1)?.offset ?? -1) + 1, records })),
})

/** Gives responses of a random number of records, so that what depends on them shows. */
export function clientOf(topic: MemoryTopic): () => Promise<TopicClient> {
  const random = randomFrom(11)
  return async () => {
    topic.open++
    return {
      describe: async () => ({
        stamp: topic.stamp,
        partitions: topic.partitions.map(({ first, next, open }) => ({ first, next: open?.at ?? next, high: next })),
      }),
      fetch: async (partition, from, stamp) => {
        topic.fetches.push(from)
        const { first, next: high, records, open } = topic.partitions[partition]
        const isOpen = open && (from < open.at || open.fetches-- > 0)
        const next = isOpen ? open.at : high
        if (stamp !== topic.stamp) throw recreatedError('t')
        if (from < first) throw Object.assign(new Error(`${from} was trimmed`), { code: 'trimmed' })
        const rest = records.filter(({ offset }) => offset >= from && offset < next)
        const some = rest.slice(0, 1 + Math.floor(random() * 90))
        const to = some.length < rest.length ? some.at(-1)!.offset + 1 : Math.max(from, next)
        return { records: some, next: to, stable: next, high }
      },
      [Symbol.asyncDispose]: async () => {
        topic.open--
      },
    }
  }
}

export const sourceOf = (topic: MemoryTopic, options: KafkaTopicOptions = {}) => {
  const resolved = kafkaTopic('kafka://h', 't', options).options as unknown as KafkaSourceOptions
  return kafkaSource(clientOf(topic), 't', resolved, options.transactionWaitMs)
}

export const documentsOf = (texts: readonly string[], offsetOf = (i: number) => i) =>
  texts.map((text, i) => record(offsetOf(i), text ? JSON.stringify({ text }) : 'no json'))
