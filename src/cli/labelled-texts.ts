import { stringAt, utf8 } from '../batch/batch.ts'
import type { LabelledText } from '../value/examples.ts'
import { sourceFor } from './input.ts'
import type { Unread } from './read-texts.ts'

/** Which fields say what of a text. `groups` is `host`, `file`, `document`, or a field. */
export interface TextFields {
  readonly text: string
  readonly url: string
  readonly source: string
  readonly groups: string
}

/** A text as it was read; `field` gives what stands in a field that has no role, as text, or null. */
interface ReadText extends Omit<LabelledText, 'target'> {
  field(name: string): string | null
}

/** The texts of paths and globs with their groups and sources, one after another. Records that can't be read are counted in `unread`. */
export async function* readGroupedTexts(
  input: readonly string[],
  fields: TextFields,
  unread: Unread,
): AsyncGenerator<ReadText> {
  const source = sourceFor(input, { text: fields.text, url: fields.url })
  const { signal } = new AbortController()
  let number = 0
  for await (const split of source.splits(signal))
    for await (const chunk of source.read(split, { offset: 0, line: 1 }, signal)) {
      const { batch, dead } = await source.parse(chunk)
      unread.add(split.name, [...chunk.dead, ...dead])
      const text = utf8(batch, 'text')
      const [url, domain, meta] = ['url', 'domain', 'meta'].map(name => utf8(batch, name))
      for (let row = 0; row < batch.rows; row++) {
        const given = parseMeta(stringAt(meta, row))
        const field = (name: string) => (name === 'domain' ? stringAt(domain, row) : asText(given[name]))
        const host = hostOf(stringAt(url, row))
        const from = field(fields.source) ?? host ?? split.name
        const named = new Map([
          ['host', host ?? from],
          ['file', split.name],
          ['document', `${split.name} ${number++}`],
        ])
        const group = named.get(fields.groups) ?? field(fields.groups) ?? from
        yield { bytes: text.bytes.subarray(text.offsets[row], text.offsets[row + 1]), group, source: from, field }
      }
    }
}

function parseMeta(json: string): Readonly<Record<string, unknown>> {
  return json === '' ? {} : JSON.parse(json)
}

const asText = (value: unknown) => (typeof value === 'string' ? value : value == null ? null : JSON.stringify(value))

function hostOf(url: string): string | null {
  return URL.canParse(url) ? new URL(url).host || null : null
}
