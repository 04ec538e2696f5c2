import { checkDataFile, type DataFile, dataFiles, readDataFile } from '../../data-files.ts'
import { HeadraceError } from '../../errors.ts'
import { refuseName } from '../../options.ts'
import { equalsAt } from '../bytes.ts'
import { type PieceScanner, scanCl100k, scanGpt2, scanO200k } from './pretokenize.ts'
import { findToken, hashPiece, parseVocabulary, type Vocabulary } from './vocabulary.ts'
import { mergePiece } from './windows.ts'

/**
 * Byte-pair encodings whose ids equal those of tiktoken 0.14.0 (`encode_ordinary`) for every valid UTF-8 text. Text that looks
 * like a special token is text.
 */
export interface Encoding {
  readonly name: EncodingName
  /** The rank file's SHA-256, in hexadecimal. */
  readonly sha256: string
  /** One above the highest id, special tokens included (tiktoken's `n_vocab`). */
  readonly vocabularySize: number
  /** The id of `<|endoftext|>`, which `encode` never writes. */
  readonly endOfText: number
  /**
   * Writes the ids of `bytes[start, end)` to `out` from `at`, and returns where they end. There are never more ids than bytes,
   * and `out` must have a place for each byte.
   */
  encode(bytes: Uint8Array, start: number, end: number, out: Int32Array, at: number): number
  /** The number of ids of `bytes[start, end)`. */
  countTokens(bytes: Uint8Array, start: number, end: number): number
  /** The bytes of these ids; RangeError for an id that is neither a token's nor `endOfText`. */
  decode(ids: ArrayLike<number>): Uint8Array
}

interface Definition {
  readonly file: DataFile
  readonly vocabularySize: number
  readonly endOfText: number
  readonly scan: PieceScanner
}

/** Ids as in tiktoken_ext/openai_public.py of tiktoken 0.14.0. */
const definitions = {
  o200k_base: {
    file: 'o200k_base.tiktoken',
    vocabularySize: 200_019,
    endOfText: 199_999,
    scan: scanO200k,
  },
  cl100k_base: {
    file: 'cl100k_base.tiktoken',
    vocabularySize: 100_277,
    endOfText: 100_257,
    scan: scanCl100k,
  },
  gpt2: {
    file: 'r50k_base.tiktoken',
    vocabularySize: 50_257,
    endOfText: 50_256,
    scan: scanGpt2,
  },
} as const satisfies Record<string, Definition>

export type EncodingName = keyof typeof definitions

export const encodingNames: readonly EncodingName[] = Object.freeze(Object.keys(definitions) as EncodingName[])

/** The rank file of an encoding, known without reading it; throws `bad-option` for an unknown name. */
export function rankFileOf(name: EncodingName): { readonly name: string; readonly sha256: string } {
  const { file } = definitionOf(name)
  return { name: file, sha256: dataFiles[file].sha256 }
}

function definitionOf(name: EncodingName): Definition {
  if (!Object.hasOwn(definitions, name))
    throw new HeadraceError('bad-option', refuseName('there is no encoding', String(name), encodingNames))
  return definitions[name]
}

const loaded = new Map<EncodingName, Encoding>()

/** The id that ends a document, known without loading the encoding. */
export function endOfTextOf(name: EncodingName): number {
  return definitionOf(name).endOfText
}

/** Loads an encoding's rank file, once a process: some 0.2 s and 20 MB of memory. */
export function loadEncoding(name: EncodingName): Encoding {
  let encoding = loaded.get(name)
  if (encoding === undefined) {
    encoding = createEncoding(name, readDataFile(definitionOf(name).file))
    loaded.set(name, encoding)
  }
  return encoding
}

/** The encoding that `file` holds; throws `corrupt` unless it is, byte for byte, the file that tiktoken uses. */
export function createEncoding(name: EncodingName, file: Uint8Array): Encoding {
  const { vocabularySize, endOfText, scan, file: fileName } = definitionOf(name)
  checkDataFile(fileName, file)
  const vocabulary = parseVocabulary(file)
  const encodePiece = createPieceEncoder(vocabulary)
  return {
    name,
    sha256: dataFiles[fileName].sha256,
    vocabularySize,
    endOfText,
    encode(bytes, start, end, out, at) {
      if (out.length - at < end - start)
        throw new RangeError(`no room for ${end - start} ids at ${at} of ${out.length}`)
      while (start < end) {
        const stop = scan(bytes, start, end)
        at = encodePiece(bytes, start, stop, out, at)
        start = stop
      }
      return at
    },
    countTokens(bytes, start, end) {
      let count = 0
      let scratch = new Int32Array(256)
      while (start < end) {
        const stop = scan(bytes, start, end)
        if (stop - start > scratch.length) scratch = new Int32Array((stop - start) * 2)
        count += encodePiece(bytes, start, stop, scratch, 0)
        start = stop
      }
      return count
    },
    decode: ids => decodeTokens(vocabulary, endOfText, ids),
  }
}

/** The cache of merged pieces: each place holds one piece of at most 48 bytes and 24 ids. 2.5 MB in all. */
const cache = { places: 1 << 14, bytesMax: 48, idsMax: 24 } as const

/**
 * Pieces in three ways: a token as it is, a piece met lately from a direct-mapped cache, any other by merging. The cache holds
 * the bytes, so a hit is never a guess.
 */
function createPieceEncoder(vocabulary: Vocabulary) {
  const { byteTokens, lengthMax } = vocabulary
  const { places, bytesMax, idsMax } = cache
  const hashes = new Int32Array(places)
  const lengths = new Uint8Array(places)
  const counts = new Uint8Array(places)
  const keys = new Uint8Array(places * bytesMax)
  const values = new Int32Array(places * idsMax)

  return function encodePiece(bytes: Uint8Array, start: number, end: number, out: Int32Array, at: number): number {
    const length = end - start
    if (length === 1) {
      out[at] = byteTokens[bytes[start]]
      return at + 1
    }
    if (length > lengthMax) return mergePiece(vocabulary, bytes, start, end, out, at)
    const hash = hashPiece(bytes, start, end)
    const id = findToken(vocabulary, bytes, start, end, hash)
    if (id >= 0) {
      out[at] = id
      return at + 1
    }
    if (length > bytesMax) return mergePiece(vocabulary, bytes, start, end, out, at)
    const place = hash & (places - 1)
    const isCached = hashes[place] === hash && lengths[place] === length
    if (isCached && equalsAt(keys, place * bytesMax, bytes, start, end)) {
      const from = place * idsMax
      for (let i = 0; i < counts[place]; i++) out[at++] = values[from + i]
      return at
    }
    const stop = mergePiece(vocabulary, bytes, start, end, out, at)
    if (stop - at <= idsMax) {
      hashes[place] = hash
      lengths[place] = length
      counts[place] = stop - at
      for (let i = 0; i < length; i++) keys[place * bytesMax + i] = bytes[start + i]
      for (let i = at; i < stop; i++) values[place * idsMax + i - at] = out[i]
    }
    return stop
  }
}

const endOfTextBytes = new TextEncoder().encode('<|endoftext|>')

function decodeTokens({ size, offsets, bytes }: Vocabulary, endOfText: number, ids: ArrayLike<number>): Uint8Array {
  const parts: Uint8Array[] = []
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i]
    if (id === endOfText) parts.push(endOfTextBytes)
    else if (Number.isInteger(id) && id >= 0 && id < size) parts.push(bytes.subarray(offsets[id], offsets[id + 1]))
    else throw new RangeError(`id ${id} is not in the vocabulary`)
  }
  return Buffer.concat(parts)
}
