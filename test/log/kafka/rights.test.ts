import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Admin } from '@platformatic/kafka'
import type { KafkaOptions } from '../../../src/kafka/options.ts'
import { KafkaLog } from '../../../src/log/kafka/kafka-log.ts'
import { readCommitted } from '../../../src/log/log.ts'
import { broker, newRun } from './broker.ts'
import { secureOptions, skipInsecure } from './secure.ts'

/** What README.md says that a user needs, on all that begins with the run's name: a type of resource and an operation on it. */
const rights = {
  'topic create': [2, 5],
  'topic describe-configs': [2, 10],
  'topic read': [2, 3],
  'topic write': [2, 4],
  'topic delete': [2, 6],
  'transactional-id write': [5, 4],
  'group read': [3, 3],
} as const
type Right = keyof typeof rights

/** Grants rights to `limited`, and waits until the broker knows them. */
async function grant(run: string, granted: readonly Right[]): Promise<void> {
  const admin = new Admin({ clientId: 'test', bootstrapBrokers: [broker] })
  try {
    const who = { principal: 'User:limited', host: '*', permissionType: 3 } as const
    const creations = granted.map(right => {
      const [resourceType, operation] = rights[right]
      return { ...who, resourceType, operation, resourceName: run, resourcePatternType: 4 } as const
    })
    await admin.createAcls({ creations })
    const filter = { ...who, resourceType: 1, operation: 1, resourceName: run, resourcePatternType: 4 } as const
    for (let known = 0; known < creations.length; ) {
      const found = await admin.describeAcls({ filter })
      known = found.reduce((sum, { acls }) => sum + acls.length, 0)
    }
  } finally {
    await admin.close()
  }
}

/** All that a run asks of the brokers: topics, twice as a restart does, commits of both kinds of owners, reading, a group, and trimming. */
async function live(log: KafkaLog): Promise<void> {
  const shapes = ['load.raw', 'annotate.scored', 'annotate.dead'].map(topic => ({ topic, partitions: 2 }))
  await log.ensureTopics(shapes)
  await log.ensureTopics(shapes)
  await log.findRisk(shapes)
  const value = Buffer.from('x')
  const commitOf = (topic: string) => ({
    positions: [{ partition: 0, offset: 1n, slot: 1, note: '' }],
    appends: [{ topic, partition: 0, headers: {}, value }],
  })
  await using load = await log.own('load')
  await load.commit(commitOf('load.raw'))
  await using annotate = await log.ownPartition('annotate', 0)
  await annotate.commit(commitOf('annotate.scored'))
  assert.equal((await log.position('annotate', 0)).slot, 1)
  assert.equal((await Array.fromAsync(readCommitted(log, 'annotate.scored', 0))).length, 1)
  const { promise, resolve } = Promise.withResolvers<unknown>()
  await using membership = await log.join(['load'], { take: resolve, give: async () => {}, lose: () => {} })
  await Promise.race([promise, membership.failed])
  await log.trim('load.raw', 0, 1n)
}

async function liveWith(options: KafkaOptions, run: string): Promise<void> {
  await using log = await KafkaLog.open(options, { run, spread: ['annotate'], inputs: { annotate: 'load.raw' } })
  await live(log)
}

const all = Object.keys(rights) as Right[]
const lacking: readonly [Right, RegExp][] = [
  ['topic create', /^creating topics failed with TOPIC_AUTHORIZATION_FAILED/],
  ['topic describe-configs', /^creating topics failed with TOPIC_AUTHORIZATION_FAILED/],
  ['topic read', /failed with TOPIC_AUTHORIZATION_FAILED/],
  ['topic write', /failed with TOPIC_AUTHORIZATION_FAILED/],
  ['topic delete', /^trimming .*load.raw\/0 failed with TOPIC_AUTHORIZATION_FAILED/],
  ['transactional-id write', /failed with TRANSACTIONAL_ID_AUTHORIZATION_FAILED/],
  ['group read', /failed with GROUP_AUTHORIZATION_FAILED/],
]

test('a user lives a run with the rights that README.md lists', { skip: skipInsecure }, async () => {
  const run = newRun()
  await grant(run, all)
  await liveWith(secureOptions({ 'sasl.username': 'limited' }), run)
})

for (const [right, message] of lacking)
  test(`without '${right}' a run is told what it lacks`, { skip: skipInsecure }, async () => {
    const run = newRun()
    await grant(
      run,
      all.filter(other => other !== right),
    )
    const error = await liveWith(secureOptions({ 'sasl.username': 'limited' }), run).then(
      () => null,
      (reason: unknown) => reason as Error & { code: string },
    )
    assert.deepEqual(
      [error?.code, message.test(error?.message ?? ''), /grant this user/.test(error?.message ?? '')],
      ['bad-option', true, true],
      `${error}`,
    )
  })
