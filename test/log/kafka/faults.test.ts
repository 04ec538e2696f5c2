import assert from 'node:assert/strict'
import type { HeadraceError } from '../../../src/errors.ts'
import { Cluster } from '../../../src/kafka/cluster.ts'
import type { KafkaLog } from '../../../src/log/kafka/kafka-log.ts'
import { createNames } from '../../../src/log/kafka/names.ts'
import { KafkaOwner } from '../../../src/log/kafka/owner.ts'
import { readCommitted } from '../../../src/log/log.ts'
import { breakRequests, precede } from './break-requests.ts'
import { hasSecondGeneration, newRun, openLog, options, testOnBroker } from './broker.ts'

const read = async (log: KafkaLog, partition = 0) =>
  (await Array.fromAsync(readCommitted(log, 's.a', partition))).map(({ value }) => Buffer.from(value).toString())
const commitOf = (n: number) => ({
  positions: [{ partition: 0, offset: BigInt(n), slot: n, note: '' }],
  appends: [0, 1].map(partition => ({ topic: 's.a', partition, headers: {}, value: Buffer.from(`${n}`) })),
})

/** An owner whose requests can be broken, beside a log that is undisturbed. */
async function openOwner(log: { run: string }, generation: 1 | 2, properties = {}) {
  const cluster = await Cluster.open(options(properties))
  assert.equal(cluster.hasSecondGeneration, hasSecondGeneration, 'KAFKA_FEATURES is that of the broker')
  if (generation === 1) cluster.hasSecondGeneration = false
  const owner = await KafkaOwner.open({ cluster, names: createNames('', log.run), stage: 's', input: 's.b' })
  return { cluster, owner }
}

const kinds = {
  1: ['addPartitions', 'produce', 'addOffsets', 'txnOffsetCommit', 'endTxn'],
  2: ['produceV2', 'txnOffsetCommitV2', 'endTxnV2'],
} as const

testOnBroker(
  'an owner begins where the one before it ended, though that one committed until it was fenced',
  async () => {
    const run = { run: newRun() }
    await using log = await openLog(run)
    await using first = await log.own('s')
    const at = (partition: number, slot: number) => ({ partition, offset: 0n, slot, note: '' })
    await using cluster = await Cluster.open(options())
    precede(cluster, 'initProducerId', () => first.commit({ positions: [at(0, 5), at(1, 5)], appends: [] }))
    await using second = await KafkaOwner.open({ cluster, names: createNames('', run.run), stage: 's', input: null })
    await second.commit({ positions: [at(0, 6)], appends: [] })
    assert.deepEqual([await log.position('s', 0), await log.position('s', 1)], [at(0, 6), at(1, 5)])
  },
)

// A broker that has v2 knows more of a transaction v1 than one that has not: both are tried (.ci/run).
for (const generation of hasSecondGeneration ? ([1, 2] as const) : ([1] as const)) {
  testOnBroker(
    `transactions v${generation}: a request that breaks anywhere changes nothing of what is committed`,
    async () => {
      const run = { run: newRun() }
      await using log = await openLog(run)
      const { cluster, owner } = await openOwner(run, generation)
      await using _cluster = cluster
      await using _owner = owner
      let n = 0
      await owner.commit(commitOf(n++))
      for (const kind of kinds[generation])
        for (const when of ['before', 'after'] as const) {
          breakRequests(cluster, kind, when)
          await owner.commit(commitOf(n++))
          await owner.commit(commitOf(n++))
        }
      const expected = Array.from({ length: n }, (_, i) => `${i}`)
      assert.deepEqual(await read(log), expected)
      assert.deepEqual(await read(log, 1), expected)
      assert.equal((await log.position('s', 0)).slot, n - 1)
    },
  )

  testOnBroker(
    `transactions v${generation}: an owner that can't find out refuses all that follows; the next one knows`,
    async () => {
      const run = { run: newRun() }
      await using log = await openLog(run)
      for (const when of ['before', 'after'] as const) {
        const { cluster, owner } = await openOwner(run, generation, { 'delivery.timeout.ms': '300' })
        await using _cluster = cluster
        await using _owner = owner
        const before = (await read(log)).length
        breakRequests(cluster, generation === 1 ? 'endTxn' : 'endTxnV2', when)
        breakRequests(cluster, 'initProducerId', 'before', Number.POSITIVE_INFINITY)
        const isRetryable = (error: HeadraceError) => error.retry && error.code !== 'fenced'
        await assert.rejects(owner.commit(commitOf(before)), isRetryable, when)
        await assert.rejects(owner.commit(commitOf(99)), isRetryable, 'it never tries again')
        await using next = await log.own('s')
        const { slot } = await log.position('s', 0)
        const after = await read(log)
        assert.equal(after.length, when === 'after' ? before + 1 : before)
        if (after.length > 0) assert.equal(slot, after.length - 1)
        await next.commit(commitOf(after.length))
        await owner[Symbol.asyncDispose]()
        await cluster[Symbol.asyncDispose]()
      }
      assert.deepEqual(await read(log), ['0', '1', '2'])
    },
  )

  testOnBroker(
    `transactions v${generation}: an owner that is fenced while it recovers does not take the stage back`,
    async () => {
      const run = { run: newRun() }
      await using log = await openLog(run)
      const { cluster, owner } = await openOwner(run, generation)
      await using _cluster = cluster
      await using _owner = owner
      const takeOver = async () => {
        await using next = await log.own('s')
        await next.commit(commitOf(0))
      }
      breakRequests(cluster, generation === 1 ? 'endTxn' : 'endTxnV2', 'before', 1, takeOver)
      await assert.rejects(owner.commit(commitOf(7)), { code: 'fenced' })
      await assert.rejects(owner.commit(commitOf(8)), { code: 'fenced' })
      assert.deepEqual(await read(log), ['0'])
    },
  )
}
