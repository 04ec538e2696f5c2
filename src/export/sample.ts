/** A span of a sample: a piece of one document. */
export interface Piece {
  /** First token, from the sample's. */
  readonly start: number
  readonly length: number
  /** The document's id. */
  readonly document: string
  /** The document was taken down: no token of it is a target. Of one token, which is never a target, nothing tells; it is false. */
  readonly isMasked: boolean
}

/** One sample as exporters get it. The arrays have `length` values, belong to whoever reads the feed, and stay as they are. */
export interface Sample {
  readonly step: number
  readonly domain: string
  readonly tokens: Int32Array
  /** `targets[i]` follows `tokens[i]` in the same piece of a document; -100 where nothing does, in padding and where it is masked. */
  readonly targets: Int32Array
  /** Count from 0 in each piece, and in padding. */
  readonly positions: Int32Array
  /** In order. What is in none is padding: behind the last one, and where the feed aligns them between two. */
  readonly pieces: readonly Piece[]
  /** Bounds of spans, from 0 to the sample's length: of pieces with the padding that aligns the next one, and of other padding. */
  readonly bounds: Int32Array
  /** The document's id of each span, '' for padding. */
  readonly documents: readonly string[]
}

/** Tokens that are no padding. */
export function countTokens({ pieces }: Sample): number {
  return pieces.reduce((sum, { length }) => sum + length, 0)
}

/** What an export consists of. Tokens are those of documents; padding and masked ones are counted apart, masked ones also in `tokens`. */
export interface SampleCounts {
  samples: number
  pieces: number
  tokens: number
  paddingTokens: number
  maskedPieces: number
  maskedTokens: number
  /** Pieces of fewer than `shortPieceTokens`. */
  shortPieces: number
  /** Samples of the smallest step and of the largest. */
  stepSamplesMin: number
  stepSamplesMax: number
}

/** What InternEvo's reader leaves out by default (`min_length` of its JsonlDataset). */
export const shortPieceTokens = 50

export function noCounts(): SampleCounts {
  const masked = { maskedPieces: 0, maskedTokens: 0 }
  const steps = { stepSamplesMin: Number.MAX_SAFE_INTEGER, stepSamplesMax: 0 }
  return { samples: 0, pieces: 0, tokens: 0, paddingTokens: 0, ...masked, shortPieces: 0, ...steps }
}

export function countStep(counts: SampleCounts, samples: number): void {
  counts.stepSamplesMin = Math.min(counts.stepSamplesMin, samples)
  counts.stepSamplesMax = Math.max(counts.stepSamplesMax, samples)
}

export function countSample(counts: SampleCounts, sample: Sample): void {
  const tokens = countTokens(sample)
  counts.samples++
  counts.pieces += sample.pieces.length
  counts.tokens += tokens
  counts.paddingTokens += sample.tokens.length - tokens
  for (const { length, isMasked } of sample.pieces) {
    if (length < shortPieceTokens) counts.shortPieces++
    if (!isMasked) continue
    counts.maskedPieces++
    counts.maskedTokens += length
  }
}
