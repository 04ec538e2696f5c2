import { setTimeout as sleep } from 'node:timers/promises'
import { deleteTopicsV6, Producer } from '@platformatic/kafka'
import { Cluster } from '../../../src/kafka/cluster.ts'
import { offsetsOf } from '../../../src/kafka/fetch.ts'
import { encodeBatch, type RecordValue } from '../../../src/kafka/records.ts'
import { dataTopic, ensureTopics } from '../../../src/log/kafka/topics.ts'
import { Transactor } from '../../../src/log/kafka/transaction.ts'
import { broker, options } from '../../log/kafka/broker.ts'

/** Somebody's topic on the tests' broker, written with and without transactions. */
export class TestTopic implements AsyncDisposable {
  readonly name: string
  readonly cluster: Cluster
  readonly #transactor: Transactor
  /** The offset after the last of each partition, markers counted. */
  readonly next: number[]

  private constructor(cluster: Cluster, name: string, partitions: number) {
    this.cluster = cluster
    this.name = name
    this.next = Array.from({ length: partitions }, () => 0)
    this.#transactor = new Transactor(cluster, `producer-${name}`)
  }

  static async create(name: string, partitions: number, settings: Readonly<Record<string, string>> = {}) {
    const cluster = await Cluster.open(options())
    const spec = dataTopic(name, partitions)
    await ensureTopics(cluster, [{ ...spec, settings: { ...spec.settings, ...settings } }])
    const topic = new TestTopic(cluster, name, partitions)
    await topic.#transactor.fence()
    return topic
  }

  /** Commits values to a partition in one transaction; returns their offsets. */
  async commit(partition: number, values: readonly (string | Uint8Array)[], more: Partial<RecordValue> = {}) {
    const writes = values.map(value => ({ headers: {}, ...more, value: Buffer.from(value) }))
    await this.#transactor.run(
      writes.map(write => ({ ...write, topic: this.name, partition })),
      null,
    )
    const offsets = this.#pass(partition, values.length, 1)
    await this.#settle(partition)
    return offsets
  }

  /** Writes values in a transaction that is aborted. */
  async abort(partition: number, values: readonly string[]): Promise<void> {
    const records = values.map(value => ({ headers: {}, value: Buffer.from(value) }))
    const batch = encodeBatch(records, this.#transactor.producer, 0, Date.now(), this.cluster.codec)
    const { node } = await this.cluster.leader(this.name, partition)
    const topics = [{ name: this.name, partitions: [{ partition, batch }] }]
    const request = { transactionalId: `producer-${this.name}`, topics }
    await this.cluster.call(node, this.cluster.requests.produceV2, [request])
    await this.#transactor.recover()
    this.#pass(partition, values.length, 1)
  }

  /** Writes values without a transaction, by the client's own producer; null is a tombstone. */
  async send(partition: number, values: readonly (string | null)[], more: object = {}) {
    const producer = new Producer({ clientId: 'test', bootstrapBrokers: [broker] })
    const messages = values.map(value => {
      const bytes = value === null ? (undefined as unknown as Buffer) : Buffer.from(value)
      return { topic: this.name, partition, key: Buffer.from('key'), value: bytes, ...more }
    })
    await producer.send({ messages, acks: -1 })
    await producer.close()
    return this.#pass(partition, values.length, 0)
  }

  /** Removes the records before an offset. */
  async trim(partition: number, offset: number): Promise<void> {
    const { node } = await this.cluster.leader(this.name, partition)
    const topics = [{ name: this.name, partitions: [{ partitionIndex: partition, offset: BigInt(offset) }] }]
    await this.cluster.call(node, this.cluster.requests.deleteRecords, [topics, 10_000])
  }

  async remove(): Promise<void> {
    await this.cluster.call(await this.cluster.controller(), deleteTopicsV6.api, [[{ name: this.name }], 10_000])
    this.cluster.forget()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cluster[Symbol.asyncDispose]()
  }

  /** A commit is done before its marker stands in the partition, and only then can the records be read. */
  async #settle(partition: number): Promise<void> {
    for (let tries = 0; tries < 500; tries++) {
      const { next } = await offsetsOf(this.cluster, this.name, partition)
      if (Number(next) >= this.next[partition]) return
      await sleep(2)
    }
    throw new Error(`${this.name}/${partition}: the marker of a transaction did not come`)
  }

  #pass(partition: number, records: number, markers: number): number[] {
    const first = this.next[partition]
    this.next[partition] += records + markers
    return Array.from({ length: records }, (_, i) => first + i)
  }
}
