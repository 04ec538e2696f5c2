import { type Batch, type Columns, utf8 } from '../batch/batch.ts'
import { flag, type OptionsOf, optional } from '../options.ts'
import { type EncodingName, endOfTextOf, loadEncoding, rankFileOf } from '../text/tokens/bpe.ts'
import type { Annotator } from './annotator.ts'
import { column } from './measure.ts'
import { annotator } from './table.ts'

const table = {
  name: 'tokenize',
  version: 1,
  about: 'The tokenizer of a pipeline: `.tokenize(encoding, options)`.',
  measures: {
    tokens: column('list<i32>', 'ids of the text as tiktoken gives them; what looks like a special token is text'),
  },
  options: { endOfText: optional("ends each document with the encoding's end-of-text id", flag, true) },
}

/**
 * Writes `tokens`, the ids of `text` as tiktoken gives them; text that looks like a special token is text.
 *
 * ```ts
 * pipeline.tokenize('o200k_base')
 * ```
 */
export function tokenize(encoding: EncodingName, options: OptionsOf<typeof table.options> = {}): Annotator {
  const endOfTextId = endOfTextOf(encoding)
  const make = annotator(
    { ...table, record: ({ endOfText }) => ({ encoding, endOfText, endOfTextId }), resources: [rankFileOf(encoding)] },
    ({ endOfText }) =>
      batch =>
        tokenizeBatch(batch, encoding, endOfText),
  )
  return make(options)
}
tokenize.table = table

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
