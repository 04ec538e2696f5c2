import { type Batch, type Columns, utf8 } from '../batch/batch.ts'
import { type EncodingName, endOfTextOf, loadEncoding, rankFileOf } from '../text/tokens/bpe.ts'
import type { Annotator } from './annotator.ts'

export interface TokenizeOptions {
  /** Ends each document with the encoding's end-of-text id. Default true. */
  readonly endOfText?: boolean
}

/**
 * Writes `tokens`, the ids of `text` as tiktoken gives them; text that looks like a special token is text.
 *
 * ```ts
 * pipeline.tokenize('o200k_base')
 * ```
 */
export function tokenize(encoding: EncodingName, { endOfText = true }: TokenizeOptions = {}): Annotator {
  return Object.freeze({
    name: 'tokenize',
    version: 1,
    exact: true,
    options: { encoding, endOfText, endOfTextId: endOfTextOf(encoding) },
    reads: ['text'],
    writes: [{ name: 'tokens', kind: 'list<i32>' as const }],
    resources: [rankFileOf(encoding)],
    rules: [],
    annotate: (batch: Batch) => tokenizeBatch(batch, encoding, endOfText),
  })
}

function tokenizeBatch(batch: Batch, name: EncodingName, endOfText: boolean): Columns {
  const encoding = loadEncoding(name)
  const text = utf8(batch, 'text')
  const bytes = text.offsets[batch.rows] - text.offsets[0]
  const offsets = new Int32Array(batch.rows + 1)
  const values = new Int32Array(bytes + batch.rows)
  let at = 0
  for (let row = 0; row < batch.rows; row++) {
    at = encoding.encode(text.bytes, text.offsets[row], text.offsets[row + 1], values, at)
    if (endOfText) values[at++] = encoding.endOfText
    offsets[row + 1] = at
  }
  return { tokens: { kind: 'list<i32>', offsets, values: values.slice(0, at) } }
}
