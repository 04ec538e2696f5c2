import { assert, HeadraceError } from '../../errors.ts'
import type { Cluster } from '../../kafka/cluster.ts'
import { codesOf, isFenced, isPassing, wrapKafkaError } from '../../kafka/errors.ts'
import { batchOverheadBytes, recordBytesMax } from '../../kafka/records.ts'
import { fencedError } from '../errors.ts'
import type { Commit, Owner, Position } from '../log.ts'
import { type Names, nameScope, type Scope } from './names.ts'
import { readState, type StageState, stateWrite } from './positions.ts'
import { entryBytesMax } from './topics.ts'
import { type GroupOffsets, Transactor, type Write } from './transaction.ts'

/**
 * The owner of a stage, or of one partition of a spread stage. A commit is one transaction. One that failed is begun again from what is
 * still in memory; whether one whose end was asked for happened is read from the stage's positions after the transaction was ended,
 * never guessed. An owner that was fenced, or that could not find out, refuses all that follows.
 */
export class KafkaOwner implements Owner {
  readonly #cluster: Cluster
  readonly #names: Names
  readonly #scope: Scope
  readonly #input: string | null
  readonly #transactor: Transactor
  #state: StageState
  #count = 0
  #name: string
  #dead: unknown = null
  #queue: Promise<void> = Promise.resolve()

  private constructor(given: Given, transactor: Transactor, state: StageState) {
    this.#cluster = given.cluster
    this.#names = given.names
    this.#scope = { stage: given.stage, partition: given.partition }
    this.#input = given.input
    this.#transactor = transactor
    this.#state = state
    this.#name = `${transactor.producer.id}-${transactor.producer.epoch}`
  }

  /** Fences the owners before, then reads the positions: in this order none of them commits after what was read. */
  static async open(given: Given): Promise<KafkaOwner> {
    const { cluster, names } = given
    const transactor = new Transactor(cluster, names.transaction(given))
    try {
      await transactor.fence()
      return new KafkaOwner(given, transactor, await readState(cluster, names, given))
    } catch (error) {
      await transactor[Symbol.asyncDispose]()
      throw wrapKafkaError(error, `becoming the owner of stage '${nameScope(given)}'`)
    }
  }

  commit(commit: Commit): Promise<void> {
    const done = this.#queue.then(() => this.#commit(commit))
    this.#queue = done.catch(() => {})
    return done
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#queue
    await this.#transactor[Symbol.asyncDispose]()
  }

  async #commit(commit: Commit): Promise<void> {
    if (this.#dead) throw this.#dead
    this.#checkScope(commit)
    const positions = new Map(this.#state.positions)
    for (const position of commit.positions) positions.set(position.partition, { ...position })
    const state = { positions, commit: `${this.#name}-${this.#count++}` }
    const writes = [stateWrite(this.#names, this.#scope, state), ...commit.appends.map(append => this.#write(append))]
    for (const write of writes) checkBytes(write)
    try {
      await this.#run(writes, this.#group(commit.positions), state.commit)
    } catch (error) {
      throw (this.#dead = this.#explain(error))
    }
    this.#state = state
  }

  #checkScope({ positions, appends }: Commit): void {
    const { partition } = this.#scope
    for (const { partition: other } of partition === undefined ? [] : [...positions, ...appends])
      assert(other === partition, `the owner of ${nameScope(this.#scope)} writes to partition ${other}`)
  }

  async #run(writes: readonly Write[], group: GroupOffsets | null, name: string): Promise<void> {
    const end = performance.now() + this.#cluster.options.retryTimeoutMs
    for (;;) {
      try {
        return await this.#transactor.run(writes, group)
      } catch (error) {
        if (isFenced(error) && !this.#transactor.isEnding) throw error
        const wasEnding = this.#transactor.isEnding
        this.#cluster.forget()
        await this.#transactor.recover()
        if (wasEnding && (await readState(this.#cluster, this.#names, this.#scope)).commit === name) return
        if (!isRepeatable(error) || performance.now() > end) throw error
      }
    }
  }

  #write({ topic, partition, headers, value }: Commit['appends'][number]): Write {
    return { topic: this.#names.topic(topic), partition, headers, value }
  }

  #group(positions: readonly Position[]): GroupOffsets | null {
    if (this.#input === null || positions.length === 0) return null
    const offsets = positions.map(({ partition, offset, slot }) => ({ partition, offset, metadata: `slot ${slot}` }))
    return { group: this.#names.group(this.#scope.stage), topic: this.#names.topic(this.#input), offsets }
  }

  #explain(error: unknown): unknown {
    if (isFenced(error)) return fencedError(nameScope(this.#scope))
    return wrapKafkaError(error, `committing stage '${nameScope(this.#scope)}'`)
  }
}

interface Given extends Scope {
  readonly cluster: Cluster
  readonly names: Names
  /** The topic whose offsets the positions are, so that Kafka's own tools can show the lag. */
  readonly input: string | null
}

/** Whether the same transaction may succeed after a recovery: not when a broker refuses what it holds. */
const isRepeatable = (error: unknown) =>
  isPassing(error) ||
  isFenced(error) ||
  codesOf(error).some(code =>
    /^(INVALID_TXN_STATE|OUT_OF_ORDER_SEQUENCE|UNKNOWN_PRODUCER_ID|TRANSACTION_ABORTABLE)/.test(code),
  )

/** Refuses what a topic would not take before anything is sent; the owner goes on. */
function checkBytes(write: Write): void {
  const bytes = recordBytesMax(write) + batchOverheadBytes
  if (bytes > entryBytesMax)
    throw new HeadraceError(
      'limit',
      `an entry for ${write.topic}/${write.partition} has ${bytes} bytes, and a topic takes ${entryBytesMax}: make slots or documents smaller`,
    )
}
