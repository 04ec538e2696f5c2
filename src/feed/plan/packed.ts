import type { FeedSettings } from '../options.ts'

/** How documents become samples of `length` tokens. */
export type Packing = FeedSettings['packing']

export interface PackOptions {
  readonly length: number
  readonly packing: Packing
  /** With `best-fit-filled`: the share of the documents that would fit a sample which may be cut at most. Default 0. */
  readonly cutMax?: number
  /** Tokens of whose multiples pieces take the room, and `length` is one. Default 1. */
  readonly align?: number
}

/**
 * Documents cut into pieces, and the sample that each piece is in. Pieces of a sample stand in the order of their numbers; samples are
 * numbered from 0. `start` counts tokens from the document's first one.
 */
export interface Packed {
  readonly samples: number
  readonly pieces: number
  readonly document: Int32Array
  readonly start: Int32Array
  readonly length: Int32Array
  readonly sample: Int32Array
}

/** Of the documents of a block that would fit a sample, how many there are and how many were cut. */
export interface Cut {
  readonly fitting: number
  readonly cut: number
}

/** Counts what was cut that need not be. */
export function countCut({ pieces, document }: Packed, lengths: Int32Array, length: number): Cut {
  const piecesOf = new Int32Array(lengths.length)
  for (let piece = 0; piece < pieces; piece++) piecesOf[document[piece]]++
  let [fitting, cut] = [0, 0]
  for (const [i, tokens] of lengths.entries()) {
    if (tokens === 0 || tokens > length) continue
    fitting++
    if (piecesOf[i] > 1) cut++
  }
  return { fitting, cut }
}
