import { hash128, mix32, mix32b } from '../../src/text/hash.ts'
import type { KeptDocument } from './oracle-fates.ts'

/** Tokens `start` to `start + length` of a document. */
export interface Piece {
  readonly document: KeptDocument
  readonly start: number
  readonly length: number
}
export type Sample = readonly Piece[]

export interface SampleOptions {
  /** Tokens a sample. */
  readonly length: number
  readonly packing: 'concatenate' | 'best-fit'
  readonly seed: number
}

/** A block's samples in the order of feeding: its documents shuffled, packed, and the samples shuffled. */
export function cutSamples(
  documents: readonly KeptDocument[],
  block: { readonly domain: string; readonly number: number; readonly epoch: number },
  { length, packing, seed }: SampleOptions,
): Sample[] {
  const key = JSON.stringify([seed, block.domain, block.number, block.epoch])
  const shuffled = permute(documents.length, `documents ${key}`).map(i => documents[i])
  const packed = packing === 'concatenate' ? concatenate(shuffled, length) : bestFit(shuffled, length)
  // The permutation says where each sample goes.
  const samples: Sample[] = []
  for (const [i, place] of permute(packed.length, `samples ${key}`).entries()) samples[place] = packed[i]
  return samples
}

export function tokensIn(sample: Sample): number {
  return sample.reduce((sum, piece) => sum + piece.length, 0)
}

/** Documents end to end, cut every `length` tokens. */
function concatenate(documents: readonly KeptDocument[], length: number): Sample[] {
  const samples: Piece[][] = []
  let room = 0
  for (const document of documents)
    for (let start = 0; start < document.tokens.length; ) {
      if (room === 0) {
        samples.push([])
        room = length
      }
      const take = Math.min(room, document.tokens.length - start)
      samples.at(-1)!.push({ document, start, length: take })
      start += take
      room -= take
    }
  return samples
}

/** Each document, cut every `length` tokens, goes where the least room is left over; of equals, where a piece was put last. */
function bestFit(documents: readonly KeptDocument[], length: number): Sample[] {
  const samples: { pieces: Piece[]; room: number; used: number }[] = []
  let used = 0
  for (const document of documents)
    for (let start = 0; start < document.tokens.length; start += length) {
      const take = Math.min(length, document.tokens.length - start)
      let best: (typeof samples)[number] | null = null
      for (const sample of samples)
        if (sample.room >= take)
          if (!best || sample.room < best.room || (sample.room === best.room && sample.used > best.used)) best = sample
      if (!best) samples.push((best = { pieces: [], room: length, used: 0 }))
      best.pieces.push({ document, start, length: take })
      best.room -= take
      best.used = ++used
    }
  return samples.map(sample => sample.pieces)
}

/** Fisher-Yates from the end; the random number at i is two 32-bit hashes of the key's hash and i, 53 bits of them. */
function permute(count: number, key: string): number[] {
  const bytes = new TextEncoder().encode(key)
  const seeds = new Uint32Array(4)
  hash128(bytes, 0, bytes.length, 0, seeds)
  const order = Array.from({ length: count }, (_, i) => i)
  for (let i = count - 1; i > 0; i--) {
    const high = BigInt(mix32(mix32(i ^ seeds[0]) ^ seeds[1]))
    const low = BigInt(mix32b(mix32b(i ^ seeds[2]) ^ seeds[3]))
    const unit = Number(((high << 32n) | low) >> 11n) / 2 ** 53
    const j = Math.floor(unit * (i + 1))
    ;[order[i], order[j]] = [order[j], order[i]]
  }
  return order
}
