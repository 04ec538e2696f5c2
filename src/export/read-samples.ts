import { type FeedBatch, noTarget } from '../feed/read.ts'
import type { Piece, Sample } from './sample.ts'

/** The samples of a step, in order. With `blank` given, it stands in place of the tokens of masked pieces. */
export function* samplesOf(batch: FeedBatch, blank: number | null): Generator<Sample> {
  const { step, length, inputIds, targets, positionIds, cuSeqlens, cuSeqlensPadded, documents, domains } = batch
  let span = 0
  for (const [row, domain] of domains.entries()) {
    const [from, to] = [row * length, (row + 1) * length]
    const pieces: Piece[] = []
    const first = span
    for (; span < documents.length && cuSeqlensPadded[span] < to; span++) {
      if (documents[span] === '') continue
      const start = cuSeqlensPadded[span]
      const end = start + cuSeqlens[span + 1] - cuSeqlens[span]
      const isMasked = isAll(targets, start, end, noTarget) && end - start > 1
      if (isMasked && blank !== null) inputIds.fill(blank, start, end)
      pieces.push({ start: start - from, length: end - start, document: documents[span], isMasked })
    }
    yield {
      step,
      domain,
      tokens: inputIds.subarray(from, to),
      targets: targets.subarray(from, to),
      positions: positionIds.subarray(from, to),
      pieces,
      bounds: cuSeqlensPadded.subarray(first, span + 1).map(bound => bound - from),
      documents: documents.slice(first, span),
    }
  }
}

function isAll(values: Int32Array, from: number, to: number, value: number): boolean {
  for (let i = from; i < to; i++) if (values[i] !== value) return false
  return true
}
