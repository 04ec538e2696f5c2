import { SizeTree } from './size-tree.ts'

/** Samples by the room that they have left: for each size a stack linked through `below`, the newest on top. */
export class Rooms {
  readonly #newest: Int32Array
  readonly #below: Int32Array
  readonly #sizes: SizeTree

  constructor(length: number, samplesMax: number) {
    this.#newest = new Int32Array(length + 1).fill(-1)
    this.#below = new Int32Array(samplesMax)
    this.#sizes = new SizeTree(length + 1)
  }

  push(sample: number, room: number): void {
    if (room === 0) return
    this.#below[sample] = this.#newest[room]
    this.#newest[room] = sample
    this.#sizes.set(room, true)
  }

  /** The least room from this one on that a sample has, or -1. */
  leastFrom(room: number): number {
    return this.#sizes.firstFrom(room)
  }

  /** The most room up to this one that a sample has, or -1. */
  mostUpTo(room: number): number {
    return this.#sizes.lastUpTo(room)
  }

  /** Takes the newest sample that has this room. */
  pop(room: number): number {
    const sample = this.#newest[room]
    this.#newest[room] = this.#below[sample]
    if (this.#newest[room] < 0) this.#sizes.set(room, false)
    return sample
  }
}
