import { isUtf8 } from 'node:buffer'
import { byteOrderMark, DocumentBuilder } from '../document.ts'
import { type Fields, fieldOptions, unpackOptions } from '../fields.ts'
import { addRecord, fieldReaders } from '../json-record.ts'
import { detectCompression, headBytes } from '../signatures.ts'
import type { Chunk, Parsed } from '../source.ts'
import { unpack } from '../unpack/unpack.ts'
import { fileSources, type Reading } from './file-kind.ts'
import { type Readable, readBlocks } from './files.ts'
import { cutLines, type LineChunk, newline } from './lines.ts'
import { asJsonLines, isPlainLines } from './shape.ts'

/**
 * JSON Lines: one object a line. Patterns are paths or globs relative to the current folder; files are read in the byte order of their
 * paths. What a file is, its first bytes tell, not its name: files packed by gzip, zstd, bzip2 or xz are unpacked, UTF-16 and UTF-32 are
 * decoded, and objects that stand in one array, or over several lines each, are taken one by one: `line` is then their number. Any other
 * kind of file is dead as a whole (`wrong-kind`), with its name and what to do.
 *
 *     jsonl('data/*.jsonl.gz', { domain: 'source' })
 *
 * Offsets count bytes of text: going on inside a packed file unpacks it from its start and passes over what was read.
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
  options: { ...fieldOptions, ...unpackOptions },
  read: readLines,
  parser: lineParser,
})

async function* readLines(file: Readable, { name, from, options, signal }: Reading): AsyncGenerator<LineChunk> {
  const head = await file.read(0, Math.min(headBytes, file.size))
  const compression = detectCompression(head, name)
  if (!compression && isPlainLines(head)) {
    // A small file has been read by then.
    const blocks = file.size <= headBytes ? [head.subarray(from.offset)] : readBlocks(file, from.offset, signal)
    yield* cutLines(blocks, from, signal)
  } else {
    const blocks = compression ? unpack(file, compression, options) : readBlocks(file, 0, signal)
    const lines = asJsonLines(blocks, compression ? `inside ${compression}, ` : '')
    yield* cutLines(skipBytes(lines, from.offset), from, signal)
  }
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
