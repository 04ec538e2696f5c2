import { columnOptions } from '../fields.ts'
import { fileSources, type Reading } from '../files/file-kind.ts'
import type { Readable } from '../files/files.ts'
import type { Chunk } from '../source.ts'
import { decodeRows } from './decode-rows.ts'

/**
 * Parquet files: one document a row, from the columns that the options name; `columns` are the others that go to `meta` (default: all,
 * so name them where a file has wide ones). A row's line is its number in the file, from 1; offsets count rows. All codecs but LZO are read,
 * page by page, so that a row group may have any size.
 *
 * Values are kept to the digit. Text, also in `meta`: decimals (`12.50`), whole numbers beyond 2^53, NaN and infinities, UUIDs; dates
 * (`2024-05-01`), times and timestamps in ISO 8601 with all digits of their unit (`2024-05-01T12:00:00.000001Z`, without the `Z` where the
 * file does not say that they are of UTC), intervals (`P1M2DT3.004S`). Bytes are text where they are UTF-8, otherwise `base64:` and their
 * base64; but the text itself, and a label of a column of strings, are repaired. Maps become objects. Missing values are left out of
 * `meta`; a label that is NaN is missing too.
 *
 *     parquet('fineweb/*.parquet', { domain: 'dump', columns: ['language_score'] })
 *
 * A column that no option names and that can't be read (damaged, encrypted, of an unknown encoding), or that a document would be too long
 * with, is left out of `meta`, and a run says so.
 * A file whose values are more than 1000 times its bytes ends as dead ('inflates-too-much').
 */
export const parquet = fileSources('parquet()', {
  name: 'parquet',
  // 1: values through JavaScript's own types, dates as times, all times as UTC.
  version: 2,
  called: 'Parquet',
  claims: path => /\.parquet$/i.test(path),
  options: columnOptions,
  isReadAnywhere: true,
  read: readRows,
  parser: options => chunk => decodeRows(chunk, options),
})

/** What reads Parquet is some forty modules, which a run of other files never loads. */
async function* readRows(file: Readable, reading: Reading): AsyncGenerator<Omit<Chunk, 'split'>> {
  const reader = await import('./read-rows.ts')
  yield* reader.readRows(file, reading)
}
