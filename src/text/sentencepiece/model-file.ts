import { HeadraceError } from '../../errors.ts'
import { limits } from '../../limits.ts'
import { cleanName } from '../printable.ts'
import { type Field, floatOf, readFields } from './protobuf.ts'

/** What a piece is: `unused` ones are never given out, `user` ones are found before all else. */
export type PieceKind = 'normal' | 'unknown' | 'control' | 'user' | 'unused' | 'byte'
export interface Piece {
  readonly bytes: Uint8Array
  /** Of a unigram model, the logarithm of its probability; of merges, minus the place in their order. */
  readonly score: number
  readonly kind: PieceKind
}

/** A model that SentencePiece trained. A piece's id is its place. */
export interface SentencePieceModel {
  readonly type: 'unigram' | 'bpe'
  readonly pieces: readonly Piece[]
  /** Whether a character that no piece has is given out as its bytes. */
  readonly byteFallback: boolean
  readonly normalizer: NormalizerSpec
}
export interface NormalizerSpec {
  /** Rules of what is replaced by what: a double array and the texts that it leads to. Empty for none. */
  readonly charsmap: Uint8Array
  readonly addDummyPrefix: boolean
  readonly removeExtraWhitespaces: boolean
  readonly escapeWhitespaces: boolean
  /** Whether a space belongs to the word before it: the dummy prefix is a suffix then. */
  readonly whitespaceIsSuffix: boolean
}

const kinds: readonly (PieceKind | null)[] = [null, 'normal', 'unknown', 'control', 'user', 'unused', 'byte']
const types: readonly string[] = ['unknown', 'unigram', 'bpe', 'word', 'char']
const advice = 'give a model of the type unigram or bpe that `spm_train` wrote'

/** Reads a model's file, a `ModelProto` of sentencepiece_model.proto. Throws `corrupt`, with what to do. `file` is for the message. */
export function readSentencePieceModel(bytes: Uint8Array, file: string): SentencePieceModel {
  try {
    return readModel(bytes)
  } catch (error) {
    if (!(error instanceof RangeError || error instanceof Fault)) throw error
    throw new HeadraceError(
      'corrupt',
      `${file} is no model of SentencePiece that can be read (${error.message}): ${advice}`,
    )
  }
}

class Fault extends Error {}

function readModel(bytes: Uint8Array): SentencePieceModel {
  const pieces: Piece[] = []
  let piecesBytes = 0
  const trainer = { type: 1, byteFallback: false, whitespaceIsSuffix: false }
  const normalizer = {
    charsmap: new Uint8Array(0),
    addDummyPrefix: true,
    removeExtraWhitespaces: true,
    escapeWhitespaces: true,
  }
  for (const field of readFields(bytes)) {
    if (field.number === 1) piecesBytes += pieces[pieces.push(readPiece(field.bytes)) - 1].bytes.length
    else if (field.number === 2) readTrainer(field.bytes, trainer)
    else if (field.number === 3) readNormalizer(field.bytes, normalizer)
    if (piecesBytes > limits.piecesBytesMax) throw new Fault(`pieces of more than ${limits.piecesBytesMax} bytes`)
  }
  const { type, byteFallback, whitespaceIsSuffix } = trainer
  if (type !== 1 && type !== 2) throw new Fault(`its type is ${types[type] ?? type}`)
  checkPieces(pieces, byteFallback)
  return {
    type: type === 1 ? 'unigram' : 'bpe',
    pieces,
    byteFallback,
    normalizer: { ...normalizer, whitespaceIsSuffix },
  }
}

function readPiece(message: Uint8Array): Piece {
  let [bytes, score, kind]: [Uint8Array, number, PieceKind | null] = [new Uint8Array(0), 0, 'normal']
  for (const field of readFields(message)) {
    if (field.number === 1) bytes = field.bytes
    else if (field.number === 2) score = floatOf(field)
    else if (field.number === 3) kind = kinds[field.value] ?? null
  }
  if (bytes.length === 0 || bytes.length > limits.pieceBytesMax) throw new Fault(`a piece of ${bytes.length} bytes`)
  if (kind === null || !Number.isFinite(score))
    throw new Fault(`the piece '${cleanName(Buffer.from(bytes).toString())}' has no kind or score that is known`)
  return { bytes, score, kind }
}

function readTrainer(
  message: Uint8Array,
  trainer: Record<'byteFallback' | 'whitespaceIsSuffix', boolean> & { type: number },
) {
  for (const { number, value } of readFields(message)) {
    if (number === 3) trainer.type = value
    else if (number === 24) trainer.whitespaceIsSuffix = value !== 0
    else if (number === 35) trainer.byteFallback = value !== 0
  }
}

type Flags = 'addDummyPrefix' | 'removeExtraWhitespaces' | 'escapeWhitespaces'
const flags: Readonly<Record<number, Flags>> = {
  3: 'addDummyPrefix',
  4: 'removeExtraWhitespaces',
  5: 'escapeWhitespaces',
}

function readNormalizer(message: Uint8Array, spec: Record<Flags, boolean> & { charsmap: Uint8Array }): void {
  for (const field of readFields(message)) {
    if (field.number === 2) spec.charsmap = field.bytes
    else if (field.number in flags) spec[flags[field.number]] = isSet(field)
  }
}

const isSet = ({ value }: Field) => value !== 0

function checkPieces(pieces: readonly Piece[], byteFallback: boolean): void {
  const count = (kind: PieceKind) => pieces.reduce((sum, piece) => sum + (piece.kind === kind ? 1 : 0), 0)
  if (count('unknown') !== 1) throw new Fault(`${count('unknown')} of its pieces stand for what is unknown`)
  if (!byteFallback) return
  const bytes = findBytes(pieces).filter(id => id >= 0)
  if (bytes.length !== 256) throw new Fault(`it has pieces for ${bytes.length} bytes of 256`)
}

/** The ids of the pieces that stand for bytes, by byte; -1 for none. */
export function findBytes(pieces: readonly Piece[]): number[] {
  const ids = new Map(
    pieces.flatMap(({ bytes, kind }, id) => (kind === 'byte' ? [[Buffer.from(bytes).toString(), id]] : [])),
  )
  return Array.from(
    { length: 256 },
    (_, byte) => ids.get(`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`) ?? -1,
  )
}
