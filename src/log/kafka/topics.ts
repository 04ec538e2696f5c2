import { HeadraceError } from '../../errors.ts'
import type { Cluster } from '../../kafka/cluster.ts'
import { codesOf, isCode, wrapKafkaError } from '../../kafka/errors.ts'
import { limits } from '../../limits.ts'
import { findCollision } from './names.ts'

/** A topic as a run needs it; `name` is Kafka's. */
export interface TopicSpec {
  readonly name: string
  readonly partitions: number
  readonly settings: Readonly<Record<string, string>>
}

export interface Difference {
  readonly setting: string
  readonly is: string
  readonly wanted: string
}

export interface TopicPlan extends TopicSpec {
  /** -1 is the broker's default. */
  readonly replicationFactor: number
  readonly action: 'create' | 'keep' | 'refuse'
  /** What differs from an existing topic; empty unless it is refused. */
  readonly differences: readonly Difference[]
}

/** The largest entry: a slot with one document of the largest size, as text and as columns. */
export const entryBytesMax = 2 * limits.documentBytesMax

/** Retention is `trim`'s alone: a topic that forgets by time or size would lose what a stage has still to read. */
const data = {
  'cleanup.policy': 'delete',
  'retention.ms': '-1',
  'retention.bytes': '-1',
  'max.message.bytes': String(entryBytesMax),
  'unclean.leader.election.enable': 'false',
}
/** One record a commit of which the last counts: small segments, as only a closed one is compacted. */
const positions = {
  'cleanup.policy': 'compact',
  'segment.bytes': String(16 * 1024 * 1024),
  'min.cleanable.dirty.ratio': '0.1',
  'max.message.bytes': String(entryBytesMax),
  'unclean.leader.election.enable': 'false',
}

/** What is trimmed goes by whole segments, and the last one stays: of a gigabyte each, as is the default, a short run would free nothing. */
const passing = { ...data, 'segment.bytes': String(Math.max(64 * 1024 * 1024, entryBytesMax)) }

export const dataTopic = (name: string, partitions: number, isPassing = false): TopicSpec => ({
  name,
  partitions,
  settings: isPassing ? passing : data,
})
export const positionsTopic = (name: string, partitions: number): TopicSpec => ({
  name,
  partitions,
  settings: positions,
})

/** What is to be done so that these topics exist as specified. Changes nothing. */
export async function planTopics(cluster: Cluster, specs: readonly TopicSpec[]): Promise<TopicPlan[]> {
  const existing = new Set(await cluster.topicNames())
  const missing = specs.filter(({ name }) => !existing.has(name)).map(({ name }) => name)
  const pair = findCollision(missing, [...existing])
  if (pair)
    throw new HeadraceError(
      'bad-option',
      `topic '${pair[0]}' can't stand beside '${pair[1]}', as Kafka takes '.' for '_': choose another run name`,
    )
  const { replicationFactor } = cluster.options
  return Promise.all(
    specs.map(async spec => {
      const differences = existing.has(spec.name) ? await compare(cluster, spec) : []
      const action = !existing.has(spec.name) ? 'create' : differences.length > 0 ? 'refuse' : 'keep'
      return { ...spec, replicationFactor, action, differences } as const
    }),
  )
}

/** Creates what is missing. `bad-option` with every difference when a topic exists with other settings: nothing is created then. */
export async function ensureTopics(cluster: Cluster, specs: readonly TopicSpec[]): Promise<TopicPlan[]> {
  const plan = await planTopics(cluster, specs)
  const refused = plan.flatMap(({ name, differences }) =>
    differences.map(({ setting, is, wanted }) => `  ${name}: ${setting} is ${is}, wanted ${wanted}`),
  )
  if (refused.length > 0)
    throw new HeadraceError(
      'bad-option',
      `topics have other settings; change them with kafka-configs, or choose another run:\n${refused.join('\n')}`,
    )
  await create(
    cluster,
    plan.filter(({ action }) => action === 'create'),
  )
  return plan
}

/** What brokers must allow, as the broker's name of it, the least that will do, and why. */
const brokerNeeds = (cluster: Cluster): readonly (readonly [string, number, string])[] => [
  // message.max.bytes is only the default of max.message.bytes, and a follower fetches a batch whole whatever replica.fetch.max.bytes is.
  ['socket.request.max.bytes', entryBytesMax + 1024 * 1024, 'the largest entry is one request'],
  ['transaction.max.timeout.ms', cluster.options.transactionTimeoutMs, 'transaction.timeout.ms may not be longer'],
]

/** Holds the brokers' limits against what a run needs: `bad-option` says what to set. A user who may not ask is not told. */
export async function checkBrokers(cluster: Cluster): Promise<void> {
  const needs = brokerNeeds(cluster)
  const names = needs.map(([name]) => name)
  const found = await settingsOf(cluster, await cluster.anyBroker(), names).catch(error => {
    if (codesOf(error).some(code => code.endsWith('AUTHORIZATION_FAILED'))) return new Map<string, string>()
    throw error
  })
  const wrong = needs.filter(([name, least]) => found.has(name) && Number(found.get(name)) < least)
  if (wrong.length === 0) return
  const lines = wrong.map(([name, least, why]) => `  ${name} is ${found.get(name)}, set it to ${least} or more: ${why}`)
  throw new HeadraceError('bad-option', `the brokers' limits are too small for this run:\n${lines.join('\n')}`)
}

/** metadata.version of Kafka 4.3, the first with KAFKA-20734. */
const lostMarkersLevel = 30

/**
 * What a run is not safe from on these brokers, or null. From Kafka 4.3.0 on a coordinator that starts while a partition has no leader
 * takes a transaction for ended without marking its records there (KAFKA-20734): the producer's next transaction decides what becomes of
 * them. With one copy of a topic a broker's crash is enough.
 */
export async function findRisk(cluster: Cluster, names: readonly string[]): Promise<string | null> {
  if (cluster.metadataLevelMax < lostMarkersLevel) return null
  const topics = await Promise.all(names.map(name => cluster.topic(name)))
  if (topics.every(topic => topic === null || topic.copies > 1)) return null
  return "topics have one copy on brokers of Kafka 4.3 or later, where a broker's crash can damage them (KAFKA-20734): keep three copies (replication.factor=3), or use 4.2; damage is found and stops the run"
}

async function compare(cluster: Cluster, { name, partitions, settings }: TopicSpec): Promise<Difference[]> {
  const topic = await cluster.topic(name)
  const found = await settingsOf(cluster, name, Object.keys(settings))
  const count = String(topic?.leaders.length ?? 0)
  const all = [
    ['partitions', count, String(partitions)],
    ...Object.entries(settings).map(([key, wanted]) => [key, found.get(key) ?? '', wanted]),
  ]
  return all
    .filter(([setting, is, wanted]) => !isEnough(setting, is, wanted))
    .map(([setting, is, wanted]) => ({ setting, is, wanted }))
}

/** How fast a positions topic is compacted is a matter of taste; how much it takes is not. */
function isEnough(setting: string, is: string, wanted: string): boolean {
  if (setting === 'segment.bytes' || setting === 'min.cleanable.dirty.ratio') return true
  return setting === 'max.message.bytes' ? Number(is) >= Number(wanted) : is === wanted
}

/** Settings of a topic by its name, or of a broker by its number, which is then the one to ask. */
async function settingsOf(cluster: Cluster, of: string | number, configurationKeys: string[]) {
  const node = typeof of === 'number' ? of : null
  const resources = [{ resourceType: node === null ? 2 : 4, resourceName: String(of), configurationKeys } as const]
  const { results } = await cluster.retry(() =>
    cluster.call(node, cluster.requests.describeConfigs, [resources, false, false]),
  )
  return new Map(results[0].configs.map(({ name, value }) => [name, value ?? '']))
}

async function create(cluster: Cluster, plans: readonly TopicPlan[]): Promise<void> {
  if (plans.length === 0) return
  const topics = plans.map(({ name, partitions, replicationFactor, settings }) => ({
    name,
    numPartitions: partitions,
    replicationFactor,
    assignments: [],
    configs: Object.entries(settings).map(([key, value]) => ({ name: key, value })),
  }))
  try {
    await cluster.retry(async () =>
      cluster.call(await cluster.controller(), cluster.requests.createTopics, [topics, 30_000, false]),
    )
  } catch (error) {
    // Another process of the run was first, or the answer to a first try was lost.
    if (!codesOf(error).every(code => code === 'TOPIC_ALREADY_EXISTS')) throw wrapKafkaError(error, 'creating topics')
  }
  await Promise.all(plans.map(plan => awaitLeaders(cluster, plan)))
}

/** Deletes those of these topics that exist, and returns their names. What another process deleted meanwhile is gone all the same. */
export async function deleteTopics(cluster: Cluster, specs: readonly TopicSpec[]): Promise<string[]> {
  const existing = new Set(await cluster.topicNames())
  const names = specs.map(({ name }) => name).filter(name => existing.has(name))
  const { deleteTopics: request } = cluster.requests
  for (const name of names)
    try {
      await cluster.retry(async () => cluster.call(await cluster.controller(), request, [[{ name }], 30_000]))
    } catch (error) {
      if (!codesOf(error).every(code => code === 'UNKNOWN_TOPIC_OR_PARTITION'))
        throw wrapKafkaError(error, `deleting topic ${name}`)
    }
  cluster.forget()
  return names
}

/** A broker answers before it and the others know the topic. */
async function awaitLeaders(cluster: Cluster, { name, partitions }: TopicPlan): Promise<void> {
  await cluster.retry(
    async () => {
      cluster.forget()
      const topic = await cluster.topic(name)
      if (topic?.leaders.length !== partitions || topic.leaders.some(leader => leader < 0))
        throw Object.assign(new Error(name), { apiId: 'LEADER_NOT_AVAILABLE' })
    },
    { only: error => isCode(error, 'LEADER_NOT_AVAILABLE') || isCode(error, 'UNKNOWN_TOPIC_OR_PARTITION') },
  )
}
