import { isUtf8 } from 'node:buffer'
import { byteOrderMark, DocumentBuilder, type RawDocument, roles } from '../document.ts'
import { type Fields, fieldOptions, unpackOptions } from '../fields.ts'
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
 * Blank lines are no records but count as lines. All fields without a role go to `meta` as JSON, in their order; numbers there have the
 * precision of a float64. An id that is a whole number keeps all its digits.
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

/** Deeper values are refused, as writing them as JSON again would overflow the stack. */
const nestingMax = 64

type Roles = ReadonlyMap<string, readonly (typeof roles)[number][]>

/** The roles that each field has: looked up once a field, not once a role. */
export const rolesIn = (options: Fields): Roles => Map.groupBy(roles, role => options[role])

function lineParser(options: Fields): (chunk: Chunk) => Parsed {
  const rolesOf = rolesIn(options)
  return chunk => {
    const bytes = Buffer.from(chunk.bytes.buffer, chunk.bytes.byteOffset, chunk.bytes.length)
    const builder = new DocumentBuilder(chunk.split, options.domainDefault, bytes.length)
    const isAllUtf8 = isUtf8(bytes)
    const hasMark = chunk.line === 1 && bytes.subarray(0, 3).equals(byteOrderMark)
    let number = chunk.line
    for (let at = hasMark ? 3 : 0, end: number; at < bytes.length; at = end + 1, number++) {
      end = bytes.indexOf(newline, at)
      if (end < 0) end = bytes.length
      if (isBlank(bytes, at, end)) continue
      if (!isAllUtf8 && !isUtf8(bytes.subarray(at, end)))
        builder.refuse(number, 'invalid-utf8', 'the line has bytes that are not UTF-8')
      else addLine(builder, number, bytes.toString('utf8', at, end), rolesOf, options)
    }
    return builder.finish()
  }
}

export function addLine(
  builder: Pick<DocumentBuilder, 'add' | 'refuse'>,
  number: number,
  line: string,
  rolesOf: Roles,
  options: Fields,
): void {
  let record: unknown
  try {
    record = JSON.parse(line)
  } catch (error) {
    builder.refuse(number, 'broken-json', (error as Error).message)
    return
  }
  if (record === null || typeof record !== 'object' || Array.isArray(record)) {
    builder.refuse(number, 'not-an-object', `the line holds ${line.slice(0, 40)}`)
    return
  }
  const document: RawDocument = { ...emptyDocument }
  const deep = assignFields(record, document, rolesOf)
  if (deep !== null) builder.refuse(number, 'bad-field', `'${deep}' is nested deeper than ${nestingMax} levels`)
  else if (document.text === undefined)
    builder.refuse(number, 'missing-text', `no field '${options.text}' among ${Object.keys(record).join(', ')}`)
  else {
    if (typeof document.id === 'number') document.id = exactNumber(document.id, line, options.id)
    builder.add(number, document)
  }
}

/** Gives fields to their roles and the others to `meta`, up to one that is nested too deep: returns its name, or null. */
function assignFields(record: object, document: RawDocument, rolesOf: Roles): string | null {
  let meta = ''
  for (const [name, value] of Object.entries(record)) {
    if (isDeeper(value, nestingMax)) return name
    const fieldRoles = rolesOf.get(name)
    if (fieldRoles) for (const role of fieldRoles) document[role] = value
    else meta += `${meta ? ',' : '{'}${JSON.stringify(name)}:${JSON.stringify(value)}`
  }
  document.meta = meta && `${meta}}`
  return null
}

export const emptyDocument: RawDocument = {
  text: undefined,
  id: undefined,
  domain: undefined,
  url: undefined,
  added: undefined,
  meta: '',
}

function isBlank(bytes: Uint8Array, start: number, end: number): boolean {
  while (start < end && (bytes[start] === 32 || bytes[start] === 9 || bytes[start] === 13)) start++
  return start === end
}

function isDeeper(value: unknown, levels: number): boolean {
  if (value === null || typeof value !== 'object') return false
  return levels === 0 || Object.values(value).some(inner => isDeeper(inner, levels - 1))
}

/** The digits of a number as the line has them, where a float64 can't hold them all. */
function exactNumber(value: number, line: string, name: string): unknown {
  if (Number.isSafeInteger(value) || !Number.isInteger(value)) return value
  const keepSource = (_: string, inner: unknown, context?: { source?: string }) =>
    typeof inner === 'number' ? context?.source : inner
  return (JSON.parse(line, keepSource) as Record<string, unknown>)[name]
}
