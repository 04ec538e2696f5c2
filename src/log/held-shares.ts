import type { Share, ShareHandler } from './log.ts'

/** A share, and the id of the topic that stands for it: a topic that was deleted and created anew has another. */
export interface Assigned {
  readonly share: Share
  readonly topicId: string
}

/** Partitions by the id of their topic, as heartbeats name them. */
export interface TopicPartitions {
  readonly topicId: string
  readonly partitions: number[]
}

interface Listener {
  /** Something was given up: the group should know soon. */
  onGiven(): void
  /** The handler failed to give something up, which it must not. */
  onError(error: unknown): void
}

/** What a member has of what it is assigned. Brings the two together share by share, so that a share's calls never overlap. */
export class HeldShares {
  readonly #handler: ShareHandler
  readonly #listener: Listener
  #wanted: ReadonlyMap<string, Assigned> = new Map()
  /** What counts as this member's, and is reported: what is being given up too. */
  readonly #held = new Map<string, Assigned>()
  /** What is being given up, whether it still counts as this member's or was lost meanwhile. */
  readonly #giving = new Map<string, Promise<void>>()

  constructor(handler: ShareHandler, listener: Listener) {
    this.#handler = handler
    this.#listener = listener
  }

  get held(): TopicPartitions[] {
    const topics = Map.groupBy(this.#held.values(), ({ topicId }) => topicId)
    return [...topics].map(([topicId, some]) => ({ topicId, partitions: some.map(({ share }) => share.partition) }))
  }

  /** Gives up what is not assigned any more, and takes what is. */
  assign(assigned: readonly Assigned[]): void {
    this.#wanted = new Map(assigned.map(one => [`${one.share.stage}/${one.share.partition}`, one]))
    this.#reconcile()
  }

  lose(): void {
    this.#wanted = new Map()
    this.#held.clear()
    this.#handler.lose()
  }

  async giveAll(): Promise<void> {
    this.assign([])
    while (this.#giving.size > 0) await Promise.all(this.#giving.values())
  }

  #reconcile(): void {
    for (const [key, held] of this.#held)
      if (!this.#giving.has(key) && this.#wanted.get(key)?.topicId !== held.topicId)
        this.#giving.set(key, this.#give(key, held))
    for (const [key, wanted] of this.#wanted)
      if (!this.#giving.has(key) && !this.#held.has(key)) {
        this.#held.set(key, wanted)
        this.#handler.take(wanted.share)
      }
  }

  async #give(key: string, held: Assigned): Promise<void> {
    try {
      await this.#handler.give(held.share)
    } catch (error) {
      // It stays reported: nobody knows whether it is still worked on.
      this.#giving.delete(key)
      return this.#listener.onError(error)
    }
    this.#giving.delete(key)
    if (this.#held.get(key) === held) this.#held.delete(key)
    this.#reconcile()
    this.#listener.onGiven()
  }
}
