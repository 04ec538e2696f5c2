import { assert } from '../../errors.ts'
import { fencedError, trimmedError } from '../errors.ts'
import type { Append, Commit, Cursor, Entry, Owner, Position, ShareHandler, SpreadLog, Topics } from '../log.ts'
import { startPosition } from '../log.ts'
import { Waiters } from '../waiters.ts'
import { MemoryGroup, type MemoryMember } from './group.ts'

interface Partition {
  first: bigint
  readonly entries: Entry[]
}

export interface MemoryOptions {
  /** Stages whose partitions are owned singly, and how many each has. */
  readonly spread?: Readonly<Record<string, number>>
}

/** A log in memory, for tests and for `try`: the same promises but durability. */
export class MemoryLog implements SpreadLog, Topics {
  readonly #spread: ReadonlyMap<string, number>
  readonly #group = new MemoryGroup(stage => this.#spread.get(stage) ?? 1)
  readonly #partitions = new Map<string, Partition>()
  readonly #positions = new Map<string, Position>()
  readonly #epochs = new Map<string, number>()
  readonly #waiters = new Waiters()

  constructor({ spread = {} }: MemoryOptions = {}) {
    this.#spread = new Map(Object.entries(spread))
  }

  async *read(from: Cursor, signal: AbortSignal): AsyncIterable<Entry> {
    const partition = this.#partition(from.topic, from.partition)
    for (let offset = from.offset; ; ) {
      if (offset < partition.first) throw trimmedError(from, offset, partition.first)
      const entry = partition.entries[Number(offset - partition.first)]
      if (entry) {
        yield { ...entry, value: new Uint8Array(entry.value) }
        offset++
      } else if (signal.aborted) return
      else await this.#waiters.wait(signal)
    }
  }

  async bounds(topic: string, partition: number) {
    const { first, entries } = this.#partition(topic, partition)
    return { first, next: first + BigInt(entries.length) }
  }

  async position(stage: string, partition: number): Promise<Position> {
    return this.#positions.get(`${stage}/${partition}`) ?? startPosition(partition)
  }

  async own(stage: string): Promise<Owner> {
    assert(!this.#spread.has(stage), `stage '${stage}' is spread: its partitions are owned singly`)
    return this.#own(stage, commit => this.#apply(stage, commit))
  }

  async ownPartition(stage: string, partition: number): Promise<Owner> {
    assert(partition < (this.#spread.get(stage) ?? 0), `stage '${stage}' is not spread over partition ${partition}`)
    return this.#own(`${stage}/${partition}`, commit => {
      const isMine = (one: Position | Append) => one.partition === partition
      assert(
        [...commit.positions, ...commit.appends].every(isMine),
        `${stage}/${partition} writes to another partition`,
      )
      this.#apply(stage, commit)
    })
  }

  async join(stages: readonly string[], handler: ShareHandler): Promise<MemoryMember> {
    return this.#group.join(stages, handler)
  }

  async trim(topic: string, partition: number, before: bigint): Promise<void> {
    const target = this.#partition(topic, partition)
    const count = Math.max(0, Math.min(target.entries.length, Number(before - target.first)))
    target.entries.splice(0, count)
    target.first += BigInt(count)
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  #own(name: string, apply: (commit: Commit) => void): Owner {
    const epoch = (this.#epochs.get(name) ?? 0) + 1
    this.#epochs.set(name, epoch)
    return {
      commit: async commit => {
        if (this.#epochs.get(name) !== epoch) throw fencedError(name)
        apply(commit)
      },
      [Symbol.asyncDispose]: async () => {},
    }
  }

  #apply(stage: string, commit: Commit): void {
    for (const append of commit.appends) this.#append(append)
    for (const position of commit.positions) this.#positions.set(`${stage}/${position.partition}`, position)
    this.#waiters.wake()
  }

  #append({ topic, partition, headers, value }: Append): void {
    const target = this.#partition(topic, partition)
    const offset = target.first + BigInt(target.entries.length)
    target.entries.push({ topic, partition, offset, headers: { ...headers }, value: new Uint8Array(value) })
  }

  #partition(topic: string, partition: number): Partition {
    const key = `${topic}/${partition}`
    const found = this.#partitions.get(key) ?? { first: 0n, entries: [] }
    this.#partitions.set(key, found)
    return found
  }
}
