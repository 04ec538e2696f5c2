import { flag, type OptionsOf, optional } from '../options.ts'
import { type EncodingName, endOfTextOf, loadEncoding, rankFileOf } from '../text/tokens/bpe.ts'
import type { Annotator } from './annotator.ts'
import { filter } from './filter.ts'
import { columnOf } from './measure.ts'

const table = {
  name: 'tokenize',
  version: 1,
  about: 'The tokenizer of a pipeline: `.tokenize(encoding, options)`.',
  measures: {
    tokens: columnOf('list<i32>')('ids of the text as tiktoken gives them; what looks like a special token is text'),
  },
  options: { endOfText: optional("ends each document with the encoding's end-of-text id", flag, true) },
}

/**
 * Writes `tokens`, the ids of `text` as tiktoken gives them; text that looks like a special token is text.
 *
 *     pipeline.tokenize('o200k_base')
 */
export function tokenize(encoding: EncodingName, options: OptionsOf<typeof table.options> = {}): Annotator {
  const make = filter({
    ...table,
    record: ({ endOfText }) => ({ encoding, endOfText, endOfTextId: endOfTextOf(encoding) }),
    resources: [rankFileOf(encoding)],
    prepare: ({ endOfText }) => ({ endOfText, loaded: loadEncoding(encoding) }),
    measure({ rows, bytes, offsets }, _, { endOfText, loaded }) {
      const ends = new Int32Array(rows + 1)
      const ids = new Int32Array(offsets[rows] - offsets[0] + rows)
      for (let row = 0; row < rows; row++) {
        let at = loaded.encode(bytes, offsets[row], offsets[row + 1], ids, ends[row])
        if (endOfText) ids[at++] = loaded.endOfText
        ends[row + 1] = at
      }
      return { tokens: { kind: 'list<i32>', offsets: ends, values: ids.slice(0, ends[rows]) } }
    },
  })
  return make(options)
}
tokenize.table = table
