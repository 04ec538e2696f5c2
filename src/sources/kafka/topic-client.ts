import type { TopicRecord } from './records.ts'

/** A topic as its brokers see it. `stamp` says which one it is: another with the same name has another. */
export interface TopicState {
  readonly stamp: string
  /** Of each partition, the first offset, the one behind all that is decided, and the one behind all that is there. */
  readonly partitions: readonly { readonly first: number; readonly next: number; readonly high: number }[]
}

/** A connection to one topic. Errors are the world's: they say that the brokers are away, or that what is asked for is gone. */
export interface TopicClient extends AsyncDisposable {
  describe(): Promise<TopicState>
  /** Some committed records from an offset on, and where to go on, which may be behind gaps. */
  fetch(partition: number, from: number, stamp: string): Promise<Fetched>
}
export interface Fetched {
  readonly records: readonly TopicRecord[]
  readonly next: number
  /** The offsets behind all that is decided and behind all that is there, as this answer says; -1 where it does not. */
  readonly stable: number
  readonly high: number
}

/** One connection for all that goes on at the same time: it opens with the first borrower and closes with the last. */
export class SharedClient {
  readonly #open: () => Promise<TopicClient>
  #client: Promise<TopicClient> | null = null
  #borrowers = 0

  constructor(open: () => Promise<TopicClient>) {
    this.#open = open
  }

  /** Gives the connection until disposed or until `signal` aborts: what reads for it is then left as it stands. */
  async borrow(signal: AbortSignal): Promise<{ readonly client: TopicClient } & AsyncDisposable> {
    this.#borrowers++
    this.#client ??= this.#open()
    const client = this.#client
    let isHeld = true
    const giveBack = async () => {
      if (!isHeld) return
      isHeld = false
      signal.removeEventListener('abort', giveBack)
      if (--this.#borrowers > 0) return
      this.#client = null
      await client.then(last => last[Symbol.asyncDispose]()).catch(() => {})
    }
    signal.addEventListener('abort', giveBack)
    if (signal.aborted) await giveBack()
    try {
      return { client: await client, [Symbol.asyncDispose]: giveBack }
    } catch (error) {
      await giveBack()
      throw error
    }
  }
}
