import { name, type OptionsOf, optional, required, resolveOptions, whole } from '../../src/options.ts'
import { DocumentBuilder, type DocumentOptions } from '../../src/sources/document.ts'
import type { Source } from '../../src/sources/source.ts'

export const tinyOptions = {
  at: required('name of its splits', name),
  letters: optional('letters of each document', whole(1, 100), 3),
}

export const tinyRecords = 4
const documentOptions: DocumentOptions = { domainDefault: 'default', strict: false, lineEnds: 'lf' }

/** A source that no file of Headrace knows: two splits of some documents, each of one letter. */
export function tiny(options: OptionsOf<typeof tinyOptions>): Source {
  const resolved = resolveOptions('tiny()', tinyOptions, options)
  const { at, letters } = resolved
  return {
    name: 'tiny',
    options: resolved,
    origin: ['at'],
    describe: () => `tiny ${at}, ${letters} letters a document`,
    bytes: async () => 2 * tinyRecords * letters,
    async *splits() {
      for (const split of ['a', 'b']) yield { name: `${at}/${split}`, stamp: '1' }
    },
    async *read(split, { offset }, signal) {
      for (let line = offset + 1; line <= tinyRecords && !signal.aborted; line++) {
        const bytes = new Uint8Array(Buffer.from(split.name.at(-1)!.repeat(letters)).values())
        yield { split: split.name, line, bytes, dead: [], next: { offset: line, line: line + 1 } }
      }
    },
    parse({ split, line, bytes }) {
      const builder = new DocumentBuilder(split, documentOptions, bytes.length)
      builder.add(line, { text: bytes, id: '', domain: '', url: '', added: '', meta: '' })
      return builder.finish()
    },
  }
}
