import assert from 'node:assert/strict'
import { Cluster } from '../../../src/kafka/cluster.ts'
import { KafkaLog } from '../../../src/log/kafka/kafka-log.ts'
import { readCommitted } from '../../../src/log/log.ts'
import { randomFrom } from '../../random.ts'
import { newRun, openLog, options, testOnBroker } from './broker.ts'
import { ManualProducer } from './manual-producer.ts'

const texts = async (log: KafkaLog, topic = 's.a', partition = 0, from = 0n) =>
  (await Array.fromAsync(readCommitted(log, topic, partition, from))).map(({ value }) => Buffer.from(value).toString())
const append = (text: string | Uint8Array, partition = 0) => ({
  topic: 's.a',
  partition,
  headers: {},
  value: Buffer.from(text),
})
const at = (slot: number) => ({ partition: 0, offset: BigInt(slot), slot, note: `note ${slot}` })

testOnBroker(
  'three producers that interleave and abort in one partition are read exactly, whatever a fetch holds',
  async () => {
    const run = newRun()
    const seed = Date.now() % 1e6
    await using log = await openLog({ run })
    const producers = await Promise.all([1, 2, 3].map(i => ManualProducer.open(`${run}-${i}`)))
    const next = randomFrom(seed)
    const written: { text: string; isCommitted: boolean | null }[] = []
    const open = producers.map(() => [] as typeof written)
    const end = async (i: number) => {
      if (open[i].length === 0) return
      const commits = next() < 0.55
      await producers[i].end(commits)
      for (const entry of open[i].splice(0)) entry.isCommitted = commits
    }
    for (let n = 0; n < 200; n++) {
      const i = Math.floor(next() * 3)
      const entry = { text: `${n} ${'x'.repeat(Math.floor(next() * 90))}`, isCommitted: null }
      await producers[i].send(`${run}.s.a`, 0, entry.text)
      written.push(entry)
      open[i].push(entry)
      if (next() < 0.3) await end(i)
    }
    for (const i of producers.keys()) await end(i)
    const expected = written.filter(({ isCommitted }) => isCommitted).map(({ text }) => text)
    assert.ok(expected.length < written.length - 20, `too few were aborted, seed ${seed}`)
    // The producers' ends are not those of the stage's owner, for which the log waits.
    while ((await texts(log)).length < expected.length);
    for (const fetchBytesMax of [16 * 2 ** 20, 20_000, 2000, 300]) {
      await using small = await KafkaLog.open(options(), { run, fetchBytesMax })
      assert.deepEqual(await texts(small), expected, `fetches of ${fetchBytesMax} bytes, seed ${seed}`)
    }
    for (const producer of producers) await producer[Symbol.asyncDispose]()
  },
)

testOnBroker(
  'the end lies before an open transaction; a takeover aborts it, and its producer writes no more',
  async () => {
    const run = newRun()
    await using log = await openLog({ run })
    await using first = await log.own('s')
    await first.commit({ positions: [at(1)], appends: [append('0'), append('1')] })
    await using dead = await ManualProducer.open(`${run}/s`)
    await dead.send(`${run}.s.a`, 0, 'left', 'open')
    assert.deepEqual(await texts(log), ['0', '1'])
    const { next } = await log.bounds('s.a', 0)
    await assert.rejects(first.commit({ positions: [at(9)], appends: [append('zombie')] }), { code: 'fenced' })
    await using second = await log.own('s')
    assert.deepEqual(await log.position('s', 0), at(1))
    await assert.rejects(dead.send(`${run}.s.a`, 0, 'more'), /error/)
    await second.commit({ positions: [at(2)], appends: [append('2')] })
    assert.deepEqual(await texts(log), ['0', '1', '2'])
    assert.deepEqual(await texts(log, 's.a', 0, next), ['2'], 'what is read goes on past what was aborted')
  },
)

testOnBroker('gaps at the start and at the end are passed, and a reader in one waits', async () => {
  const run = newRun()
  await using log = await openLog({ run })
  await using aborting = await ManualProducer.open(`${run}-other`)
  await aborting.send(`${run}.s.a`, 0, 'never')
  await aborting.end(false)
  await using owner = await log.own('s')
  await owner.commit({ positions: [], appends: [append('0')] })
  await aborting.send(`${run}.s.a`, 0, 'never')
  await aborting.end(false)
  // Two records and two markers of what was aborted, one and one of what was committed.
  const next = 6n
  while ((await log.bounds('s.a', 0)).next < next);
  assert.deepEqual(await texts(log), ['0'])
  assert.deepEqual(await texts(log, 's.a', 0, 1n), ['0'], 'from the middle of the gap')
  await log.trim('s.a', 0, next)
  assert.deepEqual(await log.bounds('s.a', 0), { first: next, next })
  await assert.rejects(texts(log), { code: 'trimmed' })
  const stop = new AbortController()
  const trimmed = log.read({ topic: 's.a', partition: 0, offset: 0n }, stop.signal)[Symbol.asyncIterator]()
  await assert.rejects(trimmed.next(), { code: 'trimmed' }, 'a reader that would wait is told too')
  const waiting = log.read({ topic: 's.a', partition: 0, offset: next + 1n }, stop.signal)[Symbol.asyncIterator]()
  const got = waiting.next()
  await owner.commit({ positions: [], appends: [append('below'), append('1')] })
  assert.equal(Buffer.from((await got).value.value).toString(), '1', 'what lies above the end is waited for, not reset')
  stop.abort()
  assert.equal((await waiting.next()).done, true)
})

testOnBroker('what was committed is there for whoever asks next, in every partition', async () => {
  // A group's offsets are marked last or nearly so: they widen the moment in which one partition shows a commit and another does not.
  const run = { run: newRun(), inputs: { s: 't.a' } }
  await using log = await openLog(run)
  await using other = await KafkaLog.open(options(), run)
  await using owner = await log.own('s')
  for (let n = 1; n <= 60; n++) {
    const appends = [0, 1, 2].map(partition => append(`${n}`, partition))
    await owner.commit({ positions: [at(n)], appends })
    const [slot, ...nexts] = await Promise.all([
      other.position('s', 0).then(position => position.slot),
      ...[0, 1, 2].map(async partition => (await other.bounds('s.a', partition)).next),
    ])
    // An entry and a marker each.
    assert.deepEqual([slot, ...nexts], [n, 2n * BigInt(n), 2n * BigInt(n), 2n * BigInt(n)])
  }
})

testOnBroker('a commit of 64 MB in many entries is one, over several partitions', async () => {
  await using log = await openLog({ run: newRun() })
  await using owner = await log.own('s')
  const value = (i: number) => Buffer.alloc(512 * 1024, i)
  const appends = Array.from({ length: 128 }, (_, i) => append(value(i), i % 3))
  await owner.commit({ positions: [at(1)], appends })
  for (const partition of [0, 1, 2]) {
    let i = partition
    for await (const entry of readCommitted(log, 's.a', partition)) {
      assert.ok(value(i).equals(entry.value), `entry ${i}`)
      i += 3
    }
    assert.equal(i >= 128, true, `partition ${partition} ends at ${i}`)
  }
})

testOnBroker(
  "notes may be larger than what Kafka keeps with an offset, and its own tools see a stage's progress",
  async () => {
    const run = newRun()
    await using log = await openLog({ run, inputs: { s: 't.a' } })
    await using owner = await log.own('s')
    const note = 'n'.repeat(200_000)
    const positions = [0, 1, 2].map(partition => ({ partition, offset: 5n, slot: 7, note }))
    await owner.commit({ positions, appends: [] })
    assert.deepEqual(await log.position('s', 2), positions[2])
    await using cluster = await Cluster.open(options())
    const group = {
      groupId: `${run}.s`,
      memberEpoch: -1,
      topics: [{ name: `${run}.t.a`, partitionIndexes: [0, 1, 2] }],
    }
    const node = await cluster.coordinator('group', group.groupId)
    const { groups } = await cluster.retry(() => cluster.call(node, cluster.client.offsetFetchV9.api, [[group], true]))
    const seen = groups[0].topics[0].partitions.map(({ committedOffset, metadata }) => [committedOffset, metadata])
    assert.deepEqual(seen, Array(3).fill([5n, 'slot 7']))
  },
)

testOnBroker('an entry that no topic takes is refused before it is sent, and its owner goes on', async () => {
  await using log = await openLog({ run: newRun() })
  await using owner = await log.own('s')
  const large = { positions: [at(1)], appends: [append('small'), append(new Uint8Array(33 * 2 ** 20))] }
  await assert.rejects(owner.commit(large), {
    code: 'limit',
    message: /s\.a\/0 has \d+ bytes, and a topic takes 33554432/,
  })
  await owner.commit({ positions: [at(2)], appends: [append(new Uint8Array(20 * 2 ** 20)), append('next')] })
  const sizes = (await Array.fromAsync(readCommitted(log, 's.a'))).map(({ value }) => value.length)
  assert.deepEqual(sizes, [20 * 2 ** 20, 4])
  assert.equal((await log.position('s', 0)).slot, 2)
})
