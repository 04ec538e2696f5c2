import { hash64, mix32, mix32b } from '../hash.ts'
import { collectDistinct, type Shingles } from './distinct.ts'

/**
 * MinHash signatures in about one hash a shingle, by Fast Similarity Sketching (Dahlgaard, Knudsen, Thorup, FOCS 2017).
 *
 * Round r gives each shingle one of k places and a value, and a place keeps its least value; places that a round fills are
 * closed, and rounds go on until all are filled (from round k on every shingle goes to place r - k, so 2k rounds always do).
 * A later round never changes a closed place, so the signature is what all 2k rounds would give, and place i of two sets is
 * equal with a probability of exactly their Jaccard similarity J, as with k independent permutations. Fewer shingles than
 * places need more rounds, about k ln k hashes in all; there the variance is about J(1 - J)/k, and smaller when shingles are
 * many. One-permutation hashing with densification is as fast, but fills places by copying others, which makes places of a
 * short text equal together and bends the bands' curve away from 1 - (1 - J^rows)^bands.
 */

const empty = 0x7fffffff
/** Rounds before repeated shingles are removed; a set that is unfilled after them has few distinct ones. */
const roundsWithRepeats = 4
/** With more distinct shingles than this for each place, some place is empty after those rounds with odds of k e^-64. */
const distinctPerPlaceMax = 16

/**
 * The signature of `count` shingles, at least 1, in any order and with repeats, into `places`. A shingle's place comes from the low half
 * of its hash and its value from the high half, so two shingles that are equal in one half alone share few places: with an equal low half
 * none, with an equal high half those that no round hit before its own, the square of 1/e of all.
 */
export function sketchShingles(shingles: Shingles, count: number, places: Int32Array): void {
  places.fill(empty)
  const closed = new Uint8Array(places.length)
  for (let round = 0; round < 2 * places.length; round++) {
    if (round === roundsWithRepeats) {
      shingles = collectDistinct(shingles, count, distinctPerPlaceMax * places.length)
      count = shingles.low.length
    }
    fillPlaces(shingles, count, places, closed, round)
    if (closePlaces(places, closed)) return
  }
}

function fillPlaces(
  { low, high }: Shingles,
  count: number,
  places: Int32Array,
  closed: Uint8Array,
  round: number,
): void {
  const size = places.length
  const placeFactor = mix32(2 * round + 1) | 1
  const valueSalt = mix32(2 * round + 2) | 0
  const valueFactor = mix32b(2 * round + 2) | 1
  for (let i = 0; i < count; i++) {
    const place = round < size ? Math.imul(Math.imul(low[i], placeFactor) >>> 16, size) >>> 16 : round - size
    if (round > 0 && closed[place] === 1) continue
    const salted = high[i] ^ valueSalt
    const mixed = Math.imul(salted ^ (salted >>> 16), valueFactor)
    const value = (mixed ^ (mixed >>> 15)) & empty
    if (value < places[place]) places[place] = value
  }
}

/** Closes the places that are filled; true when all are. */
function closePlaces(places: Int32Array, closed: Uint8Array): boolean {
  let full = true
  for (let i = 0; i < places.length; i++) {
    if (places[i] !== empty) closed[i] = 1
    else full = false
  }
  return full
}

/** The low 8 bits of each place, mixed, into `out` from `at`: what is kept of a signature to estimate similarity. */
export function packSignature(places: Int32Array, out: Uint8Array, at: number): void {
  for (let i = 0; i < places.length; i++) out[at + i] = mix32(places[i])
}

/** A 64-bit hash of each band of `rows` places into `out` from `at`, 8 bytes a band: high half, low half, little-endian. */
export function hashBands(places: Int32Array, rows: number, out: Uint32Array, at: number): void {
  const bytes = new Uint8Array(places.buffer, places.byteOffset, places.byteLength)
  const width = rows * 4
  for (let band = 0; band * width < bytes.length; band++)
    hash64(bytes, band * width, (band + 1) * width, 0, out, at + 2 * band)
}

/**
 * Estimated Jaccard similarity of two packed signatures of `size` places. Unequal places agree in 8 bits by chance once in 256,
 * which is taken off: (m - 1/256) / (1 - 1/256) for a share m of equal bytes (Li and König, b-bit minwise hashing, 2010).
 * Its standard error is about sqrt(J(1 - J) / size): 0.038 at J = 0.8 with 112 places.
 */
export function estimateSimilarity(a: Uint8Array, aAt: number, b: Uint8Array, bAt: number, size: number): number {
  let equal = 0
  for (let i = 0; i < size; i++) if (a[aAt + i] === b[bAt + i]) equal++
  return similarityOf(equal, size)
}

const similarityOf = (equal: number, size: number) => Math.max(0, (equal / size - 1 / 256) / (1 - 1 / 256))

/** Signatures of `size` places, one after the other, of which any two are compared four places at a time: millions of pairs in a second. */
export class ComparedSignatures {
  readonly #size: number
  readonly #width: number
  readonly #words: Uint32Array

  constructor(signatures: Uint8Array, size: number) {
    this.#size = size
    this.#width = Math.ceil(size / 4)
    const bytes = new Uint8Array((signatures.length / size) * this.#width * 4)
    for (let at = 0, to = 0; at < signatures.length; at += size, to += 4 * this.#width)
      bytes.set(signatures.subarray(at, at + size), to)
    this.#words = new Uint32Array(bytes.buffer)
  }

  /** What `estimateSimilarity` says of two of them, by their numbers. */
  estimate(a: number, b: number): number {
    const [width, words] = [this.#width, this.#words]
    const [atA, atB] = [a * width, b * width]
    // What fills the last word up is equal in all.
    let equal = this.#size - 4 * width
    for (let i = 0; i < width; i++) {
      const unlike = words[atA + i] ^ words[atB + i]
      // The highest bit of each byte that has another bit: the sum carries into it from the lower seven, and into no other byte.
      const marks = (((unlike & 0x7f7f7f7f) + 0x7f7f7f7f) | unlike) & 0x80808080
      equal += 4 - (Math.imul(marks >>> 7, 0x01010101) >>> 24)
    }
    return similarityOf(equal, this.#size)
  }
}
