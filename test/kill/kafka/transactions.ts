import { Cluster } from '../../../src/kafka/cluster.ts'
import { offsetsOf } from '../../../src/kafka/fetch.ts'
import { decodeBatches } from '../../../src/kafka/records.ts'
import { parseKafkaOptions } from '../../../src/log/kafka/kafka-log.ts'

interface Transactions {
  transactionsCommitted: number
  transactionsAborted: number
}

/**
 * Counts how the transactions of a run ended. Each writes its stage's positions first, so the markers there are of all that a broker
 * heard of.
 */
export async function countTransactions(url: string, run: string): Promise<Transactions> {
  await using cluster = await Cluster.open(parseKafkaOptions(url))
  const count = { transactionsCommitted: 0, transactionsAborted: 0 }
  for (const topic of await cluster.topicNames())
    if (topic.startsWith(`${run}.`) && topic.endsWith('.positions')) {
      const { leaders } = (await cluster.topic(topic))!
      for (const partition of leaders.keys()) await countMarkers(cluster, topic, partition, count)
    }
  return count
}

async function countMarkers(cluster: Cluster, topic: string, partition: number, count: Transactions): Promise<void> {
  const { first, next } = await offsetsOf(cluster, topic, partition)
  const bytesMax = 4 * 1024 * 1024
  for (let at = first; at < next; ) {
    const { node, id } = await cluster.leader(topic, partition)
    const part = {
      partition,
      currentLeaderEpoch: -1,
      fetchOffset: at,
      lastFetchedEpoch: -1,
      partitionMaxBytes: bytesMax,
    }
    const topics = [{ topicId: id, partitions: [part] }]
    // Read uncommitted: what was aborted is what is looked for.
    const { fetch } = cluster.requests
    const { bytes } = await cluster.call(node, fetch, [500, 1, bytesMax, 0, 0, -1, topics, [], ''])
    const before = at
    for (const batch of decodeBatches(bytes, topic, cluster.codec)) {
      at = batch.lastOffset + 1n
      // A marker's key is a version and a type, of which 0 is an abort.
      if (batch.isControl && batch.lastOffset >= before)
        count[batch.records()[0].key!.readInt16BE(2) === 0 ? 'transactionsAborted' : 'transactionsCommitted']++
    }
    if (at === before) return
  }
}
