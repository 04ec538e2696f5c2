import { equalsAt } from '../bytes.ts'

/** A BPE vocabulary in typed arrays: bytes to id and pair of ids to id, both by open addressing. A token's id is its rank. */
export interface Vocabulary {
  readonly size: number
  /** The bytes of token i are `bytes.subarray(offsets[i], offsets[i + 1])`. */
  readonly offsets: Int32Array
  readonly bytes: Uint8Array
  /** The longest token. */
  readonly lengthMax: number
  /** The token of each single byte. */
  readonly byteTokens: Int32Array
  /** Two values a slot: the hash of a token's bytes and its id, -1 where the slot is free. */
  readonly tokenSlots: Int32Array
  /**
   * Two values a slot for every way to cut a token into two tokens: the left id with the low 14 bits of the right id above it,
   * then the whole token's id with the other bits of the right id above it, -1 where the slot is free. Ids have 18 bits.
   */
  readonly pairSlots: Int32Array
  /** The tokens of two bytes by their bytes, big-endian; `NO_TOKEN` where there is none. */
  readonly twoBytes: Int32Array
}

/** Above all ranks. */
export const NO_TOKEN = 0x7fffffff

const tokensMax = 1 << 18

/** Reads a rank file: a line a token, its bytes in base64, a space and its rank; the ranks count up from 0. */
export function parseVocabulary(file: Uint8Array): Vocabulary {
  const { offsets, bytes } = decodeLines(file)
  const size = offsets.length - 1
  if (size > tokensMax)
    throw new RangeError(`${size} tokens are more than the ${tokensMax} that a pair's slot can hold`)
  let lengthMax = 0
  const byteTokens = new Int32Array(256)
  const twoBytes = new Int32Array(65536).fill(NO_TOKEN)
  const tokenSlots = new Int32Array(2 << slotBits(size)).fill(-1)
  for (let id = 0; id < size; id++) {
    const start = offsets[id]
    const length = offsets[id + 1] - start
    if (length > lengthMax) lengthMax = length
    if (length === 1) byteTokens[bytes[start]] = id
    if (length === 2) twoBytes[(bytes[start] << 8) | bytes[start + 1]] = id
    insert(tokenSlots, hashPiece(bytes, start, offsets[id + 1]), id)
  }
  const tokens = { size, offsets, bytes, lengthMax, byteTokens, tokenSlots, twoBytes }
  return { ...tokens, pairSlots: buildPairs(tokens) }
}

function decodeLines(file: Uint8Array): { offsets: Int32Array; bytes: Uint8Array } {
  const sextets = new Uint8Array(256)
  for (let i = 0; i < 64; i++)
    sextets['ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'.charCodeAt(i)] = i
  const bytes = new Uint8Array(file.length)
  const offsets: number[] = [0]
  let length = 0
  for (let at = 0; at < file.length; at++) {
    let bits = 0
    let count = 0
    for (; file[at] !== 0x20; at++) {
      if (file[at] === 0x3d) continue
      bits = (bits << 6) | sextets[file[at]]
      count += 6
      if (count >= 8) bytes[length++] = bits >>> (count -= 8)
    }
    offsets.push(length)
    at = file.indexOf(0x0a, at)
    if (at < 0) break
  }
  return { offsets: Int32Array.from(offsets), bytes: bytes.slice(0, length) }
}

/** Slots are at most half full. */
function slotBits(entries: number): number {
  return 33 - Math.clz32(entries)
}

function insert(slots: Int32Array, hash: number, id: number): void {
  const mask = (slots.length >> 1) - 1
  let slot = hash & mask
  while (slots[slot * 2 + 1] >= 0) slot = (slot + 1) & mask
  slots[slot * 2] = hash
  slots[slot * 2 + 1] = id
}

/** The 32-bit hash of a piece's bytes (FNV-1a, then a shift so that the low bits depend on all). */
export function hashPiece(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i], 0x01000193)
  return hash ^ (hash >>> 15)
}

/** The token that is exactly these bytes, whose hash is `hash`, or -1. */
export function findToken(
  { tokenSlots, offsets, bytes: tokenBytes }: Pick<Vocabulary, 'tokenSlots' | 'offsets' | 'bytes'>,
  bytes: Uint8Array,
  start: number,
  end: number,
  hash: number,
): number {
  const mask = tokenSlots.length - 1
  for (let slot = (hash << 1) & mask; ; slot = (slot + 2) & mask) {
    const id = tokenSlots[slot + 1]
    if (id < 0) return -1
    if (tokenSlots[slot] !== hash) continue
    const isSameLength = offsets[id + 1] - offsets[id] === end - start
    if (isSameLength && equalsAt(tokenBytes, offsets[id], bytes, start, end)) return id
  }
}

function buildPairs(tokens: Omit<Vocabulary, 'pairSlots'>): Int32Array {
  const { size, offsets, bytes } = tokens
  const found: number[] = []
  for (let id = 0; id < size; id++) {
    const start = offsets[id]
    const end = offsets[id + 1]
    for (let cut = start + 1; cut < end; cut++) {
      const left = findToken(tokens, bytes, start, cut, hashPiece(bytes, start, cut))
      if (left < 0) continue
      const right = findToken(tokens, bytes, cut, end, hashPiece(bytes, cut, end))
      if (right >= 0) found.push(left, right, id)
    }
  }
  const slots = new Int32Array(2 << slotBits(found.length / 3)).fill(-1)
  const mask = slots.length - 1
  for (let i = 0; i < found.length; i += 3) {
    let slot = pairSlot(found[i], found[i + 1]) & mask
    while (slots[slot + 1] >= 0) slot = (slot + 2) & mask
    slots[slot] = found[i] | (found[i + 1] << 18)
    slots[slot + 1] = found[i + 2] | ((found[i + 1] >> 14) << 18)
  }
  return slots
}

function pairSlot(left: number, right: number): number {
  const hash = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b)
  return (hash ^ (hash >>> 15)) << 1
}

/** The token that the tokens `left` and `right` make together, or `NO_TOKEN`. */
export function findPair(pairSlots: Int32Array, left: number, right: number): number {
  const mask = pairSlots.length - 1
  const low = left | (right << 18)
  const high = right >> 14
  for (let slot = pairSlot(left, right) & mask; ; slot = (slot + 2) & mask) {
    const value = pairSlots[slot + 1]
    if (value < 0) return NO_TOKEN
    if (pairSlots[slot] === low && value >> 18 === high) return value & 0x3ffff
  }
}
