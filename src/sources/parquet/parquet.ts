import { limits } from '../../limits.ts'
import { columnOptions } from '../fields.ts'
import { fileSources, type Reading } from '../files/file-kind.ts'
import { BadFileError, type Readable } from '../files/files.ts'
import { headBytes, nameKind } from '../signatures.ts'
import type { Chunk } from '../source.ts'
import { type Group, openReader } from './reader.ts'
import { decodeRows, RowEncoder } from './rows.ts'

/** A row group is decoded whole, so that this bounds memory: each lane may hold one. Beyond it a file is refused. */
const rowGroupBytesMax = 1024 * 1024 * 1024
/** The same for rows, as a page of missing values has many in few bytes. */
const rowGroupRowsMax = 8 * 1024 * 1024
/** A footer; more is damage. The largest seen are some MB, in files with many row groups. */
const footerBytesMax = 64 * 1024 * 1024

/**
 * Parquet files: one document a row, from the columns that the options name; `columns` are the others that go to `meta` (default: all,
 * so name them where a file has wide ones). Missing values are left out of `meta`, bytes are read as UTF-8, whole numbers beyond 2^53
 * become strings. A row's line is its number in the file, from 1; offsets count rows. All codecs but LZO are read.
 *
 *     parquet('fineweb/*.parquet', { domain: 'dump', columns: ['language_score'] })
 *
 * One row group is decoded at a time. One that is larger than 1 GB or 8 million rows ends the file as dead ('row-group-too-large').
 */
export const parquet = fileSources('parquet()', {
  name: 'parquet',
  called: 'Parquet',
  claims: path => /\.parquet$/i.test(path),
  options: columnOptions,
  isReadAnywhere: true,
  read: readRows,
  parser: options => chunk => decodeRows(chunk, options),
})

async function* readRows(file: Readable, { from, options, signal }: Reading): AsyncGenerator<Omit<Chunk, 'split'>> {
  await checkKind(file)
  await checkFooter(file)
  const reader = await guard(() => openReader(file, options))
  let start = 0
  for (const group of reader.groups) {
    const end = start + group.rows
    if (end > from.offset) {
      checkGroup(group)
      const columns = await guard(() => reader.readGroup(group, start))
      for (let row = Math.max(start, from.offset); row < end; ) {
        if (signal.aborted) return
        const line = row + 1
        const encoder = new RowEncoder(options, columns)
        do encoder.add(row - start, ++row)
        while (row < end && encoder.byteLength < limits.slotBytes)
        yield { line, bytes: encoder.finish(), dead: encoder.dead, next: { offset: row, line: row + 1 } }
      }
    }
    start = end
  }
}

/** Names what is known and no Parquet file. */
async function checkKind(file: Readable): Promise<void> {
  const head = await file.read(0, headBytes)
  const isJson = /^\s*[[{]\s*["{]/.test(Buffer.from(head).toString('latin1'))
  const kind = isJson ? { name: 'JSON', advice: "read it as such, as jsonl('...') does" } : nameKind(head)
  if (kind === null || kind.name.includes('Parquet')) return
  throw new BadFileError('wrong-kind', `this is ${kind.name}, not Parquet: ${kind.advice}`)
}

/** Magic bytes stand at both ends of a file, and the footer's length before the last. */
async function checkFooter(file: Readable): Promise<void> {
  const head = Buffer.from(await file.read(0, 4)).toString('latin1')
  const tail = Buffer.from(await file.read(Math.max(0, file.size - 8), file.size))
  const isWhole = file.size >= 12 && tail.toString('latin1', 4) === 'PAR1'
  if (!isWhole && 'PAR1'.startsWith(head)) throw new BadFileError('truncated-file', 'the file ends before its footer')
  if (!isWhole || head !== 'PAR1') throw new BadFileError('corrupt-file', 'this is not a Parquet file')
  if (tail.readUInt32LE(0) > footerBytesMax)
    throw new BadFileError('corrupt-file', `the footer has ${tail.readUInt32LE(0)} bytes`)
}

/** Makes a bad file of whatever the Parquet reader throws about a file's content. */
async function guard<T>(read: () => T | Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (error) {
    if (error instanceof BadFileError || (error as NodeJS.ErrnoException).syscall !== undefined) throw error
    throw new BadFileError('corrupt-file', `the Parquet file can't be decoded: ${(error as Error).message}`)
  }
}

function checkGroup({ rows, bytes }: Group): void {
  if (rows <= rowGroupRowsMax && bytes <= rowGroupBytesMax) return
  const detail = `a row group has ${rows} rows in ${bytes} bytes: write the file with smaller row groups`
  throw new BadFileError('row-group-too-large', detail)
}
