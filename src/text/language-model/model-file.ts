import { createHash } from 'node:crypto'
import { HeadraceError } from '../../errors.ts'
import { isModelName } from '../model-name.ts'
import { cleanName } from '../printable.ts'
import { rankFileOf } from '../tokens/bpe.ts'
import { idCount, type LanguageModel, modelEncoding } from './model.ts'

/** The first line of every file; raised when ids, smoothing or the order of arrays change. */
const format = 'headrace-lm/1'
const hashBytes = 32
const headerBytesMax = 1 << 20

/** A model, its name, and what was counted when it was fitted: as JSON, for people. */
export interface LanguageModelFile {
  readonly name: string
  readonly model: LanguageModel
  readonly report: unknown
}

interface Header {
  readonly name: string
  readonly encoding: string
  readonly encodingSha256: string
  readonly bigrams: number
  readonly trigrams: number
  readonly report: unknown
}

/** Each array in the order of the file, with its length. */
function layoutOf(bigrams: number, trigrams: number) {
  return [
    ['unigrams', Float32Array, idCount],
    ['unigramBackoffs', Float32Array, idCount],
    ['bigramStarts', Uint32Array, idCount + 1],
    ['bigramIds', Uint16Array, bigrams],
    ['bigrams', Float32Array, bigrams],
    ['bigramBackoffs', Float32Array, bigrams],
    ['trigramStarts', Uint32Array, bigrams + 1],
    ['trigramIds', Uint16Array, trigrams],
    ['trigrams', Float32Array, trigrams],
  ] as const satisfies readonly (readonly [keyof LanguageModel, unknown, number])[]
}

/**
 * A model's file: the line `headrace-lm/1`, a line of JSON, the arrays of the model one after the other (little-endian), and the SHA-256 of all
 * that.
 */
export function* encodeLanguageModel({ name, model, report }: LanguageModelFile): Generator<Uint8Array> {
  const hash = createHash('sha256')
  const [bigrams, trigrams] = [model.bigramIds.length, model.trigramIds.length]
  const encodingSha256 = rankFileOf(modelEncoding).sha256
  const header: Header = { name, encoding: modelEncoding, encodingSha256, bigrams, trigrams, report }
  const parts = layoutOf(bigrams, trigrams).map(([array]) => {
    const { buffer, byteOffset, byteLength } = model[array]
    return new Uint8Array(buffer, byteOffset, byteLength)
  })
  for (const part of [Buffer.from(`${format}\n${JSON.stringify(header)}\n`), ...parts]) {
    hash.update(part)
    yield part
  }
  yield hash.digest()
}

/** A file that is read here and there. */
export interface ModelBytes {
  readonly length: number
  read(at: number, into: Uint8Array): void
}

/** What the file says of itself, if it is one and has the length that it says; throws `corrupt` otherwise. `file` is for the message. */
export function readModelHeader(bytes: ModelBytes, file: string): { readonly header: Header; readonly end: number } {
  const start = Buffer.alloc(Math.min(bytes.length, headerBytesMax))
  bytes.read(0, start)
  const first = start.indexOf('\n')
  const found = start.toString('latin1', 0, Math.min(first, 60))
  if (found !== format) {
    const what = found.startsWith('headrace-lm/') ? `of format ${cleanName(found)}` : 'no language model'
    throw new HeadraceError('corrupt', `${file} is ${what}, not ${format}; ${again}`)
  }
  const end = start.indexOf('\n', first + 1) + 1
  const header = end > 0 ? parseHeader(start.toString('utf8', first + 1, end)) : null
  if (header === null) throw damaged(file, 'it does not say what it has')
  if (header.encodingSha256 !== rankFileOf(modelEncoding).sha256)
    throw new HeadraceError('corrupt', `${file} has ids of another encoding than ${modelEncoding} is here; ${again}`)
  const arrays = layoutOf(header.bigrams, header.trigrams)
  const expected = arrays.reduce((sum, [, { BYTES_PER_ELEMENT }, length]) => sum + BYTES_PER_ELEMENT * length, 0)
  if (bytes.length !== end + expected + hashBytes)
    throw damaged(file, `it has ${bytes.length} bytes, not ${end + expected + hashBytes}`)
  return { header, end }
}

/** Reads what `encodeLanguageModel` wrote; throws `corrupt` for anything else. */
export function readLanguageModel(bytes: ModelBytes, file: string): LanguageModelFile {
  const { header, end } = readModelHeader(bytes, file)
  const hash = createHash('sha256')
  const start = new Uint8Array(end)
  bytes.read(0, start)
  hash.update(start)
  let at = end
  const arrays = layoutOf(header.bigrams, header.trigrams).map(([name, make, length]) => {
    const array = new make(length)
    const part = new Uint8Array(array.buffer)
    bytes.read(at, part)
    hash.update(part)
    at += part.length
    return [name, array]
  })
  const sealed = new Uint8Array(hashBytes)
  bytes.read(at, sealed)
  if (!hash.digest().equals(sealed)) throw damaged(file, 'its content does not match its SHA-256')
  return { name: header.name, model: Object.fromEntries(arrays), report: header.report }
}

const again = "fit it again with 'headrace lm fit'"
const damaged = (file: string, why: string) => new HeadraceError('corrupt', `${file} is damaged: ${why}; ${again}`)

function parseHeader(text: string): Header | null {
  try {
    const header = JSON.parse(text)
    const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0
    return isModelName(header.name) && isCount(header.bigrams) && isCount(header.trigrams) ? header : null
  } catch {
    return null
  }
}
