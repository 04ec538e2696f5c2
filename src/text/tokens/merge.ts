import { findPair, NO_TOKEN, type Vocabulary } from './vocabulary.ts'

/**
 * Byte-pair encoding of one piece as tiktoken does it: of all neighbours that together are a token, those with the lowest rank
 * (the leftmost of equals) become one, until none are left.
 */

/** Pieces up to this many bytes are merged in place, in quadratic time; longer ones go through the tree of ranks. */
const shortBytesMax = 128

const shortIds = new Int32Array(shortBytesMax)
const shortRanks = new Int32Array(shortBytesMax)

/** Writes the ids of `bytes[start, end)` to `out` from `at`, and returns where they end. `out` needs a place for each byte. */
type Merge = (
  vocabulary: Vocabulary,
  bytes: Uint8Array,
  start: number,
  end: number,
  out: Int32Array,
  at: number,
) => number

export const mergePiece: Merge = (vocabulary, bytes, start, end, out, at) => {
  if (end - start > shortBytesMax) return mergeLong(vocabulary, bytes, start, end, out, at)
  let count = readBytes(vocabulary, bytes, start, end, shortIds, shortRanks)
  const { pairSlots } = vocabulary
  for (;;) {
    let best = NO_TOKEN
    let place = 0
    for (let i = 0; i < count - 1; i++)
      if (shortRanks[i] < best) {
        best = shortRanks[i]
        place = i
      }
    if (best === NO_TOKEN) break
    count--
    shortIds[place] = best
    for (let i = place + 1; i < count; i++) {
      shortIds[i] = shortIds[i + 1]
      shortRanks[i] = shortRanks[i + 1]
    }
    shortRanks[place] = place + 1 < count ? findPair(pairSlots, best, shortIds[place + 1]) : NO_TOKEN
    if (place > 0) shortRanks[place - 1] = findPair(pairSlots, shortIds[place - 1], best)
  }
  for (let i = 0; i < count; i++) out[at++] = shortIds[i]
  return at
}

/** The ids of the single bytes, and at each place the token that it makes with the next. Returns the number of bytes. */
function readBytes(
  { byteTokens, twoBytes }: Vocabulary,
  bytes: Uint8Array,
  start: number,
  end: number,
  ids: Int32Array,
  ranks: Int32Array,
): number {
  const count = end - start
  for (let i = 0; i < count; i++) {
    const byte = bytes[start + i]
    ids[i] = byteTokens[byte]
    ranks[i] = i + 1 < count ? twoBytes[(byte << 8) | bytes[start + i + 1]] : NO_TOKEN
  }
  return count
}

/**
 * In O(n log n): places stay where they are, linked to their live neighbours, and a tree of fan-out 16 over their ranks gives
 * the leftmost lowest. Needs 20 bytes of memory a byte of the piece while it runs.
 */
const mergeLong: Merge = (vocabulary, bytes, start, end, out, at) => {
  const { pairSlots } = vocabulary
  const count = end - start
  const ids = new Int32Array(count)
  const levels: Int32Array[] = [new Int32Array(Math.ceil(count / 16) * 16).fill(NO_TOKEN)]
  readBytes(vocabulary, bytes, start, end, ids, levels[0])
  while (levels[levels.length - 1].length > 16) levels.push(lowestOf(levels[levels.length - 1]))
  const next = new Int32Array(count)
  const previous = new Int32Array(count)
  for (let i = 0; i < count; i++) {
    next[i] = i + 1
    previous[i] = i - 1
  }
  for (let place = lowestPlace(levels); place >= 0; place = lowestPlace(levels)) {
    const gone = next[place]
    const after = next[gone]
    const id = (ids[place] = levels[0][place])
    next[place] = after
    setRank(levels, gone, NO_TOKEN)
    if (after < count) previous[after] = place
    setRank(levels, place, after < count ? findPair(pairSlots, id, ids[after]) : NO_TOKEN)
    const before = previous[place]
    if (before >= 0) setRank(levels, before, findPair(pairSlots, ids[before], id))
  }
  for (let i = 0; i < count; i = next[i]) out[at++] = ids[i]
  return at
}

/** The level above: the lowest of each 16 ranks. */
function lowestOf(ranks: Int32Array): Int32Array {
  const above = new Int32Array(Math.ceil(ranks.length / 256) * 16).fill(NO_TOKEN)
  for (let i = 0; i < ranks.length; i++) if (ranks[i] < above[i >> 4]) above[i >> 4] = ranks[i]
  return above
}

/** The leftmost place of the lowest rank, -1 when no rank is left. */
function lowestPlace(levels: readonly Int32Array[]): number {
  let place = 0
  for (let level = levels.length - 1; level >= 0; level--) {
    const ranks = levels[level]
    const from = place * 16
    place = from
    for (let i = from + 1; i < from + 16; i++) if (ranks[i] < ranks[place]) place = i
  }
  return levels[0][place] === NO_TOKEN ? -1 : place
}

function setRank(levels: readonly Int32Array[], place: number, rank: number): void {
  levels[0][place] = rank
  for (let level = 1; level < levels.length; level++) {
    const below = levels[level - 1]
    const from = place & ~15
    let lowest = NO_TOKEN
    for (let i = from; i < from + 16; i++) if (below[i] < lowest) lowest = below[i]
    place >>= 4
    if (levels[level][place] === lowest) return
    levels[level][place] = lowest
  }
}
