import assert from 'node:assert/strict'
import { ShareTable } from '../../../conformance/share-table.ts'
import { Cluster } from '../../../src/kafka/cluster.ts'
import type { TopicPartitions } from '../../../src/log/held-shares.ts'
import { KafkaLog, type TopicShape } from '../../../src/log/kafka/kafka-log.ts'
import { Member } from '../../../src/log/kafka/member.ts'
import { createNames } from '../../../src/log/kafka/names.ts'
import type { ShareHandler } from '../../../src/log/log.ts'
import { breakRequests, wrapRequests } from './break-requests.ts'
import { newRun, openLog, options, testOnBroker } from './broker.ts'

const stages = ['load', 'annotate', 'decide', 'shard']
const topics: readonly TopicShape[] = [
  { topic: 'load.raw', partitions: 8 },
  { topic: 'annotate.scored', partitions: 8 },
  { topic: 'decide.kept', partitions: 8 },
  { topic: 'shard.manifest', partitions: 1 },
]
const annotating = Array.from({ length: 8 }, (_, i) => `annotate/${i}`)
const all = [...annotating, 'decide/0', 'load/0', 'shard/0']
const newSpread = () => ({ run: newRun(), spread: ['annotate'] })
const openSpread = (run: { run: string; spread: string[] }) => openLog(run, options(), topics)

/** A process of its own, as far as the brokers can tell. */
async function join(run: { run: string }, handler: ShareHandler) {
  const log = await KafkaLog.open(options(), run)
  const membership = await log.join(stages, handler)
  return { log, membership, [Symbol.asyncDispose]: () => disposeAll(membership, log) }
}

/** As `join`, with its requests at hand. */
async function joinByHand(
  run: { run: string },
  handler: ShareHandler,
  { change = (_: Cluster) => {}, properties = {}, ...rest }: ByHand = {},
) {
  const cluster = await Cluster.open(options(properties))
  change(cluster)
  try {
    const member = await Member.open({ cluster, names: createNames('', run.run), stages, handler, ...rest })
    return { cluster, member, [Symbol.asyncDispose]: () => disposeAll(member, cluster) }
  } catch (error) {
    await cluster[Symbol.asyncDispose]()
    throw error
  }
}

interface ByHand {
  readonly change?: (cluster: Cluster) => void
  readonly properties?: Readonly<Record<string, string>>
  readonly sessionMs?: number
}

async function disposeAll(...all: AsyncDisposable[]) {
  for (const one of all) await one[Symbol.asyncDispose]()
}

const isShared = (table: ShareTable, ...names: string[]) => {
  const counts = names.map(name => table.of(name).length)
  const sum = counts.reduce((a, b) => a + b, 0)
  return sum === all.length && Math.max(...counts) - Math.min(...counts) <= 1
}

testOnBroker(
  'shares are spread evenly, and those of a member that leaves are with others long before its session is over',
  async t => {
    const run = newSpread()
    await using _log = await openSpread(run)
    const table = new ShareTable()
    const start = performance.now()
    await using _a = await join(run, table.handler('a'))
    await table.until('a has all', () => table.has('a', all))
    t.diagnostic(`the first member had all after ${Math.round(performance.now() - start)} ms`)
    const joining = performance.now()
    await using b = await join(run, table.handler('b'))
    await table.until('b has its part', () => isShared(table, 'a', 'b'))
    t.diagnostic(`the second had its part ${Math.round(performance.now() - joining)} ms after it began to join`)
    const leaving = performance.now()
    await b.membership[Symbol.asyncDispose]()
    // Far less than the session: it said that it leaves.
    await table.until('a has all again', () => table.has('a', all), 4000)
    t.diagnostic(`all was with the first ${Math.round(performance.now() - leaving)} ms after the second began to leave`)
    assert.equal(table.lostBy('a') + table.lostBy('b'), 0)
    assert.deepEqual(table.problems, [])
  },
)

/** Counts the heartbeats of a cluster that are answered. */
function countBeats(table: ShareTable) {
  const beats = { count: 0 }
  const change = (cluster: Cluster) =>
    wrapRequests(cluster, 'heartbeat', async send => {
      const answer = await send()
      beats.count++
      table.notice()
      return answer
    })
  return { beats, change }
}

testOnBroker('a share is taken by nobody until it was given up; heartbeats go on meanwhile', async () => {
  const run = newSpread()
  await using _log = await openSpread(run)
  const table = new ShareTable()
  const gate = Promise.withResolvers<void>()
  const [ofA, ofB] = [countBeats(table), countBeats(table)]
  const working = () => gate.promise
  await using _a = await joinByHand(run, table.handler('a', working), ofA)
  // Whatever fails: it would not leave before.
  using _opened = { [Symbol.dispose]: gate.resolve }
  await table.until('a has all', () => table.has('a', all))
  await using _b = await joinByHand(run, table.handler('b'), ofB)
  const [a, b] = [ofA.beats.count, ofB.beats.count]
  await table.until('both go on', () => ofA.beats.count >= a + 4 && ofB.beats.count >= b + 4)
  assert.deepEqual(table.of('b'), [])
  gate.resolve()
  await table.until('b has its part', () => isShared(table, 'a', 'b'))
  assert.equal(table.lostBy('a') + table.lostBy('b'), 0)
  assert.deepEqual(table.problems, [])
})

testOnBroker(
  'a member that is cut off loses its shares when its session is over; back again it is a new one',
  async t => {
    const run = newSpread()
    await using _log = await openSpread(run)
    const table = new ShareTable()
    await using _a = await join(run, table.handler('a'))
    const dead = await join(run, table.handler('dead'))
    const gate = { closed: Promise.resolve() }
    const change = (cluster: Cluster) => wrapRequests(cluster, 'heartbeat', send => gate.closed.then(send))
    await using _away = await joinByHand(run, table.handler('away'), { change })
    await table.until('all have their part', () => isShared(table, 'a', 'dead', 'away'))
    // One ends without a word, and one stands still.
    await dead.log[Symbol.asyncDispose]()
    const { promise, resolve } = Promise.withResolvers<void>()
    gate.closed = promise
    for (const name of ['dead', 'away']) table.forget(name)
    await assert.rejects(dead.membership.failed, { retry: true })
    const ms = await table.until('a has all', () => table.has('a', all), 20_000)
    t.diagnostic(`the shares of dead members were with another after ${ms} ms (session 6000 ms)`)
    assert.deepEqual([table.lostBy('away'), table.problems], [0, []])
    resolve()
    await table.until('it has its part again', () => isShared(table, 'a', 'away'))
    assert.deepEqual([table.lostBy('away'), table.lostBy('a'), table.problems], [1, 0, []])
    await dead.membership[Symbol.asyncDispose]()
  },
)

/** Breaks the connection over which a member that has all would hear that it does no more. */
function breakAtRevocation(cluster: Cluster) {
  let isBroken = false
  wrapRequests(cluster, 'heartbeat', async send => {
    const answer = (await send()) as { assignment: { topicPartitions: TopicPartitions[] } | null }
    const shares = answer.assignment?.topicPartitions.flatMap(({ partitions }) => partitions) ?? all
    if (isBroken || shares.length === all.length) return answer
    isBroken = true
    throw Object.assign(new Error('Connection closed'), { code: 'PLT_KFK_NETWORK' })
  })
}

testOnBroker('heartbeats whose connection breaks change nothing, the first one too', async () => {
  const run = newSpread()
  await using _log = await openSpread(run)
  const table = new ShareTable()
  const change = (cluster: Cluster) => {
    for (const when of ['after', 'before'] as const) breakRequests(cluster, 'heartbeat', when, 2)
  }
  await using a = await joinByHand(run, table.handler('a'), { change })
  // A member that the brokers knew and it did not would have a part until its session is over.
  await table.until('a has all', () => table.has('a', all), 4000)
  breakAtRevocation(a.cluster)
  await using _b = await joinByHand(run, table.handler('b'), { change })
  await table.until('b has its part', () => isShared(table, 'a', 'b'), 4000)
  assert.deepEqual([table.lostBy('a'), table.lostBy('b'), table.problems], [0, 0, []])
})

testOnBroker('a topic that was deleted and created anew stands for its shares again', async () => {
  const run = newSpread()
  await using log = await openSpread(run)
  const table = new ShareTable()
  const given: string[] = []
  await using a = await joinByHand(
    run,
    table.handler('a', async share => given.push(share)),
  )
  await table.until('a has all', () => table.has('a', all))
  const { cluster } = a
  const names = [{ name: `${run.run}.annotate.positions` }]
  await cluster.call(await cluster.controller(), cluster.client.deleteTopicsV6.api, [names, 10_000])
  await table.until('what went with it was given up', () => given.length === 8)
  await log.ensureTopics(topics)
  await table.until('a has all', () => table.has('a', all))
  assert.deepEqual([given.sort(), table.lostBy('a'), table.problems], [annotating, 0, []])
})

testOnBroker('what can not be kept up with is told', async () => {
  const run = newSpread()
  await using log = await openSpread(run)
  const table = new ShareTable()
  const refusal = (apiId: string) => Object.assign(new Error('x'), { code: 'PLT_KFK_RESPONSE', errors: [{ apiId }] })
  const refuse = (apiId: string) => (cluster: Cluster) =>
    wrapRequests(cluster, 'heartbeat', () => Promise.reject(refusal(apiId)))
  const cases: [(cluster: Cluster) => void, string, RegExp][] = [
    [refuse('GROUP_AUTHORIZATION_FAILED'), 'bad-option', /member of group .*\.members .*grant this user/],
    [refuse('GROUP_MAX_SIZE_REACHED'), 'limit', /group.consumer.max.size/],
    [refuse('UNSUPPORTED_VERSION'), 'bad-option', /Kafka 4.0 or later .*run without --spread/],
    [cluster => Object.assign(cluster, { hasMembers: false }), 'bad-option', /run without --spread/],
    [cluster => breakRequests(cluster, 'heartbeat', 'before', Infinity), 'disk', /PLT_KFK_NETWORK/],
  ]
  const [properties, sessionMs] = [{ 'delivery.timeout.ms': '200' }, 200]
  for (const [change, code, message] of cases) {
    const joining = joinByHand(run, table.handler('a'), { change, properties, sessionMs })
    await assert.rejects(joining, { code, message }, 'who joins is told at once')
    if (`${change}`.includes('hasMembers')) continue
    await using later = await joinByHand(run, table.handler('a'), { properties, sessionMs })
    change(later.cluster)
    await assert.rejects(later.member.failed, { code, message }, 'who had joined is told')
  }
  await assert.rejects(log.join([], table.handler('a')), /internal error/)
})
