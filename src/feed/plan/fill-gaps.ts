import { roomOf } from '../options.ts'
import type { Packed, PackOptions } from './packed.ts'
import { Rooms } from './rooms.ts'

/** What part of a sample a gap must have to be filled. What is smaller stays, and no piece is cut smaller, as hardly anything is learned from it. */
const gapShare = 1 / 64

/**
 * Fills the gaps of samples by taking other samples apart. First go those that have nothing but pieces of documents longer than a sample, which
 * are cut anyhow: those with the fewest tokens first, and whole ones last. Then, as long as `cutMax` allows, those with the fewest documents that
 * would fit a sample; each of their documents counts, also where a gap takes it whole. A sample is taken apart only where the gaps of the
 * others take all of it, and nothing of another was put into it.
 *
 * A piece goes whole into the least gap that takes it; where none does, into the largest, as much of it as that takes, and so on with the rest.
 * O(n log n) for n pieces and samples.
 */
export function fillGaps(packed: Packed, lengths: Int32Array, { length, cutMax = 0, align = 1 }: PackOptions): Packed {
  const samples = samplesOf(packed, lengths, length, align)
  const gaps = new Gaps(samples.used, length, align)
  let cutsLeft = Math.floor(cutMax * countFitting(lengths, length))
  const placed = new Placed(packed.pieces + packed.samples)
  const isApart = new Uint8Array(packed.samples)
  for (const sample of samples.inOrder) {
    const fitting = samples.fitting[sample]
    const pieces = samples.offsets[sample + 1] - samples.offsets[sample]
    if (fitting > cutsLeft) break
    if (gaps.isFed(sample)) continue
    // Where a piece ends, less than a gap may be left in two samples.
    if (gaps.roomBeside(sample) < samples.used[sample] + 2 * gaps.least * pieces) continue
    cutsLeft -= fitting
    isApart[sample] = 1
    gaps.leave(sample)
    for (let at = samples.offsets[sample]; at < samples.offsets[sample + 1]; at++)
      spread(packed, samples.pieces[at], gaps, placed)
  }
  return placed.join(packed, isApart)
}

const fits = (tokens: number, length: number) => tokens > 0 && tokens <= length

function countFitting(lengths: Int32Array, length: number): number {
  return lengths.reduce((count, tokens) => count + (fits(tokens, length) ? 1 : 0), 0)
}

/** Puts a piece into gaps. */
function spread(packed: Packed, piece: number, gaps: Gaps, placed: Placed): void {
  const document = packed.document[piece]
  let start = packed.start[piece]
  for (let rest = packed.length[piece]; rest > 0; ) {
    const { sample, tokens } = gaps.take(rest)
    placed.add(document, start, tokens, sample)
    start += tokens
    rest -= tokens
  }
}

/** Samples as they are taken apart: `inOrder` says which first. `pieces` from `offsets[i]` to `offsets[i + 1]` are those of sample i. */
function samplesOf(packed: Packed, lengths: Int32Array, length: number, align: number) {
  const count = packed.samples
  const [used, fitting, offsets] = [new Int32Array(count), new Int32Array(count), new Int32Array(count + 1)]
  for (let piece = 0; piece < packed.pieces; piece++) {
    const sample = packed.sample[piece]
    used[sample] += roomOf(packed.length[piece], align)
    offsets[sample + 1]++
    if (fits(lengths[packed.document[piece]], length)) fitting[sample]++
  }
  for (let i = 0; i < count; i++) offsets[i + 1] += offsets[i]
  const next = offsets.slice(0, count)
  const pieces = new Int32Array(packed.pieces)
  for (let piece = 0; piece < packed.pieces; piece++) pieces[next[packed.sample[piece]]++] = piece
  const inOrder = Int32Array.from({ length: count }, (_, i) => i)
  inOrder.sort((a, b) => fitting[a] - fitting[b] || used[a] - used[b] || a - b)
  return { used, fitting, offsets, pieces, inOrder }
}

/** The gaps that are large enough to be filled. */
class Gaps {
  readonly least: number
  readonly #align: number
  readonly #rooms: Rooms
  readonly #room: Int32Array
  readonly #isFed: Uint8Array
  /** Of all gaps. */
  #total = 0

  constructor(used: Int32Array, length: number, align: number) {
    this.#align = align
    this.least = Math.max(align, Math.floor((length * gapShare) / align) * align)
    this.#rooms = new Rooms(length, used.length)
    this.#room = used.map(tokens => length - tokens)
    this.#isFed = new Uint8Array(used.length)
    for (const [sample, room] of this.#room.entries()) this.#open(sample, room)
  }

  /** Whether something was put into this sample's gap. */
  isFed(sample: number): boolean {
    return this.#isFed[sample] === 1
  }

  /** What the gaps of all other samples take. */
  roomBeside(sample: number): number {
    return this.#total - this.#room[sample]
  }

  /** The gap of this sample is no more: it is passed over where it is met. */
  leave(sample: number): void {
    this.#total -= this.#room[sample]
    this.#room[sample] = 0
  }

  /** Puts `rest` tokens, or as many of them as go, into a gap: into which one, and how many. There must be room. */
  take(rest: number): { sample: number; tokens: number } {
    for (;;) {
      const whole = this.#rooms.leastFrom(roomOf(rest, this.#align))
      const room = whole < 0 ? this.#rooms.mostUpTo(rest) : whole
      const sample = this.#rooms.pop(room)
      if (this.#room[sample] !== room) continue
      const tokens = this.#cut(rest, room)
      this.#total -= room
      this.#isFed[sample] = 1
      this.#open(sample, room - roomOf(tokens, this.#align))
      return { sample, tokens }
    }
  }

  /** How many tokens to put into a gap, so that no piece is smaller than one, and none is left that is. */
  #cut(rest: number, room: number): number {
    if (rest <= room) return rest
    const isScrap = rest - room < this.least && rest >= 2 * this.least
    return isScrap ? Math.floor((rest - this.least) / this.#align) * this.#align : room
  }

  #open(sample: number, room: number): void {
    this.#room[sample] = room < this.least ? 0 : room
    this.#total += this.#room[sample]
    this.#rooms.push(sample, this.#room[sample])
  }
}

/** Pieces with their samples. What does not end a piece fills a gap, so there are as many as pieces and samples were before at most. */
class Placed {
  pieces = 0
  readonly document: Int32Array
  readonly start: Int32Array
  readonly length: Int32Array
  readonly sample: Int32Array

  constructor(piecesMax: number) {
    this.document = new Int32Array(piecesMax)
    this.start = new Int32Array(piecesMax)
    this.length = new Int32Array(piecesMax)
    this.sample = new Int32Array(piecesMax)
  }

  add(document: number, start: number, length: number, sample: number): void {
    this.document[this.pieces] = document
    this.start[this.pieces] = start
    this.length[this.pieces] = length
    this.sample[this.pieces++] = sample
  }

  /** What stays where it was, and the numbers of samples without those that are no more. */
  join(packed: Packed, isApart: Uint8Array): Packed {
    const { document, start, length, sample } = packed
    for (let piece = 0; piece < packed.pieces; piece++)
      if (!isApart[sample[piece]]) this.add(document[piece], start[piece], length[piece], sample[piece])
    const numbers = new Int32Array(packed.samples)
    let samples = 0
    for (const [i, apart] of isApart.entries()) numbers[i] = apart ? -1 : samples++
    for (let piece = 0; piece < this.pieces; piece++) this.sample[piece] = numbers[this.sample[piece]]
    const { pieces } = this
    return { samples, pieces, document: this.document, start: this.start, length: this.length, sample: this.sample }
  }
}
