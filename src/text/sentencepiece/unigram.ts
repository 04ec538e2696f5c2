import { limits } from '../../limits.ts'
import { lengthOf } from '../bytes.ts'
import { ByteTrie } from './byte-trie.ts'
import type { SentencePieceModel } from './model-file.ts'
import type { Segmenter, TakePiece } from './segmenter.ts'

/** Taken off the lowest score of all pieces for a character that none has. */
const unknownPenalty = 10
/** The smallest float32 that is not subnormal: SentencePiece's highest score where none is above it. */
const floatMin = 2 ** -126

/** The most probable way to cut a text into pieces (Viterbi), with SentencePiece's float32 sums, so that near ties fall as there. */
export class UnigramSegmenter implements Segmenter {
  readonly #trie = new ByteTrie()
  readonly #scores: Float32Array
  readonly #isUser: Uint8Array
  readonly #unknown: number
  readonly #unknownScore: number
  readonly #scoreMax: number
  /** Of the best way to each place from `#from` on: its score, where its last piece begins, -1 for no way, and which that is. */
  #best = new Float32Array(1024)
  #starts = new Int32Array(1024).fill(-1)
  #ids = new Int32Array(1024)
  #from = 0
  /** The furthest of these that was set. */
  #last = 0

  constructor({ pieces }: SentencePieceModel) {
    this.#scores = Float32Array.from(pieces, ({ score }) => score)
    this.#isUser = Uint8Array.from(pieces, ({ kind }) => Number(kind === 'user'))
    this.#unknown = pieces.findIndex(({ kind }) => kind === 'unknown')
    const normal = this.#scores.filter((_, id) => pieces[id].kind === 'normal')
    const min = normal.reduce((a, b) => Math.min(a, b), 3.4028234663852886e38)
    this.#scoreMax = normal.reduce((a, b) => Math.max(a, b), floatMin)
    this.#unknownScore = Math.fround(min - unknownPenalty)
    for (const [id, { bytes, kind }] of pieces.entries())
      if (kind === 'normal' || kind === 'user') this.#trie.add(bytes, id)
  }

  segment(bytes: Uint8Array, end: number, take: TakePiece): void {
    this.#from = 0
    this.#best[0] = 0
    let reached = 0
    for (let at = 0; at < end; ) {
      // No piece crosses this place, so every way leads over it.
      if (at === reached || at - this.#from >= limits.pieceWindowBytes) {
        this.#takeUpTo(at, take)
        reached = at
      }
      const next = Math.min(at + lengthOf(bytes[at]), end)
      reached = Math.max(reached, next, this.#follow(bytes, at, next, end))
      at = next
    }
    this.#takeUpTo(end, take)
  }

  /** Follows all pieces that begin at `at`, where one character ends at `next`; returns where the longest ends. */
  #follow(bytes: Uint8Array, at: number, next: number, end: number): number {
    const before = this.#best[at - this.#from]
    let [reached, hasSingle] = [at, false]
    for (let node = 0, i = at; i < end; ) {
      node = this.#trie.step(node, bytes[i++])
      if (node < 0) break
      const id = this.#trie.numberAt(node)
      if (id < 0) continue
      const score = this.#isUser[id] ? Math.fround((i - at) * this.#scoreMax) - 0.1 : this.#scores[id]
      this.#offer(i, score + before, at, id)
      reached = i
      if (i === next) hasSingle = true
    }
    if (!hasSingle) this.#offer(next, Math.fround(this.#unknownScore + before), at, this.#unknown)
    return reached
  }

  #offer(place: number, score: number, start: number, id: number): void {
    const i = place - this.#from
    if (i >= this.#starts.length) this.#grow(i)
    if (i > this.#last) this.#last = i
    if (this.#starts[i] >= 0 && !(score > this.#best[i])) return
    this.#best[i] = score
    this.#starts[i] = start
    this.#ids[i] = id
  }

  /** Gives out the best way to `place`, where the next one begins. */
  #takeUpTo(place: number, take: TakePiece): void {
    const from = this.#from
    // The way is turned around in place: each place on it learns where the next one is.
    let next = -1
    for (let at = place; at > from; ) {
      const start = this.#starts[at - from]
      this.#starts[at - from] = next
      next = at
      at = start
    }
    for (let at = from; next >= 0; ) {
      take(at, next, this.#ids[next - from])
      at = next
      next = this.#starts[next - from]
    }
    this.#best[0] = this.#best[place - from]
    this.#starts.fill(-1, 0, this.#last + 1)
    this.#last = 0
    this.#from = place
  }

  #grow(place: number): void {
    const size = 2 * (place + 1)
    const [best, starts, ids] = [this.#best, this.#starts, this.#ids]
    this.#best = new Float32Array(size)
    this.#starts = new Int32Array(size).fill(-1)
    this.#ids = new Int32Array(size)
    this.#best.set(best)
    this.#starts.set(starts)
    this.#ids.set(ids)
  }
}
