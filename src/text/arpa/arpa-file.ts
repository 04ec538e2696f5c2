import { HeadraceError } from '../../errors.ts'
import { isSpace } from '../backoff-scorer.ts'
import { hashWord } from '../packed-words.ts'
import { cleanName } from '../printable.ts'
import { NgramTable } from './ngram-table.ts'

/** A file that is read here and there. */
export interface ArpaBytes {
  readonly length: number
  read(at: number, into: Uint8Array): void
}

/** As many as KenLM is built for. */
const orderMax = 6
const chunkBytes = 1 << 22
const headBytes = 1 << 12

/**
 * Reads the counts at the head of a back-off model in the ARPA format, of 1 to 6 words, and throws `corrupt` for a file of another kind, with what
 * to do. `file` is for the message.
 */
export function readArpaHead(bytes: ArpaBytes, file: string): readonly number[] {
  const start = Buffer.alloc(Math.min(headBytes, bytes.length))
  bytes.read(0, start)
  const refuse = (why: string) => new HeadraceError('corrupt', `${file} ${why}`)
  const text = start.toString('latin1')
  const head = /\\data\\[ \t\r]*\n(?:ngram +\d+ *= *\d+[ \t\r]*\n)+/.exec(text)
  if (head === null)
    throw refuse(
      'is neither a binary file of KenLM nor a model in the ARPA format, which begins with \\data\\ and counts of n-grams: give one of these',
    )
  const counts = [...head[0].matchAll(/ngram +(\d+) *= *(\d+)/g)]
  if (counts.length > orderMax || counts.some(([, order], i) => Number(order) !== i + 1))
    throw refuse(`does not count n-grams of 1, 2, 3 ... and at most ${orderMax} words`)
  return counts.map(([, , count]) => Number(count))
}

/** Reads a model; throws `corrupt`, with the line, for what is wrong in it. */
export function readArpa(bytes: ArpaBytes, file: string): NgramTable {
  const counts = readArpaHead(bytes, file)
  const reader = new ArpaReader(counts)
  let line = 0
  try {
    for (const text of eachLine(bytes)) {
      line++
      reader.take(text)
    }
    reader.finish()
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    throw new HeadraceError('corrupt', `${file}, line ${line}: ${error.message}`)
  }
  return reader.table
}

class Fault extends Error {}

/** Takes the lines of a file one after the other. */
class ArpaReader {
  readonly table: NgramTable
  readonly #counts: readonly number[]
  /** Words of the n-grams that are coming: 0 before the first, -1 behind the end. */
  #order = 0
  #left = 0

  constructor(counts: readonly number[]) {
    this.#counts = counts
    this.table = new NgramTable(counts.length)
  }

  take(line: Uint8Array): void {
    const fields = cutFields(line)
    if (fields.length === 0 || this.#order < 0) return
    if (fields[0][0] === 0x5c) this.#takeMark(latin1(fields[0]))
    else if (this.#order > 0) this.#takeNgram(fields)
  }

  finish(): void {
    if (this.#order >= 0) throw new Fault('the file ends without \\end\\')
    for (const word of ['<s>', '</s>']) this.#wordOf(new TextEncoder().encode(word))
  }

  #takeMark(mark: string): void {
    if (mark === '\\data\\' && this.#order === 0) return
    if (this.#left > 0) throw new Fault(`${this.#left} n-grams of ${this.#order} words fewer than it counts`)
    const isLast = this.#order === this.#counts.length
    const expected = isLast ? '\\end\\' : `\\${this.#order + 1}-grams:`
    if (mark !== expected) throw new Fault(`${cleanName(mark)} stands where ${expected} should`)
    this.#order = isLast ? -1 : this.#order + 1
    this.#left = isLast ? 0 : this.#counts[this.#order - 1]
  }

  #takeNgram(fields: readonly Uint8Array[]): void {
    const order = this.#order
    if (this.#left-- === 0) throw new Fault(`more n-grams of ${order} words than it counts`)
    if (fields.length !== order + 1 && fields.length !== order + 2)
      throw new Fault(`no logarithm, ${order} words and a backoff`)
    const logarithm = numberOf(fields[0])
    const backoff = fields.length === order + 2 ? numberOf(fields[order + 1]) : 0
    if (logarithm > 0) throw new Fault(`a probability above 1, its logarithm ${logarithm}`)
    const isNew =
      order === 1
        ? this.table.addWord(fields[1], logarithm, backoff)
        : this.table.add(this.#findParent(fields), this.#wordOf(fields[order]), logarithm, backoff)
    if (!isNew) throw new Fault('an n-gram that stands twice')
  }

  #findParent(fields: readonly Uint8Array[]): number {
    let parent = this.#wordOf(fields[1])
    for (let i = 2; i < this.#order; i++) parent = this.table.find(parent, this.#wordOf(fields[i]))
    if (parent < 0) throw new Fault('an n-gram without the one of its first words')
    return parent
  }

  #wordOf(word: Uint8Array): number {
    const number = this.table.words.find(hashWord(word), word, 0, word.length)
    if (number < 0) throw new Fault(`'${cleanName(Buffer.from(word).toString())}' is none of its single words`)
    return number
  }
}

const latin1 = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')

function numberOf(field: Uint8Array): number {
  const value = Number(latin1(field))
  if (!Number.isFinite(value)) throw new Fault(`'${cleanName(latin1(field))}' is no number`)
  return value
}

function cutFields(line: Uint8Array): Uint8Array[] {
  const fields: Uint8Array[] = []
  for (let at = 0; at < line.length; ) {
    if (isSpace(line[at])) {
      at++
      continue
    }
    const start = at
    while (at < line.length && !isSpace(line[at])) at++
    fields.push(line.subarray(start, at))
  }
  return fields
}

/** Lines without their ends. What one holds is overwritten by later ones. */
function* eachLine(bytes: ArpaBytes): Generator<Uint8Array> {
  let rest = new Uint8Array(0)
  for (let at = 0; at < bytes.length; ) {
    const chunk = new Uint8Array(rest.length + Math.min(chunkBytes, bytes.length - at))
    chunk.set(rest)
    bytes.read(at, chunk.subarray(rest.length))
    at += chunk.length - rest.length
    let start = 0
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      yield chunk.subarray(start, end)
      start = end + 1
    }
    rest = chunk.slice(start)
    if (rest.length > chunkBytes) throw new Fault(`a line of more than ${chunkBytes} bytes`)
  }
  if (rest.length > 0) yield rest
}
