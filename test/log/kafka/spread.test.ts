import assert from 'node:assert/strict'
import { Cluster } from '../../../src/kafka/cluster.ts'
import { KafkaLog, type TopicShape } from '../../../src/log/kafka/kafka-log.ts'
import { createNames } from '../../../src/log/kafka/names.ts'
import { KafkaOwner } from '../../../src/log/kafka/owner.ts'
import { readCommitted } from '../../../src/log/log.ts'
import { breakRequests } from './break-requests.ts'
import { newRun, openLog, options, testOnBroker } from './broker.ts'
import { ManualProducer } from './manual-producer.ts'

const topics: readonly TopicShape[] = [
  { topic: 'load.raw', partitions: 3 },
  { topic: 'load.splits', partitions: 1 },
  { topic: 'annotate.scored', partitions: 3 },
  { topic: 'annotate.dead', partitions: 3 },
]
const newSpread = () => ({ run: newRun(), spread: ['annotate'], inputs: { annotate: 'load.raw' } })
const openSpread = (run = newSpread()) => openLog(run, options(), topics)

const at = (partition: number, slot: number) => ({ partition, offset: BigInt(slot), slot, note: `note ${slot}` })
const append = (topic: string, partition: number, text: string) => ({
  ...{ topic, partition, headers: {} },
  value: Buffer.from(text),
})
const commitOf = (partition: number, slot: number) => ({
  positions: [at(partition, slot)],
  appends: [
    append('annotate.scored', partition, `${slot}`),
    ...(slot % 3 === 0 ? [append('annotate.dead', partition, `${slot}`)] : []),
  ],
})
const texts = async (log: KafkaLog, partition: number, topic = 'annotate.scored') =>
  (await Array.fromAsync(readCommitted(log, topic, partition))).map(({ value }) => Buffer.from(value).toString())
const numbers = (n: number) => Array.from({ length: n }, (_, i) => `${i + 1}`)

testOnBroker('a spread stage has a partition of positions for each of its own; others have one', async () => {
  const run = newSpread()
  await using log = await openSpread(run)
  const positions = (await log.planTopics(topics)).filter(({ name }) => name.endsWith('.positions'))
  const plain = positions.map(({ name, partitions, action }) => [name, partitions, action])
  assert.deepEqual(plain, [
    [`${run.run}.load.positions`, 1, 'keep'],
    [`${run.run}.annotate.positions`, 3, 'keep'],
  ])
  assert.deepEqual(
    await Promise.all(['load.raw', 'load.splits', 'load.none'].map(topic => log.partitionsOf(topic))),
    [3, 1, 0],
  )
  const unequal = topics.map(shape => (shape.topic === 'annotate.dead' ? { ...shape, partitions: 1 } : shape))
  await assert.rejects(log.planTopics(unequal), /internal error: .*'annotate' have unequal numbers/)
  await using whole = await KafkaLog.open(options(), { run: run.run })
  await assert.rejects(whole.ensureTopics(topics), { message: /annotate.positions: partitions is 3, wanted 1/ })
})

testOnBroker('owners of partitions commit at the same time, each its own; a restart goes on from there', async () => {
  const run = newSpread()
  const commits = 20
  {
    await using log = await openSpread(run)
    await using other = await KafkaLog.open(options(), run)
    const owners = await Promise.all([0, 1, 2].map(p => (p === 1 ? other : log).ownPartition('annotate', p)))
    const work = owners.map(async (owner, partition) => {
      for (let slot = 1; slot <= commits + partition; slot++) {
        await owner.commit(commitOf(partition, slot))
        // Exact while the others are in the middle of theirs; an entry and a marker each.
        const [position, bounds] = await Promise.all([
          other.position('annotate', partition),
          other.bounds('annotate.scored', partition),
        ])
        assert.deepEqual([position, bounds.next], [at(partition, slot), 2n * BigInt(slot)])
      }
    })
    await Promise.all(work)
    for (const owner of owners) await owner[Symbol.asyncDispose]()
  }
  await using log = await KafkaLog.open(options(), run)
  await using owner = await log.ownPartition('annotate', 2)
  assert.deepEqual(await log.position('annotate', 2), at(2, commits + 2))
  await owner.commit(commitOf(2, commits + 3))
  for (const [partition, slots] of [commits, commits + 1, commits + 3].entries()) {
    assert.deepEqual(await texts(log, partition), numbers(slots))
    const dead = numbers(slots).filter(slot => Number(slot) % 3 === 0)
    assert.deepEqual(await texts(log, partition, 'annotate.dead'), dead)
    assert.deepEqual(await log.position('annotate', partition), at(partition, slots))
  }
  assert.deepEqual(await committedOffsets(run.run), [commits, commits + 1, commits + 3].map(BigInt))
})

/** What Kafka's own tools see of the stage's progress: offsets of its input, in one group. */
async function committedOffsets(run: string): Promise<bigint[]> {
  await using cluster = await Cluster.open(options())
  const group = {
    groupId: `${run}.annotate`,
    memberEpoch: -1,
    topics: [{ name: `${run}.load.raw`, partitionIndexes: [0, 1, 2] }],
  }
  const node = await cluster.coordinator('group', group.groupId)
  const { groups } = await cluster.retry(() => cluster.call(node, cluster.client.offsetFetchV9.api, [[group], true]))
  return groups[0].topics[0].partitions.map(({ committedOffset }) => committedOffset)
}

testOnBroker('what one partition has under way neither shows nor hides anything in another', async () => {
  const run = newSpread()
  await using log = await openSpread(run)
  const [first, second] = await Promise.all([0, 1].map(partition => log.ownPartition('annotate', partition)))
  await first.commit(commitOf(0, 1))
  await second.commit(commitOf(1, 1))
  await first[Symbol.asyncDispose]()
  // Dies in the middle of a commit: entry and positions are sent, and the end is never asked for.
  await using dead = await ManualProducer.open(`${run.run}/annotate/0`)
  await dead.send(`${run.run}.annotate.scored`, 0, 'open')
  await dead.send(`${run.run}.annotate.positions`, 0, 'open')
  await second.commit(commitOf(1, 2))
  assert.deepEqual(await texts(log, 1), numbers(2))
  assert.deepEqual(await log.position('annotate', 1), at(1, 2))
  assert.deepEqual(await texts(log, 0), numbers(1))
  assert.deepEqual(await log.position('annotate', 0), at(0, 1))
  await using next = await log.ownPartition('annotate', 0)
  await next.commit(commitOf(0, 2))
  assert.deepEqual(await texts(log, 0), numbers(2))
  await second[Symbol.asyncDispose]()
})

testOnBroker('an owner whose answers are lost reads how its own partition went', async () => {
  const run = newSpread()
  await using log = await openSpread(run)
  await using neighbour = await log.ownPartition('annotate', 1)
  await using cluster = await Cluster.open(options())
  const names = createNames('', run.run)
  await using owner = await KafkaOwner.open({ cluster, names, stage: 'annotate', partition: 2, input: 'load.raw' })
  let slot = 0
  for (const when of ['before', 'after'] as const) {
    breakRequests(cluster, cluster.hasSecondGeneration ? 'endTxnV2' : 'endTxn', when, 1, () =>
      neighbour.commit(commitOf(1, slot)),
    )
    await owner.commit(commitOf(2, ++slot))
    await owner.commit(commitOf(2, ++slot))
  }
  assert.deepEqual(await texts(log, 2), numbers(4))
  assert.deepEqual([await log.position('annotate', 1), await log.position('annotate', 2)], [at(1, 3), at(2, 4)])
})
