import { HeadraceError } from '../../errors.ts'
import { roomOf } from '../options.ts'
import { fillGaps } from './fill-gaps.ts'
import type { Packed, Packing, PackOptions } from './packed.ts'
import { Rooms } from './rooms.ts'

/**
 * Packs documents, taken in `order`, into samples of `length` tokens; no token is left out and none is used twice.
 *
 * `concatenate` lays them end to end and cuts every `length` tokens; only the last sample may be short. `best-fit` cuts a document only
 * when it is longer than a sample, and puts each remaining piece whole into the open sample with the least room that it fits in, the
 * newest among equals (online form of best-fit packing, arXiv 2404.10830); samples may be short. `best-fit-filled` goes on from that, and
 * fills their gaps: see `fillGaps`.
 */
export function packDocuments(lengths: Int32Array, order: Int32Array, options: PackOptions): Packed {
  const { length, packing, align = 1 } = options
  const piecesMax = countPieces(lengths, length, packing, align)
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
      packed.sample[pieces] = place.put(roomOf(take, align))
      pieces++
      start += take
    }
  }
  const whole = { ...packed, pieces, samples: place.samples() }
  return packing === 'best-fit-filled' ? fillGaps(whole, lengths, options) : whole
}

function countPieces(lengths: Int32Array, length: number, packing: Packing, align: number): number {
  let [pieces, room] = [0, 0]
  for (const tokensOfOne of lengths) {
    pieces += packing === 'concatenate' ? 1 : Math.ceil(tokensOfOne / length)
    room += roomOf(tokensOfOne, align)
  }
  const all = packing === 'concatenate' ? pieces + Math.ceil(room / length) : pieces
  if (all >= 2 ** 31) throw new HeadraceError('limit', `a block of ${all} pieces is too large; lower blockTokens`)
  return all
}

/** Gives each piece its sample, by the room that it takes. `room` is what the current sample still takes. */
interface Placer {
  room(): number
  put(room: number): number
  samples(): number
}

function placeInTurn(length: number): Placer {
  let [sample, room] = [0, length]
  return {
    room: () => room,
    put: taken => {
      const placed = sample
      room -= taken
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
  const rooms = new Rooms(length, samplesMax)
  let samples = 0
  return {
    room: () => length,
    put: taken => {
      const room = rooms.leastFrom(taken)
      if (room < 0) {
        rooms.push(samples, length - taken)
        return samples++
      }
      const sample = rooms.pop(room)
      rooms.push(sample, room - taken)
      return sample
    },
    samples: () => samples,
  }
}
