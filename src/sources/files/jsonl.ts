import { isUtf8 } from 'node:buffer'
import { byteOrderMark, DocumentBuilder } from '../document.ts'
import { type Fields, fieldOptions } from '../fields.ts'
import { addRecord, fieldReaders } from '../json-record.ts'
import type { Chunk, Parsed } from '../source.ts'
import { fileSources, type Reading } from './file-kind.ts'
import { type InputFile, readBlocks } from './files.ts'
import { detectCompression, inflate } from './inflate.ts'
import { cutLines, type LineChunk, newline } from './lines.ts'

/**
 * JSON Lines: one object a line, in plain, gzip or zstd files (told apart by their first bytes, not their names). Patterns are paths or
 * globs relative to the current folder; files are read in the byte order of their paths.
 *
 *     jsonl('data/*.jsonl.gz', { domain: 'source' })
 *
 * Offsets count uncompressed bytes: going on inside a compressed file decompresses it from its start and passes over what was read.
 * Blank lines are no records but count as lines. All fields without a role go to `meta` as JSON, in their order; of fields of one name
 * the last counts. Whole numbers keep all their digits, fractions have the precision of a float64.
 *
 * What is not quite JSON is read and flagged in `repaired`, unless `strict`: NaN and infinities (null), control characters in strings,
 * bytes that are not UTF-8 (U+FFFD), a byte order mark before a record, a field that is nested too deep (null).
 *
 * With `follow` the source waits for new files. A file must be complete when it appears: write it elsewhere and rename it.
 */
export const jsonl = fileSources('jsonl()', {
  name: 'jsonl',
  called: 'JSON Lines',
  claims: () => false,
  options: fieldOptions,
  read: readLines,
  parser: lineParser,
})

async function* readLines(file: InputFile, { name, from, signal }: Reading): AsyncGenerator<LineChunk> {
  const compression = detectCompression(await file.read(0, 4), name)
  const blocks = compression
    ? skipBytes(inflate(readBlocks(file, 0, signal), compression), from.offset)
    : readBlocks(file, from.offset, signal)
  yield* cutLines(blocks, from, signal)
}

async function* skipBytes(blocks: AsyncIterable<Uint8Array>, count: number): AsyncGenerator<Uint8Array, void> {
  for await (const block of blocks) {
    if (count < block.length) yield block.subarray(count)
    count = Math.max(0, count - block.length)
  }
}

function lineParser(options: Fields): (chunk: Chunk) => Parsed {
  const readers = fieldReaders(options)
  return chunk => {
    const bytes = Buffer.from(chunk.bytes.buffer, chunk.bytes.byteOffset, chunk.bytes.length)
    const builder = new DocumentBuilder(chunk.split, options, bytes.length)
    const isAllUtf8 = isUtf8(bytes)
    const hasMark = chunk.line === 1 && bytes.subarray(0, 3).equals(byteOrderMark)
    let number = chunk.line
    for (let at = hasMark ? 3 : 0, end: number; at < bytes.length; at = end + 1, number++) {
      end = bytes.indexOf(newline, at)
      if (end < 0) end = bytes.length
      if (isBlank(bytes, at, end)) continue
      const line = isAllUtf8 ? bytes.toString('utf8', at, end) : bytes.subarray(at, end)
      addRecord(builder, number, line, readers)
    }
    return builder.finish()
  }
}

/** A line of a byte order mark alone is blank too: files that were put together have such. */
function isBlank(bytes: Uint8Array, start: number, end: number): boolean {
  if (bytes[start] === 0xef && bytes[start + 1] === 0xbb && bytes[start + 2] === 0xbf) start += 3
  while (start < end && (bytes[start] === 32 || bytes[start] === 9 || bytes[start] === 13)) start++
  return start >= end
}
