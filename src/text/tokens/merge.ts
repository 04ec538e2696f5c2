import { joinByTree, type Places } from './merge-tree.ts'
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

/** Runs up to this many bytes are merged by rounds alone. */
const shortBytesMax = 128
/** Rounds that a longer one takes: one that repeats itself is done by then, and what others have left goes through the tree of ranks. */
const roundsMax = 64

const shortIds = new Int32Array(shortBytesMax)
const shortRanks = new Int32Array(shortBytesMax)
const shortPlaces: Places = { ids: shortIds, ranks: shortRanks }

export const mergeBytes: Merge = (vocabulary, bytes, start, end, out, at) => {
  const { pairSlots } = vocabulary
  const isShort = end - start <= shortBytesMax
  const places = isShort ? shortPlaces : { ids: new Int32Array(end - start), ranks: new Int32Array(end - start) }
  const { ids, ranks } = places
  let count = readBytes(vocabulary, bytes, start, end, places)
  for (let rounds = 0; isShort || rounds < roundsMax; rounds++) {
    let best = NO_TOKEN
    let place = 0
    for (let i = 0; i < count - 1; i++)
      if (ranks[i] < best) {
        best = ranks[i]
        place = i
      }
    if (best === NO_TOKEN) {
      for (let i = 0; i < count; i++) out[at++] = ids[i]
      return at
    }
    count = joinAll(pairSlots, places, best, place, count)
  }
  return joinByTree(pairSlots, places, count, out, at)
}

/** The tokens of the single bytes. Returns how many there are. */
function readBytes(
  { byteTokens, twoBytes }: Vocabulary,
  bytes: Uint8Array,
  start: number,
  end: number,
  { ids, ranks }: Places,
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
 * One round: joins the pairs of `rank`, the lowest that there is, from left to right; the first is at `from`. A join that makes a pair
 * of a lower rank is the round's last, as that pair comes first. Returns how many places are left.
 */
function joinAll(pairSlots: Int32Array, { ids, ranks }: Places, rank: number, from: number, count: number): number {
  let to = from
  let lowest = rank
  for (let i = from; i < count; to++) {
    if (ranks[i] !== rank || lowest < rank) {
      ids[to] = ids[i]
      ranks[to] = ranks[i++]
      continue
    }
    i += 2
    ids[to] = rank
    const right = (ranks[to] = i < count ? findPair(pairSlots, rank, ids[i]) : NO_TOKEN)
    const left = to > 0 ? (ranks[to - 1] = findPair(pairSlots, ids[to - 1], rank)) : NO_TOKEN
    lowest = Math.min(lowest, left, right)
  }
  return to
}
