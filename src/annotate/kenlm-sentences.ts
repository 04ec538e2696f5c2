import type { BackoffModel } from '../text/backoff-model.ts'
import { BackoffScorer } from '../text/backoff-scorer.ts'
import { CcnetNormalizer } from '../text/ccnet.ts'
import type { SentencePieceTokenizer } from '../text/sentencepiece/tokenizer.ts'

/** Scores texts by a language model, folded and cut to pieces before, where that is asked for. */
export class SentenceScorer {
  readonly #scorer: BackoffScorer
  readonly #tokenizer: SentencePieceTokenizer | null
  readonly #normalizer: CcnetNormalizer | null
  readonly #isWhole: boolean

  constructor(
    model: BackoffModel,
    tokenizer: SentencePieceTokenizer | null,
    normalize: 'ccnet' | 'ccnet-lines' | null,
  ) {
    this.#scorer = new BackoffScorer(model)
    this.#tokenizer = tokenizer
    this.#normalizer = normalize ? new CcnetNormalizer() : null
    this.#isWhole = normalize === 'ccnet'
  }

  /** Of the last text: see `BackoffScorer`. All are 0 for one without anything to score. */
  get logarithm(): number {
    return this.#scorer.logarithm
  }
  get words(): number {
    return this.#scorer.words
  }
  get unknown(): number {
    return this.#scorer.unknown
  }
  get lines(): number {
    return this.#scorer.lines
  }

  score(bytes: Uint8Array, start: number, end: number): void {
    this.#scorer.clear()
    // The next line feed is looked for in this text alone: those behind it may have none.
    const text = bytes.subarray(start, end)
    for (let at = 0, stop = -1; at <= text.length && text.length > 0; at = stop + 1) {
      stop = this.#isWhole ? -1 : text.indexOf(10, at)
      if (stop < 0) stop = text.length
      this.#addLine(text, at, stop)
    }
  }

  #addLine(text: Uint8Array, start: number, end: number): void {
    let [bytes, from, to] = [text, start, end]
    if (this.#normalizer) {
      this.#normalizer.normalize(bytes, from, to)
      ;[bytes, from, to] = [this.#normalizer.bytes, 0, this.#normalizer.length]
    }
    if (this.#tokenizer) {
      this.#tokenizer.cut(bytes, from, to)
      ;[bytes, from, to] = [this.#tokenizer.bytes, 0, this.#tokenizer.length]
    }
    // CCNet measures no text of which nothing is left.
    if (from < to || !this.#isWhole) this.#scorer.addLine(bytes, from, to)
  }
}
