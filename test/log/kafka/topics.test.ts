import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { Cluster } from '../../../src/kafka/cluster.ts'
import { KafkaLog } from '../../../src/log/kafka/kafka-log.ts'
import { dataTopic, ensureTopics } from '../../../src/log/kafka/topics.ts'
import { readCommitted } from '../../../src/log/log.ts'
import { newRun, openLog, options, shapes, testOnBroker } from './broker.ts'

testOnBroker('topics are planned as data, created once, and kept', async () => {
  const run = newRun()
  await using log = await KafkaLog.open(options(), { run })
  const names = ['s.a', 's.b', 't.a', 's.positions', 't.positions'].map(name => `${run}.${name}`)
  const actions = async () =>
    (await log.planTopics(shapes)).map(({ name, action, partitions }) => [name, action, partitions])
  const expected = (action: string) => names.map((name, i) => [name, action, i < 3 ? 3 : 1])
  assert.deepEqual(await actions(), expected('create'))
  assert.deepEqual(await actions(), expected('create'), 'a plan changes nothing')
  await log.ensureTopics(shapes)
  assert.deepEqual(await actions(), expected('keep'))
  await log.ensureTopics(shapes)
})

testOnBroker('a topic with other settings is refused with every difference, and nothing is created then', async () => {
  const run = newRun()
  await using cluster = await Cluster.open(options())
  const spec = dataTopic(`${run}.s.a`, 2)
  const settings = { ...spec.settings, 'retention.ms': '1000', 'max.message.bytes': '1048588' }
  await ensureTopics(cluster, [{ ...spec, settings }])
  await using log = await KafkaLog.open(options(), { run })
  const [plan] = await log.planTopics(shapes)
  assert.deepEqual(plan.differences, [
    { setting: 'partitions', is: '2', wanted: '3' },
    { setting: 'retention.ms', is: '1000', wanted: '-1' },
    { setting: 'max.message.bytes', is: '1048588', wanted: '33554432' },
  ])
  await assert.rejects(log.ensureTopics(shapes), {
    code: 'bad-option',
    message: /s\.a: partitions is 2, wanted 3\n.*s\.a: retention.ms is 1000, wanted -1\n.*max.message.bytes is 1048588/,
  })
  assert.equal((await log.planTopics(shapes))[1].action, 'create')
})

testOnBroker("a run whose topics would be taken for another's is refused", async () => {
  const run = newRun()
  await using _first = await openLog({ run: `${run}.x` })
  await assert.rejects(openLog({ run: `${run}_x` }), { code: 'bad-option', message: /Kafka takes '\.' for '_'/ })
})

testOnBroker("the brokers' limits are held against the run's at start", async () => {
  const given = options({ 'transaction.timeout.ms': '2000000000' })
  await assert.rejects(openLog({ run: newRun() }, given), {
    code: 'bad-option',
    message: /transaction.max.timeout.ms is 900000, set it to 2000000000 or more/,
  })
})

testOnBroker('a topic that is not there is an error that says so; a stage without one has not begun', async () => {
  await using log = await KafkaLog.open(options({ 'delivery.timeout.ms': '100' }), { run: newRun() })
  await assert.rejects(Array.fromAsync(readCommitted(log, 's.a')), { code: 'not-found', message: /headrace topics/ })
  assert.equal((await log.position('s', 0)).slot, 0)
})

testOnBroker('brokers that do not answer are an error that can be tried again', async () => {
  // Takes connections and says nothing.
  const server = createServer().listen(0)
  const { port } = server.address() as { port: number }
  server.close()
  const { brokers: _, ...rest } = options({ 'delivery.timeout.ms': '100' })
  const given = { ...rest, brokers: [{ host: '127.0.0.1', port }] }
  await assert.rejects(KafkaLog.open(given, { run: 'r' }), {
    retry: true,
    message: new RegExp(`connecting to 127.0.0.1:${port} `),
  })
})
