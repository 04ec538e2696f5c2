import { setTimeout as sleep } from 'node:timers/promises'
import type { API, Connection, ConnectionPool } from '@platformatic/kafka'
import { HeadraceError } from '../errors.ts'
import { isCode, isPassing, wrapKafkaError } from './errors.ts'
import type { Broker, KafkaOptions, Tls } from './options.ts'
import type { Codec } from './records.ts'
import type { KafkaClient, Requests } from './requests.ts'
import { createCodec, createRequests, loadClient, optional, secondGeneration } from './requests.ts'
import { UnreachableError } from './unreachable.ts'

export interface Topic {
  readonly id: string
  /** The leading broker of each partition. */
  readonly leaders: readonly number[]
  /** Brokers that hold a partition, of that with the fewest. */
  readonly copies: number
}

/** Requests of one lane go out and come back in order; a fetch that waits holds up its lane alone. */
export type Lane = ConnectionPool

const firstConnectMs = 15_000
const connectTimeoutMs = 5000
/** Pauses between tries double up to this. */
const pauseMsMax = 500
/** Until all brokers know a new topic. */
const newTopicMs = 5000

/** A Kafka cluster: connections, who leads what, and trying again. Everything above it speaks in topics and partitions. */
export class Cluster implements AsyncDisposable {
  readonly client: KafkaClient
  readonly requests: Requests
  readonly codec: Codec
  readonly options: KafkaOptions
  /** The first broker's versions speak for all: features are the cluster's, and requests.ts asks for old versions. */
  hasSecondGeneration = false
  /** The newest metadata.version that the first broker knows, which tells its release; 0 when it does not say. */
  metadataLevelMax = 0
  /** Whether the brokers share out work among the members of a group (KIP-848). */
  hasMembers = false
  readonly #control: Lane
  #controller = -1
  #isClosed = false
  readonly #idle: Lane[] = []
  readonly #lanes = new Set<Lane>()
  readonly #brokers = new Map<number, Broker>()
  readonly #topics = new Map<string, Topic>()
  readonly #coordinators = new Map<string, number>()

  private constructor(client: KafkaClient, options: KafkaOptions) {
    this.client = client
    this.options = options
    this.requests = createRequests(client)
    this.codec = createCodec(client, options.compression)
    this.#control = this.lane()
  }

  /** Connects, and checks that the brokers speak what is needed. */
  static async open(options: KafkaOptions): Promise<Cluster> {
    const cluster = new Cluster(await loadClient(), options)
    try {
      await cluster.#negotiate()
      return cluster
    } catch (error) {
      await cluster[Symbol.asyncDispose]()
      const where = options.brokers.map(({ host, port }) => `${host}:${port}`).join(', ')
      throw wrapKafkaError(error, `connecting to ${where}`)
    }
  }

  /** Sends a request to a broker, or to any. */
  async call<A extends unknown[], R>(node: number | null, api: API<A, R>, args: A, lane = this.#control): Promise<R> {
    return api.async(await this.#connect(node, lane), ...args)
  }

  /** A topic, or null if there is none. */
  async topic(name: string): Promise<Topic | null> {
    try {
      return await this.retry(() => this.#find(name), { until: isUnknown })
    } catch (error) {
      if (isUnknown(error)) return null
      throw error
    }
  }

  /** Names of all topics that this user may see. */
  async topicNames(): Promise<string[]> {
    const { topics } = await this.retry(() => this.call(null, this.requests.metadata, [null, false, false]))
    return topics.map(({ name }) => name ?? '')
  }

  /** The broker that takes changes of topics, or any: the others pass them on. */
  async controller(): Promise<number> {
    await this.#metadata([])
    return this.#controller
  }

  /** A broker to ask about its settings. */
  async anyBroker(): Promise<number> {
    await this.retry(() => this.#metadata([]))
    return [...this.#brokers.keys()][0]
  }

  /** The broker that leads a partition and the topic's id, for one try: what it answers may be that it leads no more. */
  async leader(name: string, partition: number): Promise<{ readonly node: number; readonly id: string }> {
    const { id, leaders } = await this.#find(name)
    if (partition in leaders) return { node: leaders[partition], id }
    throw Object.assign(new Error(`${name}/${partition}`), { apiId: 'UNKNOWN_TOPIC_OR_PARTITION' })
  }

  async coordinator(kind: 'group' | 'transaction', key: string, lane = this.#control): Promise<number> {
    const known = this.#coordinators.get(`${kind} ${key}`)
    if (known !== undefined) return known
    const args: [number, string[]] = [kind === 'group' ? 0 : 1, [key]]
    const { coordinators } = await this.call(null, this.requests.findCoordinator, args, lane)
    const [{ nodeId, host, port }] = coordinators
    this.#brokers.set(nodeId, { host, port })
    this.#coordinators.set(`${kind} ${key}`, nodeId)
    return nodeId
  }

  /**
   * Tries again what is passing, with leaders and coordinators asked for anew, until `retryTimeoutMs` are over.
   * `only` narrows what is tried again; `until` ends it early.
   */
  async retry<T>(
    act: () => Promise<T>,
    { only = isPassing, until = () => false, patienceMs = Infinity }: Retry = {},
  ): Promise<T> {
    const start = performance.now()
    for (let pauseMs = 2; ; pauseMs = Math.min(2 * pauseMs, pauseMsMax)) {
      try {
        return await act()
      } catch (error) {
        const isOver = performance.now() + pauseMs > start + Math.min(patienceMs, this.#patienceMs(error))
        if (this.#isClosed || isOver || !only(error) || until(error)) throw error
        if (!isCode(error, 'CONCURRENT_TRANSACTIONS')) this.forget()
        await sleep(pauseMs)
      }
    }
  }

  /** A topic that was just created may be unknown to a broker for a moment; one that was not stays unknown. */
  #patienceMs(error: unknown): number {
    return isUnknown(error) ? Math.min(newTopicMs, this.options.retryTimeoutMs) : this.options.retryTimeoutMs
  }

  /** Who leads what is asked anew. */
  forget(): void {
    this.#topics.clear()
    this.#coordinators.clear()
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** A lane of one's own, to be closed with `closeLane` or kept for the next with `keepLane`. One with a patience of its own is new. */
  lane(timeoutMs?: number): Lane {
    const idle = timeoutMs === undefined && this.#idle.pop()
    if (idle) return idle
    const { tls, sasl, requestTimeoutMs } = this.options
    const lane = new this.client.ConnectionPool('headrace', {
      connectTimeout: connectTimeoutMs,
      requestTimeout: timeoutMs ?? requestTimeoutMs,
      maxInflights: 100,
      ...(tls && { tls: tlsOptions(tls), tlsServerName: tls.checksName }),
      ...(sasl && {
        sasl: { mechanism: sasl.mechanism, username: () => sasl.username, password: () => sasl.password.reveal() },
      }),
    })
    // A connection that breaks tells its requests; its event has no other listener and would end the process.
    lane.on('connecting', ({ connection }: { connection: Connection }) => connection.on('error', () => {}))
    this.#lanes.add(lane)
    return lane
  }

  keepLane(lane: Lane): void {
    if (this.#lanes.has(lane)) this.#idle.push(lane)
  }

  async closeLane(lane: Lane): Promise<void> {
    this.#lanes.delete(lane)
    await lane.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
    await Promise.allSettled([...this.#lanes].map(lane => this.closeLane(lane)))
  }

  async #connect(node: number | null, lane: Lane): Promise<Connection> {
    if (node !== null && !this.#brokers.has(node)) await this.#metadata([])
    const known = node === null ? [...this.#brokers.values(), ...this.options.brokers] : [this.#brokers.get(node)]
    const failures: UnreachableError[] = []
    for (const broker of known as Broker[]) {
      try {
        return await lane.get(broker)
      } catch (error) {
        failures.push(new UnreachableError(broker, error))
      }
    }
    throw failures.length === 1 ? failures[0] : new AggregateError(failures)
  }

  async #find(name: string): Promise<Topic> {
    // From the answer itself, as another request may have emptied the cache meanwhile.
    return this.#topics.get(name) ?? (await this.#metadata([name])).get(name)!
  }

  async #metadata(names: string[]): Promise<ReadonlyMap<string, Topic>> {
    const { brokers, topics, controllerId } = await this.call(null, this.requests.metadata, [names, false, false])
    this.#controller = controllerId
    for (const { nodeId, host, port } of brokers) this.#brokers.set(nodeId, { host, port })
    const found = new Map<string, Topic>()
    for (const { name, topicId, partitions } of topics) {
      const leaders: number[] = []
      for (const { partitionIndex, leaderId } of partitions) leaders[partitionIndex] = leaderId
      const copies = Math.min(...partitions.map(({ replicaNodes }) => replicaNodes.length))
      found.set(name ?? '', { id: topicId, leaders, copies })
    }
    for (const [name, topic] of found) this.#topics.set(name, topic)
    return found
  }

  async #negotiate(): Promise<void> {
    const args: [string, string] = ['headrace', '1']
    const { apiKeys, finalizedFeatures, supportedFeatures } = await this.retry(
      () => this.call(null, this.requests.apiVersions, args),
      // A wrong address should be told while somebody still looks.
      { patienceMs: firstConnectMs },
    )
    const spoken = new Map(apiKeys.map(api => [api.apiKey, api]))
    const level = finalizedFeatures?.find(({ name }) => name === 'transaction.version')?.maxVersionLevel ?? 0
    const lacks = Object.entries(this.requests).filter(([, { key, version }]) => {
      const range = spoken.get(key)
      return !range || version < range.minVersion || version > range.maxVersion
    })
    const lacking = lacks.map(([name]) => name)
    this.hasSecondGeneration = level >= 2 && !lacking.some(name => secondGeneration.has(name))
    this.metadataLevelMax = supportedFeatures?.find(({ name }) => name === 'metadata.version')?.maxVersion ?? 0
    this.hasMembers = !lacking.includes('heartbeat')
    const missing = lacking.filter(name => !secondGeneration.has(name) && !optional.has(name))
    if (missing.length > 0)
      throw new HeadraceError(
        'bad-option',
        `these brokers do not speak ${missing.join(', ')}: Kafka 3.3 or later is needed`,
      )
  }
}

interface Retry {
  /** At most so long, where less than the options allow. */
  readonly patienceMs?: number
  readonly only?: (error: unknown) => boolean
  readonly until?: (error: unknown) => boolean
}

const isUnknown = (error: unknown) => isCode(error, 'UNKNOWN_TOPIC_OR_PARTITION')

function tlsOptions({ ca, cert, key, passphrase, checksName }: Tls) {
  return {
    ...(ca && { ca }),
    ...(cert && { cert }),
    ...(key && { key: key.reveal() }),
    ...(passphrase && { passphrase: passphrase.reveal() }),
    ...(!checksName && { checkServerIdentity: () => undefined }),
  }
}
