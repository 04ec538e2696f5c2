import { trimmedError } from '../errors.ts'
import type { Cursor, Position } from '../log.ts'
import type { FrameBase, FrameHeader } from './frame.ts'

/** One file of a journal that counts. */
export interface Segment {
  readonly path: string
  readonly commit: number
  readonly epoch: number
  /** Bytes of whole, committed frames. */
  size: number
}

/** Where an entry lies: which segment, which frame in it, which append of the frame. */
export interface Place {
  readonly segment: Segment
  readonly frameAt: number
  readonly ordinal: number
}

interface Partition {
  readonly topic: string
  readonly partition: number
  first: bigint
  places: Place[]
  /** Entries before this are no longer needed. */
  unneeded: bigint
}

/** Where a stage's entries lie, and its positions: what its frames' headers say, in memory. */
export class JournalIndex {
  readonly positions = new Map<number, Position>()
  readonly #partitions = new Map<string, Partition>()
  /** The number that the next commit gets. */
  commits = 0

  /** Takes over where the stage stood before a file's first commit; of a later file that is known already. */
  applyBase(header: FrameHeader, base: FrameBase): void {
    this.#applyPositions(header)
    this.commits = header.commit
    for (const { topic, partition, offset } of base.next) {
      const target = this.#partition(topic, partition)
      if (target.places.length === 0) target.first = BigInt(offset)
    }
  }

  applyCommit(header: FrameHeader, segment: Segment, frameAt: number): void {
    this.#applyPositions(header)
    this.commits = header.commit + 1
    for (const [ordinal, { topic, partition }] of header.appends.entries())
      this.#partition(topic, partition).places.push({ segment, frameAt, ordinal })
  }

  /** Where an entry lies, or undefined when it is not committed yet. */
  place(cursor: Cursor): Place | undefined {
    const { first, places } = this.#partition(cursor.topic, cursor.partition)
    if (cursor.offset < first) throw trimmedError(cursor, cursor.offset, first)
    return places[Number(cursor.offset - first)]
  }

  bounds(topic: string, partition: number): { first: bigint; next: bigint } {
    const { first, places } = this.#partition(topic, partition)
    return { first, next: first + BigInt(places.length) }
  }

  /** The next offset of every partition that ever had an entry. */
  next(): FrameBase['next'] {
    return [...this.#partitions.values()]
      .map(({ topic, partition, first, places }) => ({
        topic,
        partition,
        offset: String(first + BigInt(places.length)),
      }))
      .filter(({ offset }) => offset !== '0')
  }

  release(topic: string, partition: number, before: bigint): void {
    const target = this.#partition(topic, partition)
    if (before > target.unneeded) target.unneeded = before
  }

  /** Whether no partition needs an entry of the oldest segment. */
  isUnneeded(segment: Segment): boolean {
    for (const { first, places, unneeded } of this.#partitions.values()) {
      const needed = unneeded > first ? Number(unneeded - first) : 0
      if (places[needed]?.segment === segment) return false
    }
    return true
  }

  /** Forgets the entries of the oldest segment. */
  drop(segment: Segment): void {
    for (const partition of this.#partitions.values()) {
      const count = partition.places.findIndex(place => place.segment !== segment)
      const dropped = count < 0 ? partition.places.length : count
      partition.places = partition.places.slice(dropped)
      partition.first += BigInt(dropped)
    }
  }

  #applyPositions(header: FrameHeader): void {
    for (const position of header.positions)
      this.positions.set(position.partition, { ...position, offset: BigInt(position.offset) })
  }

  #partition(topic: string, partition: number): Partition {
    const key = `${topic}/${partition}`
    const found = this.#partitions.get(key) ?? { topic, partition, first: 0n, places: [], unneeded: 0n }
    this.#partitions.set(key, found)
    return found
  }
}
