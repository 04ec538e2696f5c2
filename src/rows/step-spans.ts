import { hash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { type BatchSpans, type FeedBatch, noTarget } from '../feed/read.ts'

/**
 * What `spans` has of one step, in the order of its samples: int32s, little-endian, then a text of JSON, with spaces up to a multiple of 4 bytes.
 *
 *     spans                      how many there are
 *     of each sample             its spans; the number of its domain in the description; the CRC-32 of its tokens
 *     of each span               its tokens; its kind (`spanKinds`); the slot and the row of its document; and, of a feed with
 *                                `cutTargets`, the target of its last token, or -1
 *     text                       a list of the documents' ids, '' for padding
 *
 * In a feed with an `align` a span other than padding goes on to the next multiple of it in its row; its tokens are without that. `numberOf`
 * gives a domain its number.
 */
export function encodeSpans(batch: FeedBatch, hasNext: boolean, numberOf: (domain: string) => number): Uint8Array {
  const { samples, length, inputIds, targets, cuSeqlens, cuSeqlensPadded, documents, domains } = batch
  const { slots, rows, kinds } = batch.spans!
  const spans = documents.length
  const ints = new Int32Array(1 + 3 * samples + (hasNext ? 5 : 4) * spans)
  const [counts, numbers, checks] = [0, 1, 2].map(i => ints.subarray(1 + i * samples, 1 + (i + 1) * samples))
  const first = 1 + 3 * samples
  const [lengths, kindOf, slotOf, rowOf, nextOf] = [0, 1, 2, 3, 4].map(i =>
    ints.subarray(first + i * spans, first + (i + 1) * spans),
  )
  ints[0] = spans
  for (let sample = 0; sample < samples; sample++) {
    numbers[sample] = numberOf(domains[sample])
    checks[sample] = crc32(bytesOf(inputIds.subarray(sample * length, (sample + 1) * length))) | 0
  }
  for (let span = 0; span < spans; span++) {
    counts[Math.floor(cuSeqlensPadded[span] / length)]++
    lengths[span] = cuSeqlens[span + 1] - cuSeqlens[span]
    const last = targets[cuSeqlensPadded[span] + lengths[span] - 1]
    if (hasNext) nextOf[span] = last === noTarget ? -1 : last
  }
  kindOf.set(kinds)
  slotOf.set(slots)
  rowOf.set(rows)
  const text = Buffer.from(JSON.stringify(documents))
  const padded = Buffer.alloc(Math.ceil(text.length / 4) * 4, ' ')
  text.copy(padded)
  return Buffer.concat([bytesOf(ints), padded])
}

/** What of a step says which documents are masked: of each span its kind, slot and row. */
export function decodeSpans(bytes: Uint8Array, samples: number): BatchSpans {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const spans = view.getInt32(0, true)
  const column = (index: number) => {
    const at = 4 * (1 + 3 * samples + index * spans)
    return Array.from({ length: spans }, (_, span) => view.getUint32(at + 4 * span, true))
  }
  const [kinds, slots, rows] = [1, 2, 3].map(column)
  return { kinds: Uint8Array.from(kinds), slots: Uint32Array.from(slots), rows: Uint32Array.from(rows) }
}

/** Binds what `spans` says of a step to the feed, the step, and its tokens. */
export function sealSpans(feed: string, digest: string, sha256: string, bytes: Uint8Array): string {
  const head = Buffer.from(`${feed}\n${digest}\n${sha256}\n`)
  return hash('sha256', Buffer.concat([head, bytes]))
}

export function bytesOf({ buffer, byteOffset, byteLength }: Int32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength)
}
