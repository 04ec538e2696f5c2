import { type Utf8Column, utf8 } from '../batch/batch.ts'
import { flag, optional } from '../options.ts'
import { hash64 } from '../text/hash.ts'
import { findPii, piiPlaceholders, SpanBuffer } from '../text/pii.ts'
import { column, count } from './measure.ts'
import { annotator } from './table.ts'

/**
 * Masks personal data. `{ reason: 'too-much-personal-data', column: 'piiCount', above: 5 }` is the rule of Dolma; there is no default one.
 *
 * ```ts
 * pipeline('web').from(jsonl('data/*.jsonl')).annotate(normalize(), maskPii({ phones: false }))
 * ```
 */
export const maskPii = annotator(
  {
    name: 'pii',
    version: 1,
    about: `Replaces personal data by examples of the same kind, chosen by a hash of the document's id and the span's place, so that every
      run chooses the same.`,
    measures: {
      text: column('utf8', 'masked', {
        emails: optional('masks e-mail addresses', flag, true),
        ipAddresses: optional('masks public IPv4 and IPv6 addresses', flag, true),
        phones: optional(
          'masks North American, international (`+49 30 ...`) and Chinese mobile phone numbers',
          flag,
          true,
        ),
      }),
      piiSpans: column(
        'list<i32>',
        'start, end and kind (1 e-mail, 2 IPv4, 3 IPv6, 4 phone) of each span, one after the other; byte offsets in the text before masking',
      ),
      piiCount: count('spans'),
    },
    reads: () => ['text', 'id'],
  },
  choice =>
    (batch, { piiCount }) => {
      const text = utf8(batch, 'text')
      const spans = new SpanBuffer()
      const offsets = new Int32Array(batch.rows + 1)
      for (let row = 0; row < batch.rows; row++) {
        findPii(text.bytes, text.offsets[row], text.offsets[row + 1], choice, spans)
        offsets[row + 1] = spans.length
        piiCount[row] = (spans.length - offsets[row]) / 3
      }
      const values = spans.values.slice(0, spans.length)
      return {
        text: values.length === 0 ? text : maskColumn(text, utf8(batch, 'id'), offsets, values),
        piiSpans: { kind: 'list<i32>', offsets, values },
      }
    },
)

const encoder = new TextEncoder()
const placeholders = Object.entries(piiPlaceholders).reduce<Uint8Array[][]>((byKind, [kind, texts]) => {
  byKind[Number(kind)] = texts.map(text => encoder.encode(text))
  return byKind
}, [])

function maskColumn(text: Utf8Column, ids: Utf8Column, spanOffsets: Int32Array, spans: Int32Array): Utf8Column {
  const rows = spanOffsets.length - 1
  const offsets = new Int32Array(rows + 1)
  // No placeholder has more than 30 bytes.
  const out = new Uint8Array(text.offsets[rows] - text.offsets[0] + (spans.length / 3) * 30)
  let to = 0
  for (let row = 0; row < rows; row++) {
    const start = text.offsets[row]
    let from = start
    for (let i = spanOffsets[row]; i < spanOffsets[row + 1]; i += 3) {
      to = append(out, to, text.bytes, from, start + spans[i])
      const placeholder = choosePlaceholder(ids, row, spans[i], spans[i + 2])
      to = append(out, to, placeholder, 0, placeholder.length)
      from = start + spans[i + 1]
    }
    to = append(out, to, text.bytes, from, text.offsets[row + 1])
    offsets[row + 1] = to
  }
  return { kind: 'utf8', offsets, bytes: out.slice(0, to) }
}

function append(out: Uint8Array, to: number, bytes: Uint8Array, start: number, end: number): number {
  out.set(bytes.subarray(start, end), to)
  return to + end - start
}

function choosePlaceholder(ids: Utf8Column, row: number, spanStart: number, kind: number): Uint8Array {
  const choices = placeholders[kind]
  const hash = new Uint32Array(2)
  hash64(ids.bytes, ids.offsets[row], ids.offsets[row + 1], spanStart, hash)
  return choices[hash[0] % choices.length]
}
