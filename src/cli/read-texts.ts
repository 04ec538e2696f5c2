import { stringAt, utf8 } from '../batch/batch.ts'
import { HeadraceError } from '../errors.ts'
import { isRows, parseRows } from '../value/rows-wanted.ts'
import { type ChosenRows, metaReader } from '../value/run-texts.ts'
import { sourceFor } from './input.ts'
import type { InputText, Unread } from './input-text.ts'
import { checkRunRows, readRunRows } from './read-run-rows.ts'
import { cleanName } from './wrap.ts'

/** Where texts come from: which field of a file's records holds them, and the folder of all runs. */
export interface TextPlace {
  readonly text: string
  readonly url?: string
  readonly dir: string
}

/**
 * Throws what reading would where a path or glob of these names nothing, or a run has no such rows with their texts, before anything is read. Files
 * and rows of runs are not mixed in one list.
 */
export async function checkInput(input: readonly string[], place: TextPlace): Promise<void> {
  const rows = input.filter(isRows)
  if (rows.length > 0 && rows.length < input.length)
    throw new HeadraceError(
      'bad-option',
      `'${cleanName(rows[0], 200)}' are rows of a run, and '${cleanName(input.find(one => !isRows(one))!, 200)}' is not: give both apart, or files alone`,
    )
  for (const given of rows) await checkRunRows(parseRows(given), place.dir)
  if (rows.length > 0) return
  const { signal } = new AbortController()
  for await (const _ of sourceFor(input, fieldsOf(place)).splits(signal)) return
}

const fieldsOf = ({ text, url }: TextPlace) => ({ text, ...(url === undefined ? {} : { url }) })

/**
 * The texts of paths, globs and rows of runs, one after another. What is passed over is counted in `unread`; rows of runs that are not chosen
 * are not.
 */
export async function* readInput(
  input: readonly string[],
  place: TextPlace,
  unread: Unread,
  isChosen?: ChosenRows,
): AsyncGenerator<InputText> {
  if (!input.some(isRows)) return yield* readFiles(input, place, unread)
  for (const given of input) yield* readRunRows(parseRows(given), place.dir, unread, isChosen)
}

/** Their bytes alone. */
export async function* readTexts(
  input: readonly string[],
  place: TextPlace,
  unread: Unread,
): AsyncGenerator<Uint8Array> {
  for await (const { bytes } of readInput(input, place, unread)) yield bytes
}

async function* readFiles(input: readonly string[], place: TextPlace, unread: Unread): AsyncGenerator<InputText> {
  const source = sourceFor(input, fieldsOf(place))
  const { signal } = new AbortController()
  for await (const split of source.splits(signal))
    for await (const chunk of source.read(split, { offset: 0, line: 1 }, signal)) {
      const { batch, dead } = await source.parse(chunk)
      unread.add(split.name, [...chunk.dead, ...dead])
      const { bytes, offsets } = utf8(batch, 'text')
      const [url, domain, meta] = ['url', 'domain', 'meta'].map(name => utf8(batch, name))
      for (let row = 0; row < batch.rows; row++) {
        const others = metaReader(stringAt(meta, row))
        yield {
          bytes: bytes.subarray(offsets[row], offsets[row + 1]),
          url: stringAt(url, row),
          file: split.name,
          place: null,
          field: name => (name === 'domain' ? stringAt(domain, row) : others(name)),
        }
      }
    }
}
