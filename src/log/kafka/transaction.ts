import type { API } from '@platformatic/kafka'
import type { Cluster, Lane } from '../../kafka/cluster.ts'
import { isCode, isPassing, isRefused } from '../../kafka/errors.ts'
import { batchOverheadBytes, encodeBatch, type RecordValue, recordBytesMax } from '../../kafka/records.ts'

/** A record and where it goes; `topic` is Kafka's name. */
export interface Write extends RecordValue {
  readonly topic: string
  readonly partition: number
}

export interface GroupOffsets {
  readonly group: string
  readonly topic: string
  readonly offsets: readonly { readonly partition: number; readonly offset: bigint; readonly metadata: string }[]
}

/** Records of one partition that go in one batch. */
export interface PlannedBatch {
  readonly topic: string
  readonly partition: number
  readonly records: readonly RecordValue[]
  readonly bytes: number
}

/** Small entries share a batch, and a request takes batches, up to this: enough to hide a request's cost. */
const batchBytesTarget = 1024 * 1024
/** Requests on their way to one broker. It remembers five batches of a producer, by which it knows one sent twice. */
const inFlightMax = 5

/** Cuts writes into batches; the order within a partition is kept. */
export function planBatches(writes: readonly Write[], bytesMax = batchBytesTarget): PlannedBatch[] {
  const open = new Map<string, { records: RecordValue[]; bytes: number } & PlannedBatch>()
  const batches: PlannedBatch[] = []
  for (const write of writes) {
    const key = `${write.topic}/${write.partition}`
    const bytes = recordBytesMax(write)
    let batch = open.get(key)
    if (!batch || batch.bytes + bytes > bytesMax) {
      batch = { topic: write.topic, partition: write.partition, records: [], bytes: batchOverheadBytes }
      open.set(key, batch)
      batches.push(batch)
    }
    batch.records.push(write)
    batch.bytes += bytes
  }
  return batches
}

/**
 * Cuts batches into rounds of requests. The first holds one batch of every partition, as it adds the partitions to the transaction and
 * is tried again while the broker still ends the one before; later ones hold a batch a partition, up to `bytesMax`.
 */
export function planRounds(batches: readonly PlannedBatch[], bytesMax = batchBytesTarget): PlannedBatch[][] {
  const first = new Map<string, PlannedBatch>()
  for (const batch of batches) {
    const key = `${batch.topic}/${batch.partition}`
    if (!first.has(key)) first.set(key, batch)
  }
  const opening = [...first.values()]
  const rounds: PlannedBatch[][] = [opening]
  let bytes = Number.POSITIVE_INFINITY
  const held = new Set<string>()
  for (const batch of batches.filter(batch => !opening.includes(batch))) {
    const key = `${batch.topic}/${batch.partition}`
    if (bytes + batch.bytes > bytesMax || held.has(key)) {
      rounds.push([])
      held.clear()
      bytes = 0
    }
    rounds.at(-1)!.push(batch)
    held.add(key)
    bytes += batch.bytes
  }
  return rounds
}

/** A batch with its number in the partition's row of the producer. */
type Numbered = PlannedBatch & { readonly sequence: number }

/** One transactional id: fences those who had it before, then runs transactions one after another. */
export class Transactor implements AsyncDisposable {
  readonly #cluster: Cluster
  readonly #id: string
  readonly #lane: Lane
  readonly #sequences = new Map<string, number>()
  #producer = { id: -1n, epoch: -1 }
  /** Whether the last transaction's end was asked for, so that only the log knows how it ended. */
  isEnding = false

  constructor(cluster: Cluster, id: string) {
    this.#cluster = cluster
    this.#id = id
    this.#lane = cluster.lane()
  }

  get producer() {
    return this.#producer
  }

  /** Fences former owners and ends their transaction. Only a new owner calls this: it would fence a newer one. */
  async fence(): Promise<void> {
    await this.#init(-1n, -1)
  }

  /** After a failure: ends this owner's transaction, whatever became of it. Refused if somebody else took the id (KIP-360). */
  async recover(): Promise<void> {
    if (!this.#cluster.hasSecondGeneration) await this.#abort()
    await this.#init(this.#producer.id, this.#producer.epoch)
  }

  /** Runs one transaction. When it rejects, `recover` must come before the next. */
  async run(writes: readonly Write[], group: GroupOffsets | null): Promise<void> {
    this.isEnding = false
    const rounds = planRounds(planBatches(writes))
    if (!this.#cluster.hasSecondGeneration) await this.#addPartitions(rounds[0])
    await this.#produce(rounds)
    if (group) await this.#addGroup(group)
    this.isEnding = true
    await this.#end()
    this.isEnding = false
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cluster.closeLane(this.#lane)
  }

  async #init(id: bigint, epoch: number): Promise<void> {
    const { initProducerId } = this.#cluster.requests
    const timeoutMs = this.#cluster.options.transactionTimeoutMs
    const found = await this.#ask(initProducerId, [this.#id, timeoutMs, id, epoch], isPassing)
    this.#producer = { id: found.producerId, epoch: found.producerEpoch }
    this.#sequences.clear()
  }

  async #addPartitions(batches: readonly PlannedBatch[]): Promise<void> {
    const topics = Map.groupBy(batches, batch => batch.topic)
    const list = [...topics].map(([name, some]) => ({ name, partitions: some.map(batch => batch.partition) }))
    const { id: producerId, epoch: producerEpoch } = this.#producer
    const one = { transactionalId: this.#id, producerId, producerEpoch, verifyOnly: false, topics: list }
    await this.#ask(this.#cluster.requests.addPartitions, [[one]])
  }

  async #produce(rounds: readonly (readonly PlannedBatch[])[]): Promise<void> {
    const inFlight = new Set<Promise<void>>()
    let failure: unknown = null
    for (const [i, round] of rounds.entries()) {
      const numbered = round.map(batch => ({ ...batch, sequence: this.#take(batch) }))
      // Encoded when it is sent, so that a commit costs the memory of the requests in flight.
      if (i === 0) await this.#cluster.retry(() => this.#send(numbered), { only: isRefused })
      else {
        const sent = this.#send(numbered).catch(error => {
          failure ??= error
        })
        inFlight.add(sent)
        sent.then(() => inFlight.delete(sent))
        if (inFlight.size >= inFlightMax) await Promise.race(inFlight)
      }
      if (failure) break
    }
    await Promise.all(inFlight)
    if (failure) throw failure
  }

  async #send(batches: readonly Numbered[]): Promise<void> {
    const { requests, hasSecondGeneration } = this.#cluster
    const leaders = await Promise.all(batches.map(({ topic, partition }) => this.#cluster.leader(topic, partition)))
    const nodes = Map.groupBy(batches.keys(), i => leaders[i].node)
    const sent = [...nodes].map(([node, indexes]) => {
      const topics = Map.groupBy(
        indexes.map(i => batches[i]),
        batch => batch.topic,
      )
      const list = [...topics].map(([name, some]) => ({ name, partitions: some.map(batch => this.#encode(batch)) }))
      const api = hasSecondGeneration ? requests.produceV2 : requests.produce
      return this.#cluster.call(node, api, [{ transactionalId: this.#id, topics: list }], this.#lane)
    })
    const results = await Promise.allSettled(sent)
    for (const result of results) if (result.status === 'rejected') throw result.reason
  }

  #encode({ partition, records, sequence }: Numbered) {
    return { partition, batch: encodeBatch(records, this.#producer, sequence, Date.now(), this.#cluster.codec) }
  }

  #take({ topic, partition, records }: PlannedBatch): number {
    const key = `${topic}/${partition}`
    const sequence = this.#sequences.get(key) ?? 0
    this.#sequences.set(key, (sequence + records.length) % 2 ** 31)
    return sequence
  }

  async #addGroup({ group, topic, offsets }: GroupOffsets): Promise<void> {
    const { requests, hasSecondGeneration } = this.#cluster
    const { id, epoch } = this.#producer
    if (!hasSecondGeneration) await this.#ask(requests.addOffsets, [this.#id, id, epoch, group])
    const partitions = offsets.map(({ partition, offset, metadata }) => ({
      partitionIndex: partition,
      committedOffset: offset,
      committedLeaderEpoch: -1,
      committedMetadata: metadata,
    }))
    const api = hasSecondGeneration ? requests.txnOffsetCommitV2 : requests.txnOffsetCommit
    await this.#cluster.retry(
      async () => {
        const node = await this.#cluster.coordinator('group', group)
        // No member and no generation: that the owner may commit is what the transactional id says.
        await this.#cluster.call(
          node,
          api,
          [this.#id, group, id, epoch, -1, '', null, [{ name: topic, partitions }]],
          this.#lane,
        )
      },
      { only: isRefused },
    )
  }

  async #end(): Promise<void> {
    const { requests, hasSecondGeneration } = this.#cluster
    if (!hasSecondGeneration) return this.#endV1(true)
    const { id, epoch } = this.#producer
    const ended = await this.#ask(requests.endTxnV2, [this.#id, id, epoch, true])
    this.#producer = { id: ended.producerId, epoch: ended.producerEpoch }
    this.#sequences.clear()
  }

  /**
   * Before transactions v2, a coordinator that is asked for a producer whose transaction is open aborts that under an epoch of its own,
   * and then refuses who asked as fenced. So what is open is aborted first, as Kafka's own producer does (TransactionManager, 3.9).
   */
  async #abort(): Promise<void> {
    await this.#endV1(false, isPassing).catch(error => {
      // None is open: it never began, or it has ended.
      if (!isCode(error, 'INVALID_TXN_STATE')) throw error
    })
  }

  /** Ends a transaction v1. */
  async #endV1(commits: boolean, only = isRefused): Promise<void> {
    const { endTxn } = this.#cluster.requests
    const { id, epoch } = this.#producer
    await this.#ask(endTxn, [this.#id, id, epoch, commits], only)
  }

  /** Asks the transaction's coordinator; tries again what it refused without effect. */
  #ask<A extends unknown[], R>(api: API<A, R>, args: A, only = isRefused): Promise<R> {
    const act = async () => {
      const node = await this.#cluster.coordinator('transaction', this.#id)
      return this.#cluster.call(node, api, args, this.#lane)
    }
    return this.#cluster.retry(act, { only })
  }
}
