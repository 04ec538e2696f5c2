import { Cluster } from '../../../src/kafka/cluster.ts'
import { encodeBatch } from '../../../src/kafka/records.ts'
import { options } from './broker.ts'

/** A transactional producer whose steps are the caller's, so that transactions overlap, stay open and are aborted. */
export class ManualProducer implements AsyncDisposable {
  readonly #cluster: Cluster
  readonly #id: string
  #producer = { id: -1n, epoch: -1 }
  readonly #sequences = new Map<string, number>()

  private constructor(cluster: Cluster, id: string) {
    this.#cluster = cluster
    this.#id = id
  }

  static async open(id: string): Promise<ManualProducer> {
    const manual = new ManualProducer(await Cluster.open(options()), id)
    const { producerId, producerEpoch } = await manual.#ask('initProducerId', [id, 60_000, -1n, -1])
    manual.#producer = { id: producerId, epoch: producerEpoch }
    return manual
  }

  /** One batch a text, in the transaction that is open or opens with it. */
  async send(topic: string, partition: number, ...texts: string[]): Promise<void> {
    for (const text of texts) {
      // A compacted topic takes no record without a key.
      const records = [{ key: Buffer.from(topic), headers: { text }, value: Buffer.from(text) }]
      const key = `${topic}/${partition}`
      const sequence = this.#sequences.get(key) ?? 0
      this.#sequences.set(key, sequence + 1)
      const batch = encodeBatch(records, this.#producer, sequence, Date.now(), this.#cluster.codec)
      const { node } = await this.#cluster.retry(() => this.#cluster.leader(topic, partition))
      const topics = [{ name: topic, partitions: [{ partition, batch }] }]
      const { requests, hasSecondGeneration } = this.#cluster
      if (!hasSecondGeneration) await this.#add(topic, partition)
      const api = hasSecondGeneration ? requests.produceV2 : requests.produce
      await this.#cluster.retry(() => this.#cluster.call(node, api, [{ transactionalId: this.#id, topics }]))
    }
  }

  async end(commits: boolean): Promise<void> {
    const { id, epoch } = this.#producer
    if (!this.#cluster.hasSecondGeneration) {
      await this.#ask('endTxn', [this.#id, id, epoch, commits])
      return
    }
    const { producerId, producerEpoch } = await this.#ask('endTxnV2', [this.#id, id, epoch, commits])
    this.#producer = { id: producerId, epoch: producerEpoch }
    this.#sequences.clear()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cluster[Symbol.asyncDispose]()
  }

  async #add(topic: string, partition: number): Promise<void> {
    const { id: producerId, epoch: producerEpoch } = this.#producer
    const topics = [{ name: topic, partitions: [partition] }]
    const one = { transactionalId: this.#id, producerId, producerEpoch, verifyOnly: false, topics }
    await this.#ask('addPartitions', [[one]])
  }

  #ask<K extends 'initProducerId' | 'addPartitions' | 'endTxn' | 'endTxnV2'>(
    name: K,
    args: Parameters<Cluster['requests'][K]['async']> extends [unknown, ...infer A] ? A : never,
  ) {
    return this.#cluster.retry(async () => {
      const node = await this.#cluster.coordinator('transaction', this.#id)
      return this.#cluster.call<typeof args, { producerId: bigint; producerEpoch: number }>(
        node,
        this.#cluster.requests[name] as never,
        args,
      )
    })
  }
}
