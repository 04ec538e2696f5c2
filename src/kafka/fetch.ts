import type { Cluster, Lane } from './cluster.ts'
import { type Committed, decodeBatches, filterCommitted } from './records.ts'

/** Bytes of a response, which an entry that is larger may exceed. A reader holds two responses. */
export const fetchBytesMax = 4 * 1024 * 1024

export interface Fetch {
  readonly topic: string
  readonly partition: number
  readonly from: bigint
  /** How long the broker waits for something to answer with. Default 0. */
  readonly waitMs?: number
  readonly bytesMax?: number
  readonly lane?: Lane
}

export interface FetchedCommitted extends Committed {
  /** Behind all that is decided, and behind all that its brokers agree on; -1 where this answer does not say. */
  readonly stable: bigint
  readonly high: bigint
}

/** One try to fetch committed records. */
export async function fetchCommitted(cluster: Cluster, fetch: Fetch): Promise<FetchedCommitted> {
  const { topic, partition, from, waitMs = 0, bytesMax = fetchBytesMax, lane } = fetch
  const { node, id } = await cluster.leader(topic, partition)
  const part = {
    partition,
    currentLeaderEpoch: -1,
    fetchOffset: from,
    lastFetchedEpoch: -1,
    partitionMaxBytes: bytesMax,
  }
  const topics = [{ topicId: id, partitions: [part] }]
  const got = await cluster.call(node, cluster.requests.fetch, [waitMs, 1, bytesMax, 1, 0, -1, topics, [], ''], lane)
  if (got.error) throw Object.assign(new Error(got.error), { apiId: got.error })
  const batches = decodeBatches(got.bytes, `${topic}/${partition}`, cluster.codec)
  const committed = filterCommitted(batches, got.aborted, from)
  return { ...committed, stable: got.lastStableOffset, high: got.highWatermark }
}

/** A partition's first offset and the one after all that is committed (the last stable offset). */
export async function offsetsOf(cluster: Cluster, topic: string, partition: number) {
  const [first, next] = await Promise.all([-2n, -1n].map(time => offsetAt(cluster, topic, partition, time)))
  return { first, next }
}

/** The offset after all that a partition's brokers agree on, whether it is decided or not (the high watermark). */
export const highWatermarkOf = (cluster: Cluster, topic: string, partition: number) =>
  offsetAt(cluster, topic, partition, -1n, readUncommitted)

const [readUncommitted, readCommitted] = [0, 1]

async function offsetAt(
  cluster: Cluster,
  name: string,
  partition: number,
  timestamp: bigint,
  isolation = readCommitted,
): Promise<bigint> {
  return cluster.retry(async () => {
    const { node } = await cluster.leader(name, partition)
    const partitions = [{ partitionIndex: partition, currentLeaderEpoch: -1, timestamp }]
    const { topics } = await cluster.call(node, cluster.requests.listOffsets, [-1, isolation, [{ name, partitions }]])
    return topics[0].partitions[0].offset
  })
}
