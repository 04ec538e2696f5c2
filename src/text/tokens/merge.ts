import { joinInRounds } from './merge-rounds.ts'
import { Places } from './merge-tree.ts'
import { findPair, NO_TOKEN, type Vocabulary } from './vocabulary.ts'

/**
 * Byte-pair encoding of a run of bytes as tiktoken does it: of all neighbours that together are a token, those with the lowest rank
 * (the leftmost of equals) become one, until none are left.
 */

/** Writes the ids of `bytes[start, end)` to `out` from `at`, and returns where they end. `out` needs a place for each byte. */
export type Merge = (
  vocabulary: Vocabulary,
  bytes: Uint8Array,
  start: number,
  end: number,
  out: Int32Array,
  at: number,
) => number

/** Runs up to this many bytes are merged in place, join by join: looking through so few places costs less than any order of them. */
export const shortBytesMax = 48

/** Longer ones, up to here, find their places made as well: making them anew would cost more than the merge. */
const usualBytesMax = 768

const shortIds = new Int32Array(shortBytesMax)
const shortRanks = new Int32Array(shortBytesMax)
const short: Places = { ids: shortIds, ranks: shortRanks }
const usual = new Places(usualBytesMax)

export const mergeBytes: Merge = (vocabulary, bytes, start, end, out, at) => {
  const count = end - start
  if (count <= shortBytesMax) {
    readBytes(vocabulary, bytes, start, end, short)
    return joinShort(vocabulary.pairSlots, count, out, at)
  }
  const places = count <= usualBytesMax ? usual : new Places(count)
  readBytes(vocabulary, bytes, start, end, places)
  return joinInRounds(vocabulary.pairSlots, places, count, out, at)
}

/** The tokens of the single bytes, and at each place the token that it makes with the next. */
function readBytes(
  { byteTokens, twoBytes }: Vocabulary,
  bytes: Uint8Array,
  start: number,
  end: number,
  { ids, ranks }: Places,
): void {
  const count = end - start
  for (let i = 0; i < count; i++) {
    const byte = bytes[start + i]
    ids[i] = byteTokens[byte]
    ranks[i] = i + 1 < count ? twoBytes[(byte << 8) | bytes[start + i + 1]] : NO_TOKEN
  }
}

/** That the places are always these two arrays saves a tenth of the time of real text. */
function joinShort(pairSlots: Int32Array, count: number, out: Int32Array, at: number): number {
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
