import { type Utf8Column, utf8 } from '../batch/batch.ts'
import { flag, optional } from '../options.ts'
import { hash64 } from '../text/hash.ts'
import { PiiFinder } from '../text/pii/find.ts'
import { piiPlaceholders, SpanBuffer } from '../text/pii/spans.ts'
import { filter } from './filter.ts'
import { columnOf, count } from './measure.ts'
import { replaceTexts } from './replace-texts.ts'

/**
 * Masks personal data. `{ reason: 'too-much-personal-data', column: 'piiCount', above: 5 }` is the rule of Dolma; there is no default one.
 *
 *     pipeline('web').from(jsonl('data/*.jsonl')).annotate(normalize(), maskPii({ phones: false }))
 */
export const maskPii = filter({
  name: 'pii',
  version: 2,
  about: `Replaces personal data by examples of the same kind, chosen by a hash of the document's id and the span's place, so that every run
    chooses the same.`,
  measures: {
    text: columnOf('utf8')('masked', {
      emails: optional('masks e-mail addresses', flag, true),
      ipAddresses: optional('masks public IPv4 and IPv6 addresses', flag, true),
      phones: optional(
        'masks North American, international (`+49 30 ...`) and Chinese mobile phone numbers',
        flag,
        true,
      ),
      cards: optional('masks numbers of payment cards whose check digit is right', flag, true),
      ibans: optional('masks international bank account numbers (IBAN) whose check digits are right', flag, true),
      secrets: optional(
        'masks keys and tokens that begin as their issuers make them (`AKIA`, `ghp_`, `sk-`, JSON Web Tokens ...), and private keys',
        flag,
        true,
      ),
    }),
    piiSpans: columnOf('list<i32>')(
      'start, end and kind (1 e-mail, 2 IPv4, 3 IPv6, 4 phone, 5 card, 6 IBAN, 7 key or token) of each span, in bytes of the text before masking',
    ),
    piiCount: count('spans'),
  },
  reads: () => ['text', 'id'],
  measure({ batch, rows, column, bytes, offsets }, { piiCount }, choice) {
    const ids = utf8(batch, 'id')
    const spans = new SpanBuffer()
    const finder = new PiiFinder(choice)
    const spanOffsets = new Int32Array(rows + 1)
    const masked = new Map<number, Uint8Array>()
    for (let row = 0; row < rows; row++) {
      finder.find(bytes, offsets[row], offsets[row + 1], spans)
      spanOffsets[row + 1] = spans.length
      piiCount[row] = (spans.length - spanOffsets[row]) / 3
      const found = spans.values.subarray(spanOffsets[row], spans.length)
      if (found.length > 0) masked.set(row, maskText(bytes.subarray(offsets[row], offsets[row + 1]), found, ids, row))
    }
    return {
      text: replaceTexts(column, masked),
      piiSpans: { kind: 'list<i32>', offsets: spanOffsets, values: spans.values.slice(0, spans.length) },
    }
  },
})

const encoder = new TextEncoder()
const placeholders = Object.fromEntries(
  Object.entries(piiPlaceholders).map(([kind, texts]) => [kind, texts.map(text => encoder.encode(text))]),
)

function maskText(text: Uint8Array, spans: Int32Array, ids: Utf8Column, row: number): Uint8Array {
  const parts: Uint8Array[] = []
  const hash = new Uint32Array(2)
  let from = 0
  for (let i = 0; i < spans.length; i += 3) {
    const choices = placeholders[spans[i + 2]]
    hash64(ids.bytes, ids.offsets[row], ids.offsets[row + 1], spans[i], hash)
    parts.push(text.subarray(from, spans[i]), choices[hash[0] % choices.length])
    from = spans[i + 1]
  }
  return Buffer.concat([...parts, text.subarray(from)])
}
