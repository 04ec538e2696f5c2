import { Consumer, Producer } from '@platformatic/kafka'
import { Cluster } from '../../../src/kafka/cluster.ts'
import { KafkaLog, parseKafkaOptions } from '../../../src/log/kafka/kafka-log.ts'
import { dataTopic, ensureTopics } from '../../../src/log/kafka/topics.ts'
import { readCommitted } from '../../../src/log/log.ts'

/** The same entries through the client's own producer and consumer and through our log, each in one topic of one partition. */
export interface Wire {
  readonly brokers: string
  /** Topics that are made begin with it. */
  readonly name: string
  readonly entries: readonly Entry[]
}

export interface Entry {
  readonly headers: Readonly<Record<string, string>>
  readonly value: Uint8Array
}

/** As the log does it: a request holds about this, and so many are on their way. */
const requestBytes = 1024 * 1024
const requestsMax = 5
/** Bytes of a transaction of the log: some slots, as a run commits them. */
const commitBytes = 8 * 1024 * 1024
const fetchBytes = 4 * 1024 * 1024

export const openLog = (brokers: string, run: string) =>
  KafkaLog.open(parseKafkaOptions(`kafka://${brokers}`, {}, process.env), { run })

/** A topic's first entries, up to `bytesMax`, and the bytes of all that it has. */
export async function readEntries(
  log: KafkaLog,
  topic: string,
  bytesMax: number,
): Promise<{ readonly entries: Entry[]; readonly bytes: number }> {
  const entries: Entry[] = []
  let bytes = 0
  for await (const { headers, value } of readCommitted(log, topic)) {
    bytes += value.length
    if (bytes <= bytesMax) entries.push({ headers, value })
  }
  return { entries, bytes }
}

export async function produceByClient({ brokers, name, entries }: Wire): Promise<number> {
  await using cluster = await Cluster.open(parseKafkaOptions(`kafka://${brokers}`, {}, process.env))
  const topic = `${name}.client`
  await ensureTopics(cluster, [dataTopic(topic, 1)])
  const producer = new Producer({ clientId: 'bench', bootstrapBrokers: [brokers] })
  const messages = entries.map(({ headers, value }) => ({
    ...{ topic, partition: 0, value: Buffer.from(value.buffer, value.byteOffset, value.length) },
    headers: new Map(Object.entries(headers).map(pair => pair.map(text => Buffer.from(text)) as [Buffer, Buffer])),
  }))
  await producer.metadata({ topics: [topic] })
  const seconds = await timed(async () => {
    const inFlight = new Set<Promise<unknown>>()
    for (const some of cut(messages, requestBytes)) {
      const sent: Promise<unknown> = producer.send({ messages: some, acks: -1 }).then(() => inFlight.delete(sent))
      inFlight.add(sent)
      if (inFlight.size >= requestsMax) await Promise.race(inFlight)
    }
    await Promise.all(inFlight)
  })
  await producer.close()
  return seconds
}

export async function produceByLog({ brokers, name, entries }: Wire): Promise<number> {
  await using log = await openLog(brokers, name)
  await log.ensureTopics([{ topic: 'bench.log', partitions: 1 }])
  await using owner = await log.own('bench')
  const appends = entries.map(entry => ({ topic: 'bench.log', partition: 0, ...entry }))
  return await timed(async () => {
    for (const [slot, some] of cut(appends, commitBytes).entries())
      await owner.commit({ positions: [{ partition: 0, offset: 0n, slot, note: '' }], appends: some })
  })
}

export async function consumeByClient({ brokers, name, entries }: Wire): Promise<number> {
  const consumer = new Consumer({ clientId: 'bench', groupId: `${name}.client`, bootstrapBrokers: [brokers] })
  const stream = await consumer.consume({
    ...{ topics: [`${name}.client`], mode: 'earliest', autocommit: false, isolationLevel: 1 },
    ...{ maxBytes: fetchBytes, maxWaitTime: 500, highWaterMark: 16 },
  })
  let left = entries.length
  const seconds = await timed(async () => {
    for await (const _ of stream) if (--left === 0) break
  })
  await consumer.close(true)
  return seconds
}

export async function consumeByLog({ brokers, name, entries }: Wire): Promise<number> {
  await using log = await openLog(brokers, name)
  let left = entries.length
  const seconds = await timed(async () => {
    for await (const _ of readCommitted(log, 'bench.log')) left--
  })
  if (left !== 0) throw new Error(`${left} entries are missing`)
  return seconds
}

/** Deletes the topics whose names begin so. */
export async function removeTopics(brokers: string, start: string): Promise<void> {
  await using cluster = await Cluster.open(parseKafkaOptions(`kafka://${brokers}`, {}, process.env))
  const names = (await cluster.topicNames()).filter(name => name.startsWith(start))
  const { deleteTopicsV6 } = cluster.client
  await cluster.call(await cluster.controller(), deleteTopicsV6.api, [names.map(name => ({ name })), 30_000])
}

function cut<T extends { readonly value: Uint8Array }>(list: readonly T[], bytesMax: number): T[][] {
  const parts: T[][] = []
  let bytes = Number.POSITIVE_INFINITY
  for (const one of list) {
    if (bytes + one.value.length > bytesMax) {
      parts.push([])
      bytes = 0
    }
    parts.at(-1)!.push(one)
    bytes += one.value.length
  }
  return parts
}

async function timed(work: () => Promise<void>): Promise<number> {
  const start = performance.now()
  await work()
  return (performance.now() - start) / 1000
}
