import { BadFileError } from '../bad-file.ts'
import { byteOrderMark } from '../document.ts'
import { headBytes, nameKind } from '../signatures.ts'
import { detectJsonEncoding, toUtf8 } from './encoding.ts'
import { toLines } from './json-values.ts'

/** The name of what a file is that was given as JSON Lines, with what to do; `within` says what it was packed in. */
function refuseKind(head: Uint8Array, within: string): void {
  const kind = nameKind(head) ?? (isTable(head) ? table : null)
  if (kind) throw new BadFileError('wrong-kind', `${within}this is ${kind.name}, not JSON Lines: ${kind.advice}`)
}

const table = { name: 'a table with separators (CSV)', advice: 'write its rows as JSON Lines or Parquet' }

/** Whether a file in which these bytes stand first can be read line by line from any of its lines. */
export function isPlainLines(head: Uint8Array): boolean {
  if (detectJsonEncoding(head) || isOfValues(head)) return false
  if (head[0] !== 0x7b) refuseKind(head, '')
  return true
}

/**
 * The bytes of a file as JSON Lines in UTF-8, whatever their encoding and whether they stand one a line, over many lines, or in an array.
 * A line is then a value. Throws a BadFileError ('wrong-kind') for what is no JSON. `within` begins its message, with what was unpacked.
 */
export async function* asJsonLines(
  blocks: AsyncIterable<Uint8Array>,
  within: string,
): AsyncGenerator<Uint8Array, void> {
  const raw = await peek(blocks)
  const encoding = detectJsonEncoding(raw.head)
  const text = encoding ? await peek(toUtf8(raw.blocks, encoding)) : raw
  if (text.head[0] !== 0x7b) refuseKind(text.head, within)
  yield* isOfValues(text.head) ? toLines(skipMark(text.blocks)) : text.blocks
}

interface Peeked {
  readonly head: Uint8Array
  /** All blocks, those that were looked at among them. */
  readonly blocks: AsyncIterable<Uint8Array>
}

/** Looks at the first bytes. What goes wrong meanwhile is thrown when the blocks before it were read. */
async function peek(blocks: AsyncIterable<Uint8Array>): Promise<Peeked> {
  const iterator = blocks[Symbol.asyncIterator]()
  const first: Uint8Array[] = []
  let bytes = 0
  let failure: { error: unknown } | null = null
  try {
    while (bytes < headBytes) {
      const { done, value } = await iterator.next()
      if (done) break
      first.push(value)
      bytes += value.length
    }
  } catch (error) {
    failure = { error }
  }
  const head = Buffer.concat(first).subarray(0, headBytes)
  return { head, blocks: replay(first, failure, iterator) }
}

async function* replay(
  first: readonly Uint8Array[],
  failure: { readonly error: unknown } | null,
  iterator: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array, void> {
  try {
    yield* first
    if (failure) throw failure.error
    yield* { [Symbol.asyncIterator]: () => iterator }
  } finally {
    await iterator.return?.()
  }
}

const toText = (head: Uint8Array) => Buffer.from(head.buffer, head.byteOffset, head.length).toString('latin1')

/** Whether a text is an array of objects, or begins with an object over several lines, as programs write JSON for people. */
function isOfValues(head: Uint8Array): boolean {
  if (head[0] === 0x7b && head[1] !== 13 && head[1] !== 10 && head[1] !== 32) return false
  return /^(\xef\xbb\xbf)?\s*(\[\s*\{|\{[ \t]*\r?\n\s*["}])/.test(toText(head))
}

async function* skipMark(blocks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  let isFirst = true
  for await (const block of blocks) {
    yield isFirst && byteOrderMark.equals(block.subarray(0, 3)) ? block.subarray(3) : block
    isFirst = false
  }
}

const separators = [',', '\t', ';', '|']

/** Whether no line looks like JSON and the first rows have equally many fields, more than one. */
function isTable(head: Uint8Array): boolean {
  const text = toText(head)
  // Files that were joined have a mark before lines within them.
  if (/^(?:\xef\xbb\xbf|\s)*[[{]/m.test(text)) return false
  return separators.some(separator => {
    const [first, second] = countFields(text, separator)
    return first > 1 && first === second
  })
}

/** Fields of the rows that end in `text`, where quotes may hold separators and ends of lines. */
function countFields(text: string, separator: string): number[] {
  const counts: number[] = []
  let [fields, isQuoted] = [1, false]
  for (const sign of text) {
    if (sign === '"') isQuoted = !isQuoted
    else if (isQuoted) continue
    else if (sign === separator) fields++
    else if (sign === '\n') {
      counts.push(fields)
      fields = 1
    }
  }
  return counts
}
