/** Pairs of neighbours that may be merged, the one with the highest score first, of equal ones the leftmost (a binary heap). */
export class MergeQueue {
  /** Of the pair that was taken last: its two symbols, and how many bytes they had together. */
  left = 0
  right = 0
  size = 0
  #scores = new Float32Array(256)
  /** Left, right and size of each. */
  #pairs = new Int32Array(3 * 256)
  #length = 0

  clear(): void {
    this.#length = 0
  }

  add(score: number, left: number, right: number, size: number): void {
    if (this.#length === this.#scores.length) this.#grow()
    let at = this.#length++
    while (at > 0) {
      const above = (at - 1) >>> 1
      if (!this.#isBefore(score, left, above)) break
      this.#move(above, at)
      at = above
    }
    this.#set(at, score, left, right, size)
  }

  /** Takes the first; false where there is none. */
  take(): boolean {
    if (this.#length === 0) return false
    const pairs = this.#pairs
    this.left = pairs[0]
    this.right = pairs[1]
    this.size = pairs[2]
    const last = --this.#length
    const [score, left, right, size] = [this.#scores[last], pairs[3 * last], pairs[3 * last + 1], pairs[3 * last + 2]]
    let at = 0
    for (let below = 1; below < last; below = 2 * at + 1) {
      if (below + 1 < last && this.#isBefore(this.#scores[below + 1], pairs[3 * (below + 1)], below)) below++
      if (this.#isBefore(score, left, below)) break
      this.#move(below, at)
      at = below
    }
    this.#set(at, score, left, right, size)
    return true
  }

  #isBefore(score: number, left: number, at: number): boolean {
    return score > this.#scores[at] || (score === this.#scores[at] && left < this.#pairs[3 * at])
  }

  #move(from: number, to: number): void {
    this.#scores[to] = this.#scores[from]
    this.#pairs.copyWithin(3 * to, 3 * from, 3 * from + 3)
  }

  #set(at: number, score: number, left: number, right: number, size: number): void {
    this.#scores[at] = score
    this.#pairs[3 * at] = left
    this.#pairs[3 * at + 1] = right
    this.#pairs[3 * at + 2] = size
  }

  #grow(): void {
    const [scores, pairs] = [this.#scores, this.#pairs]
    this.#scores = new Float32Array(2 * scores.length)
    this.#pairs = new Int32Array(2 * pairs.length)
    this.#scores.set(scores)
    this.#pairs.set(pairs)
  }
}
