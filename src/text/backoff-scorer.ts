import type { BackoffModel } from './backoff-model.ts'

/** Space and all that ASCII has like it: words have none of these. */
export const isSpace = (byte: number) => byte === 32 || byte === 0 || (byte >= 9 && byte <= 13)

/** Scores sentences as KenLM 0.3.0 does: words are what stands between spaces. */
export class BackoffScorer {
  /** Since it was cleared: the sum of all logarithms of base 10; words; those that the model does not know; lines. */
  logarithm = 0
  words = 0
  unknown = 0
  lines = 0
  readonly #model: BackoffModel

  constructor(model: BackoffModel) {
    this.#model = model
  }

  clear(): void {
    this.logarithm = this.words = this.unknown = this.lines = 0
  }

  /** Adds the words of one sentence and its end. Sums are of float64, where KenLM's float32 loses words of a long text. */
  addLine(bytes: Uint8Array, start: number, end: number): void {
    const model = this.#model
    this.lines++
    model.begin()
    for (let at = start; at < end; ) {
      if (isSpace(bytes[at])) {
        at++
        continue
      }
      const from = at
      while (at < end && !isSpace(bytes[at])) at++
      this.words++
      const word = model.find(bytes, from, at)
      if (word === model.unknown) this.unknown++
      this.logarithm += model.add(word)
    }
    this.logarithm += model.add(model.end)
  }
}
