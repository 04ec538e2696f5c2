import { type Join, joinByTree, type Places } from './merge-tree.ts'
import { findPair, NO_TOKEN } from './vocabulary.ts'

/** Rounds that a run takes: one that repeats itself is done by then, and what others have left goes through the tree of ranks. */
const roundsMax = 64

/** Each round joins all pairs of the lowest rank at once: linear for a run that repeats itself, O(n log n) for any. */
export const joinInRounds: Join = (pairSlots, places, count, out, at) => {
  const { ids, ranks } = places
  for (let rounds = 0; rounds < roundsMax; rounds++) {
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
