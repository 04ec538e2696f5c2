import { HeadraceError } from '../../errors.ts'
import type { FeedSettings } from '../options.ts'

/** How documents become samples of `length` tokens. */
export type Packing = FeedSettings['packing']

/**
 * Documents cut into pieces, and the sample that each piece is in. Pieces of a sample stand in the order of their numbers; samples are
 * numbered from 0. `start` counts tokens from the document's first one.
 */
export interface Packed {
  readonly samples: number
  readonly pieces: number
  readonly document: Int32Array
  readonly start: Int32Array
  readonly length: Int32Array
  readonly sample: Int32Array
}

/**
 * Packs documents, taken in `order`, into samples of `length` tokens; no token is left out and none is used twice.
 *
 * `concatenate` lays them end to end and cuts every `length` tokens; only the last sample may be short. `best-fit` cuts a document only
 * when it is longer than a sample, and puts each remaining piece whole into the open sample with the least room that it fits in, the
 * newest among equals (online form of best-fit packing, arXiv 2404.10830); samples may be short.
 */
export function packDocuments(lengths: Int32Array, order: Int32Array, length: number, packing: Packing): Packed {
  const piecesMax = countPieces(lengths, length, packing)
  const packed = {
    document: new Int32Array(piecesMax),
    start: new Int32Array(piecesMax),
    length: new Int32Array(piecesMax),
    sample: new Int32Array(piecesMax),
  }
  let pieces = 0
  const place = packing === 'concatenate' ? placeInTurn(length) : placeBestFit(length, piecesMax)
  for (const document of order) {
    for (let start = 0; start < lengths[document]; ) {
      const rest = lengths[document] - start
      const take = Math.min(rest, packing === 'concatenate' ? place.room() : length)
      packed.document[pieces] = document
      packed.start[pieces] = start
      packed.length[pieces] = take
      packed.sample[pieces] = place.put(take)
      pieces++
      start += take
    }
  }
  return { ...packed, pieces, samples: place.samples() }
}

function countPieces(lengths: Int32Array, length: number, packing: Packing): number {
  let [pieces, tokens] = [0, 0]
  for (const tokensOfOne of lengths) {
    pieces += packing === 'concatenate' ? 1 : Math.ceil(tokensOfOne / length)
    tokens += tokensOfOne
  }
  const all = packing === 'concatenate' ? pieces + Math.ceil(tokens / length) : pieces
  if (all >= 2 ** 31) throw new HeadraceError('limit', `a block of ${all} pieces is too large; lower blockTokens`)
  return all
}

/** Gives each piece its sample. `room` is what the current sample still takes. */
interface Placer {
  room(): number
  put(tokens: number): number
  samples(): number
}

function placeInTurn(length: number): Placer {
  let [sample, room] = [0, length]
  return {
    room: () => room,
    put: tokens => {
      const placed = sample
      room -= tokens
      if (room === 0) {
        sample++
        room = length
      }
      return placed
    },
    samples: () => (room < length ? sample + 1 : sample),
  }
}

function placeBestFit(length: number, samplesMax: number): Placer {
  // Open samples by their room: for each size a stack linked through `below`, and a tree that finds the next size that has any.
  const newest = new Int32Array(length + 1).fill(-1)
  const below = new Int32Array(samplesMax)
  const sizes = new SizeTree(length + 1)
  let samples = 0
  const push = (sample: number, room: number) => {
    if (room === 0) return
    below[sample] = newest[room]
    newest[room] = sample
    sizes.set(room, true)
  }
  return {
    room: () => length,
    put: tokens => {
      const room = sizes.firstFrom(tokens)
      if (room < 0) {
        push(samples, length - tokens)
        return samples++
      }
      const sample = newest[room]
      newest[room] = below[sample]
      if (newest[room] < 0) sizes.set(room, false)
      push(sample, room - tokens)
      return sample
    },
    samples: () => samples,
  }
}

/** A set of small numbers that finds its first member from a number on in O(log n): a tree of bits, 32 to a node. */
class SizeTree {
  readonly #levels: Uint32Array[] = []

  constructor(count: number) {
    do {
      count = (count + 31) >>> 5
      this.#levels.push(new Uint32Array(count))
    } while (count > 1)
  }

  set(member: number, isIn: boolean): void {
    for (const level of this.#levels) {
      const word = member >>> 5
      const before = level[word]
      level[word] = isIn ? before | (1 << (member & 31)) : before & ~(1 << (member & 31))
      if ((before === 0) === (level[word] === 0)) return
      member = word
    }
  }

  firstFrom(from: number): number {
    for (let depth = 0; depth < this.#levels.length; depth++) {
      const level = this.#levels[depth]
      const word = from >>> 5
      if (word >= level.length) return -1
      const found = level[word] & (-1 << (from & 31))
      if (found !== 0) return this.#descend(depth, (word << 5) + lowestBit(found))
      from = word + 1
    }
    return -1
  }

  #descend(depth: number, member: number): number {
    while (depth > 0) {
      depth--
      member = (member << 5) + lowestBit(this.#levels[depth][member])
    }
    return member
  }
}

function lowestBit(word: number): number {
  return 31 - Math.clz32(word & -word)
}
