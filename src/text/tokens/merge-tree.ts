import { findPair, NO_TOKEN } from './vocabulary.ts'

/** Of each place of a run, its token, and the token that it makes with the next. */
export class Places {
  readonly ids: Int32Array
  readonly ranks: Int32Array

  constructor(count: number) {
    this.ids = new Int32Array(count)
    this.ranks = new Int32Array(count)
  }
}

/** Joins the first `count` places of a run until no pair is left, and writes their ids to `out` from `at`; returns where they end. */
export type Join = (pairSlots: Int32Array, places: Places, count: number, out: Int32Array, at: number) => number

/**
 * In O(n log n) and memory of 20 bytes a place: places stay where they are, linked to their live neighbours, and a tree of fan-out 16 over
 * their ranks gives the leftmost lowest.
 */
export const joinByTree: Join = (pairSlots, { ids, ranks }, count, out, at) => {
  const levels = buildLevels(ranks.subarray(0, count))
  const next = Int32Array.from({ length: count }, (_, place) => place + 1)
  const previous = Int32Array.from({ length: count }, (_, place) => place - 1)
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
  for (let place = 0; place < count; place = next[place]) out[at++] = ids[place]
  return at
}

/** The ranks, then level by level the lowest of each 16 below, up to one of 16 at most. */
function buildLevels(ranks: Int32Array): Int32Array[] {
  const levels: Int32Array[] = [new Int32Array(Math.ceil(ranks.length / 16) * 16).fill(NO_TOKEN)]
  levels[0].set(ranks)
  while (levels[levels.length - 1].length > 16) levels.push(lowestOf(levels[levels.length - 1]))
  return levels
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
