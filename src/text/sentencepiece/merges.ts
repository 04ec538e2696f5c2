import { limits } from '../../limits.ts'
import { lengthOf, pointAt } from '../bytes.ts'
import { hashBasis, hashByte, PackedWords } from '../packed-words.ts'
import type { ByteTrie } from './byte-trie.ts'
import { MergeQueue } from './merge-queue.ts'
import type { SentencePieceModel } from './model-file.ts'
import type { Segmenter, TakePiece } from './segmenter.ts'

const pointsPerPair = 2 ** 21

/**
 * Merges of neighbours (byte-pair encoding), the best first. A text is cut before it is merged where no piece of the model has the two characters
 * about a place side by side: no merge crosses it.
 */
export class MergingSegmenter implements Segmenter {
  readonly #words = new PackedWords()
  /** Of each of these words. */
  readonly #ids: number[] = []
  readonly #scores: Float32Array
  readonly #isUnused: Uint8Array
  readonly #unknown: number
  readonly #kept: ByteTrie
  /** Characters that stand side by side in a piece. */
  readonly #pairs = new Set<number>()
  readonly #queue = new MergeQueue()
  /** Of each symbol of a part: where it begins and ends, its neighbours or -1, and whether it may be merged. */
  #starts = new Int32Array(256)
  #ends = new Int32Array(256)
  #before = new Int32Array(256)
  #next = new Int32Array(256)
  #isKept = new Uint8Array(256)
  #length = 0
  /** By the id of an unused piece, the bytes of the first of the two that it was merged of last. */
  readonly #firstBytes = new Map<number, number>()

  /** `kept` has the pieces that are found before all else. */
  constructor({ pieces }: SentencePieceModel, kept: ByteTrie) {
    this.#kept = kept
    this.#scores = Float32Array.from(pieces, ({ score }) => score)
    this.#isUnused = Uint8Array.from(pieces, ({ kind }) => Number(kind === 'unused'))
    this.#unknown = pieces.findIndex(({ kind }) => kind === 'unknown')
    for (const [id, { bytes, kind }] of pieces.entries()) {
      if (!(kind === 'normal' || kind === 'user' || kind === 'unused')) continue
      if (this.#words.add(bytes) >= 0) this.#ids.push(id)
      for (let at = 0, next = 0; (next = at + lengthOf(bytes[at])) < bytes.length; at = next)
        this.#pairs.add(pointAt(bytes, at) * pointsPerPair + pointAt(bytes, next))
    }
  }

  segment(bytes: Uint8Array, end: number, take: TakePiece): void {
    this.#firstBytes.clear()
    let before = -1
    for (let at = 0; at < end; ) {
      const kept = this.#kept.lengthAt(bytes, at, end)
      const next = kept > 0 ? at + kept : Math.min(at + lengthOf(bytes[at]), end)
      const point = pointAt(bytes, at)
      const isJoined = kept === 0 && before >= 0 && this.#pairs.has(before * pointsPerPair + point)
      if (!isJoined || this.#length >= limits.pieceWindowBytes / 4) this.#mergePart(bytes, take)
      this.#push(at, next, kept > 0)
      before = kept > 0 ? -1 : point
      at = next
    }
    this.#mergePart(bytes, take)
  }

  #push(start: number, end: number, isKept: boolean): void {
    const at = this.#length++
    if (at === this.#starts.length) this.#grow()
    this.#starts[at] = start
    this.#ends[at] = end
    this.#before[at] = at - 1
    this.#next[at] = -1
    this.#isKept[at] = Number(isKept)
    if (at > 0) this.#next[at - 1] = at
  }

  /** Merges what was pushed, and gives out what it comes to. */
  #mergePart(bytes: Uint8Array, take: TakePiece): void {
    const [queue, starts, ends, next] = [this.#queue, this.#starts, this.#ends, this.#next]
    queue.clear()
    for (let at = 1; at < this.#length; at++) this.#offer(bytes, at - 1, at)
    while (queue.take()) {
      const { left, right, size } = queue
      const sizes = [ends[left] - starts[left], ends[right] - starts[right]]
      if (sizes[0] === 0 || sizes[1] === 0 || sizes[0] + sizes[1] !== size) continue
      ends[left] = ends[right]
      next[left] = next[right]
      if (next[right] >= 0) this.#before[next[right]] = left
      ends[right] = starts[right]
      this.#offer(bytes, this.#before[left], left)
      this.#offer(bytes, left, next[left])
    }
    if (this.#length > 0) for (let at = 0; at >= 0; at = next[at]) this.#give(bytes, starts[at], ends[at], take)
    this.#length = 0
  }

  #offer(bytes: Uint8Array, left: number, right: number): void {
    if (left < 0 || right < 0 || this.#isKept[left] || this.#isKept[right]) return
    const [start, end] = [this.#starts[left], this.#ends[right]]
    const id = this.#find(bytes, start, end)
    if (id < 0) return
    this.#queue.add(this.#scores[id], left, right, end - start)
    if (this.#isUnused[id]) this.#firstBytes.set(id, this.#ends[left] - start)
  }

  /** What was merged to an unused piece is given out in its parts. */
  #give(bytes: Uint8Array, start: number, end: number, take: TakePiece): void {
    const id = this.#find(bytes, start, end)
    const first = id >= 0 && this.#isUnused[id] ? this.#firstBytes.get(id) : undefined
    if (first === undefined) take(start, end, id < 0 ? this.#unknown : id)
    else {
      this.#give(bytes, start, start + first, take)
      this.#give(bytes, start + first, end, take)
    }
  }

  #find(bytes: Uint8Array, start: number, end: number): number {
    let hash = hashBasis
    for (let at = start; at < end; at++) hash = hashByte(hash, bytes[at])
    const number = this.#words.find(hash, bytes, start, end)
    return number < 0 ? -1 : this.#ids[number]
  }

  #grow(): void {
    const size = 2 * this.#starts.length
    const larger = (array: Int32Array<ArrayBuffer>) => {
      const made = new Int32Array(size)
      made.set(array)
      return made
    }
    this.#starts = larger(this.#starts)
    this.#ends = larger(this.#ends)
    this.#before = larger(this.#before)
    this.#next = larger(this.#next)
    const isKept = new Uint8Array(size)
    isKept.set(this.#isKept)
    this.#isKept = isKept
  }
}
