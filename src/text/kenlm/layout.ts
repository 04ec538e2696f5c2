import { HeadraceError } from '../../errors.ts'
import { cleanName } from '../printable.ts'
import { type ArraySizes, bitsFor, sizeArray } from './bits.ts'

/** A file that is read here and there. */
export interface KenlmBytes {
  readonly length: number
  /** Fills `into` with what stands from `at` on. */
  read(at: number, into: Uint8Array): void
}

/** Where the parts of a binary file of KenLM lie, in bytes from its start. */
export interface KenlmLayout {
  readonly order: number
  /** N-grams of 1, 2, 3 ... words; unknown words are one of 1. */
  readonly counts: readonly number[]
  readonly search: ProbingLayout | TrieLayout
  /** Behind all that is searched: the words follow, in some files. */
  readonly end: number
}

/** Tables of hashes, each entry with the numbers that belong to it. */
export interface ProbingLayout {
  readonly kind: 'probing'
  readonly words: { readonly start: number; readonly buckets: number }
  /** Float32s of an n-gram: of 2, its logarithm and its backoff; of 3, a rest cost, too, which no sentence's score depends on. */
  readonly values: 2 | 3
  readonly unigrams: number
  /** Of n-grams of 2 words, 3 words ... */
  readonly tables: readonly { readonly start: number; readonly buckets: number }[]
}

/** N-grams sorted by their last word, then the one before it ..., packed to as few bits as each number takes. */
export interface TrieLayout {
  readonly kind: 'trie'
  readonly words: number
  readonly unigrams: number
  /** Of n-grams of 2 words, 3 words ... */
  readonly tables: readonly TrieTable[]
}
export interface TrieTable {
  readonly start: number
  readonly wordBits: number
  /** Of what n-grams of one word more begin with, of which the lowest stand with the entry; none for the longest. */
  readonly pointers: { readonly bits: number; readonly array: ArraySizes | null; readonly arrayStart: number } | null
  /** Where the values lie that an entry has numbers for, and the bits of such a number; null where entries hold the values. */
  readonly logarithms: { readonly start: number; readonly bits: number } | null
  readonly backoffs: { readonly start: number; readonly bits: number } | null
}

const magic = 'mmap lm http://kheafield.com/code format version '
const unfinished = 'mmap lm http://kheafield.com/code incomplete'
const version = '5'
const advice = 'build it anew from its ARPA file by `build_binary`, or give the ARPA file'
/** As many words as KenLM is built for. */
const orderMax = 6
const types = ['probing', 'probing with rest costs', 'trie', 'quantized trie', 'array trie', 'quantized array trie']
const chunkBytes = 1 << 20
const sanityBytes = 88
const fixedBytes = 20
/** Numbers of a table are found by 16 bits at a time. */
const bucketsMax = 2 ** 37
/** More bits than KenLM quantizes to would be more values than any file has room for. */
const quantizedBitsMax = 25

/** Whether a file begins as KenLM's binary files do, of any version. */
export function isKenlmBinary(start: Uint8Array): boolean {
  return latin1(start, 0, 7) === 'mmap lm'
}

/**
 * Reads the head of a binary file of KenLM (version 5 of the format, of 2 to 6 words) and where all lies that it counts. Throws `corrupt` for
 * what is no such file or is not all there, with what to do. `file` is for the message.
 */
export function readKenlmLayout(bytes: KenlmBytes, file: string): KenlmLayout {
  const refuse = (why: string) => new HeadraceError('corrupt', `${file} ${why}: ${advice}`)
  const head = readHead(bytes, refuse)
  const { order, type, counts } = head
  const start = alignTo8(sanityBytes + fixedBytes + 8 * order)
  const placed = type < 2 ? placeProbing(head, start) : placeTrie(bytes, head, start, refuse)
  if (placed.end > bytes.length) throw refuse(`has ${bytes.length} bytes of the ${placed.end} that it counts`)
  if (head.hasWords) checkWords(bytes, placed, refuse)
  return { order, counts, ...placed }
}

type Refuse = (why: string) => HeadraceError
interface Head {
  readonly order: number
  readonly multiplier: number
  readonly type: number
  readonly hasWords: boolean
  readonly counts: readonly number[]
}

function readHead(bytes: KenlmBytes, refuse: Refuse): Head {
  const all = new Uint8Array(Math.min(bytes.length, sanityBytes + fixedBytes + 8 * orderMax))
  bytes.read(0, all)
  checkSanity(all, refuse)
  const view = new DataView(all.buffer)
  const order = view.getUint8(sanityBytes)
  if (order < 2 || order > orderMax)
    throw refuse(`has n-grams of up to ${order} words, where 2 to ${orderMax} are read`)
  const type = view.getUint32(sanityBytes + 8, true)
  if (type >= types.length) throw refuse(`is of a type that is not known, ${type}`)
  const searchVersion = view.getUint32(sanityBytes + 16, true)
  if (searchVersion !== (type < 2 ? 0 : 1)) throw refuse(`has version ${searchVersion} of a ${types[type]}`)
  const multiplier = view.getFloat32(sanityBytes + 4, true)
  if (type < 2 && !(multiplier >= 1)) throw refuse(`has tables of ${multiplier} times their entries`)
  if (all.length < sanityBytes + fixedBytes + 8 * order) throw refuse('ends within its head')
  const counts = Array.from({ length: order }, (_, i) =>
    Number(view.getBigUint64(sanityBytes + fixedBytes + 8 * i, true)),
  )
  // An n-gram takes more than a bit.
  if (counts[0] === 0 || counts.some(count => count > 8 * bytes.length))
    throw refuse(`counts ${counts.join(', ')} n-grams in ${bytes.length} bytes`)
  return { order, type, multiplier, counts, hasWords: view.getUint8(sanityBytes + 12) !== 0 }
}

function checkSanity(head: Uint8Array, refuse: Refuse): void {
  if (latin1(head, 0, unfinished.length) === unfinished) throw refuse('is a binary file of KenLM that was not finished')
  if (latin1(head, 0, magic.length) !== magic) throw refuse('is no binary file of KenLM as it is known here')
  const found = latin1(head, magic.length, head.indexOf(10))
  if (found !== version)
    throw refuse(`is a binary file of KenLM of version ${cleanName(found)}, where ${version} is read`)
  if (head.length < sanityBytes + fixedBytes) throw refuse('ends within its head')
  const view = new DataView(head.buffer)
  const isSane =
    [0, 1, -0.5].every((value, i) => view.getFloat32(56 + 4 * i, true) === value) &&
    view.getUint32(68, true) === 1 &&
    view.getUint32(72, true) === 0xffffffff &&
    view.getBigUint64(80, true) === 1n
  if (!isSane) throw refuse('was built on a machine with other numbers, as a big-endian one or one of 32 bits')
}

function placeProbing({ type, counts, multiplier }: Head, start: number) {
  const bucketsOf = (count: number) =>
    Math.min(bucketsMax, Math.max(count + 1, Math.floor(Math.fround(multiplier * Math.fround(count)))))
  const values = type === 0 ? 2 : 3
  const words = { start: start + 8, buckets: bucketsOf(counts[0]) }
  const unigrams = words.start + 12 * words.buckets
  let end = unigrams + 4 * values * (counts[0] + 1)
  const tables = counts.slice(1).map((count, i) => {
    const table = { start: end, buckets: bucketsOf(count) }
    end += table.buckets * (8 + 4 * (i + 2 < counts.length ? values : 1))
    return table
  })
  return { end, search: { kind: 'probing', words, values, unigrams, tables } as const }
}

function placeTrie(bytes: KenlmBytes, { type, counts, order }: Head, start: number, refuse: Refuse) {
  const byteAt = (at: number) => {
    const byte = new Uint8Array(1)
    if (at >= bytes.length) throw refuse(`ends before the ${at + 1} bytes that it counts`)
    bytes.read(at, byte)
    return byte[0]
  }
  const quantized = type === 3 || type === 5 ? start + 8 + 8 * counts[0] : null
  const bits = quantized === null ? null : [byteAt(quantized + 1), byteAt(quantized + 2)]
  if (quantized !== null && byteAt(quantized) !== 2)
    throw refuse(`has version ${byteAt(quantized)} of quantized values`)
  if (bits?.some(one => one < 1 || one > quantizedBitsMax)) throw refuse(`has values of ${bits.join(' and ')} bits`)
  const [logarithmBits, backoffBits] = bits ?? [0, 0]
  const binsOf = (i: number) => {
    const first = quantized! + 8 + 4 * i * (2 ** logarithmBits + 2 ** backoffBits)
    return { logarithms: { start: first, bits: logarithmBits }, second: first + 4 * 2 ** logarithmBits }
  }
  const unigrams = bits === null ? start + 8 + 8 * counts[0] : binsOf(order - 2).second
  let end = unigrams + 16 * (counts[0] + 2)
  const arrayBits = type >= 4 && order > 2 ? byteAt(end + 1) : null
  if (arrayBits !== null && byteAt(end) !== 0) throw refuse(`has version ${byteAt(end)} of arrays of pointers`)
  const wordBits = bitsFor(counts[0])
  const tables = counts.slice(1).map((count, i): TrieTable => {
    const isLongest = i + 2 === order
    const bins = bits === null ? null : binsOf(i)
    const backoffs = bins === null || isLongest ? null : { start: bins.second, bits: backoffBits }
    const array = isLongest || arrayBits === null ? null : sizeArray(count + 1, counts[i + 2], arrayBits)
    const arrayStart = alignTo8(end) + 8
    if (array) end += 8 * (1 + array.length) + 7
    const pointers = isLongest ? null : { bits: array ? array.inlineBits : bitsFor(counts[i + 2]), array, arrayStart }
    const table = { start: end, wordBits, pointers, logarithms: bins?.logarithms ?? null, backoffs }
    end += Math.ceil(((1 + count) * entryBits(table)) / 8) + 8
    return table
  })
  return { end, search: { kind: 'trie', words: start, unigrams, tables } as const }
}

/** Bits of an entry: its word, then its backoff and logarithm or their numbers, then its pointer. */
export function entryBits(table: TrieTable): number {
  return table.wordBits + valueBits(table) + (table.pointers?.bits ?? 0)
}

/** The sign of a logarithm, which is never positive, is left out. */
export function valueBits({ logarithms, backoffs, pointers }: TrieTable): number {
  if (logarithms) return logarithms.bits + (backoffs?.bits ?? 0)
  return pointers ? 63 : 31
}

/** The words are not searched, but a file that is cut lacks some of them. `<unk>` is the first. */
function checkWords(bytes: KenlmBytes, { end, search }: Pick<KenlmLayout, 'end' | 'search'>, refuse: Refuse): void {
  const first = new Uint8Array(Math.min(6, bytes.length - end))
  bytes.read(end, first)
  if (latin1(first, 0, 6) !== '<unk>\0')
    throw refuse('has no words where they should be, so it is cut or has another layout')
  const count = new Uint8Array(4)
  bytes.read(search.kind === 'trie' ? search.words : search.words.start - 4, count)
  const expected = new DataView(count.buffer).getUint32(0, true) + (search.kind === 'trie' ? 1 : 0)
  const found = countZeros(bytes, end)
  if (found !== expected) throw refuse(`ends with ${found} words of ${expected}, so it is cut or damaged`)
}

function countZeros(bytes: KenlmBytes, start: number): number {
  let count = 0
  for (let at = start; at < bytes.length; at += chunkBytes) {
    const chunk = new Uint8Array(Math.min(chunkBytes, bytes.length - at))
    bytes.read(at, chunk)
    for (const byte of chunk) if (byte === 0) count++
  }
  return count
}

const alignTo8 = (at: number) => Math.ceil(at / 8) * 8
const latin1 = (bytes: Uint8Array, start: number, end: number) =>
  Buffer.from(bytes.subarray(start, end)).toString('latin1')
