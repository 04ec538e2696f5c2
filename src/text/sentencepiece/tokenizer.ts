import { ByteTrie } from './byte-trie.ts'
import { MergingSegmenter } from './merges.ts'
import { findBytes, type SentencePieceModel } from './model-file.ts'
import { Normalizer } from './normalizer.ts'
import type { Segmenter } from './segmenter.ts'
import { UnigramSegmenter } from './unigram.ts'

/** Cuts texts into pieces as SentencePiece 0.2.0 does: the same ids, the same bytes. */
export class SentencePieceTokenizer {
  /** Of the last text, the first `length` bytes: its pieces with a space between them, as they are given to a language model. */
  bytes = new Uint8Array(1024)
  length = 0
  /** Of the last text that was asked for with ids. */
  ids: number[] = []
  readonly #normalizer: Normalizer
  readonly #segmenter: Segmenter
  readonly #unknown: number
  /** By byte, where a model gives out the bytes of what it does not know. */
  readonly #byteIds: readonly number[] | null
  readonly #pieces: SentencePieceModel['pieces']
  #keepIds = false
  #afterUnknown = false

  /** `file` is for the message where its rules are damaged. */
  constructor(model: SentencePieceModel, file: string) {
    const kept = new ByteTrie()
    for (const [id, { bytes, kind }] of model.pieces.entries()) if (kind === 'user') kept.add(bytes, id)
    this.#pieces = model.pieces
    this.#normalizer = new Normalizer(model.normalizer, kept, file)
    this.#segmenter = model.type === 'unigram' ? new UnigramSegmenter(model) : new MergingSegmenter(model, kept)
    this.#unknown = model.pieces.findIndex(({ kind }) => kind === 'unknown')
    this.#byteIds = model.byteFallback ? findBytes(model.pieces) : null
  }

  /** Cuts `text[start, end)`, which is a line, to `bytes`. */
  cut(text: Uint8Array, start: number, end: number, keepIds = false): void {
    this.length = 0
    this.ids = []
    this.#keepIds = keepIds
    this.#afterUnknown = false
    this.#normalizer.normalize(text, start, end)
    const { bytes, length } = this.#normalizer
    this.#segmenter.segment(bytes, length, (from, to, id) => this.#take(bytes, from, to, id))
  }

  #take(bytes: Uint8Array, start: number, end: number, id: number): void {
    const isUnknown = id === this.#unknown
    if (isUnknown && this.#byteIds) {
      for (let at = start; at < end; at++) {
        const byteId = this.#byteIds[bytes[at]]
        const { bytes: name } = this.#pieces[byteId]
        this.#push(byteId, name, 0, name.length)
      }
    } else if (isUnknown && this.#afterUnknown) {
      // What is unknown is one piece up to what is known.
      this.length--
      this.#append(bytes, start, end)
    } else this.#push(id, bytes, start, end)
    this.#afterUnknown = isUnknown
  }

  #push(id: number, bytes: Uint8Array, start: number, end: number): void {
    if (this.#keepIds) this.ids.push(id)
    this.#append(bytes, start, end)
  }

  #append(bytes: Uint8Array, start: number, end: number): void {
    const length = this.length + end - start + 1
    if (length > this.bytes.length) {
      const larger = new Uint8Array(2 * length)
      larger.set(this.bytes.subarray(0, this.length))
      this.bytes = larger
    }
    for (let at = start; at < end; at++) this.bytes[this.length++] = bytes[at]
    this.bytes[this.length++] = 0x20
  }
}
