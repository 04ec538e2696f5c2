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
  readonly packing: 'concatenate' | 'best-fit' | 'best-fit-filled'
  readonly cutMax?: number
  readonly align?: number | undefined
  readonly seed: number
}

/** A block's samples in the order of feeding: its documents shuffled, packed, and the samples shuffled. */
export function cutSamples(
  documents: readonly KeptDocument[],
  block: { readonly domain: string; readonly number: number; readonly epoch: number },
  { length, packing, cutMax = 0, align = 1, seed }: SampleOptions,
): Sample[] {
  const key = JSON.stringify([seed, block.domain, block.number, block.epoch])
  const shuffled = permute(documents.length, `documents ${key}`).map(i => documents[i])
  const whole = packing === 'concatenate' ? concatenate(shuffled, length, align) : bestFit(shuffled, length, align)
  const packed = packing === 'best-fit-filled' ? fillGaps(whole, length, cutMax, align) : whole
  // The permutation says where each sample goes.
  const samples: Sample[] = []
  for (const [i, place] of permute(packed.length, `samples ${key}`).entries()) samples[place] = packed[i]
  return samples
}

export function tokensIn(sample: Sample): number {
  return sample.reduce((sum, piece) => sum + piece.length, 0)
}

/** What pieces take of a sample: each begins at a multiple of `align`. */
function roomIn(pieces: Sample, align: number): number {
  return pieces.reduce((sum, piece) => sum + align * Math.ceil(piece.length / align), 0)
}

/** Documents end to end, cut where a sample is full. */
function concatenate(documents: readonly KeptDocument[], length: number, align: number): Sample[] {
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
      room -= align * Math.ceil(take / align)
    }
  return samples
}

/** Each document, cut every `length` tokens, goes where the least room is left over; of equals, where a piece was put last. */
function bestFit(documents: readonly KeptDocument[], length: number, align: number): Sample[] {
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
      best.room -= align * Math.ceil(take / align)
      best.used = ++used
    }
  return samples.map(sample => sample.pieces)
}

/**
 * Samples are taken apart, and their pieces fill the gaps of others: first those that have the fewest documents that would fit a sample, then
 * those with the fewest tokens. Of those documents a share may be taken apart at most, and a gap below a 64th of a sample stays.
 */
function fillGaps(samples: readonly Sample[], length: number, cutMax: number, align: number): Sample[] {
  const least = Math.max(1, Math.floor(length / 64 / align)) * align
  const isFitting = ({ document }: Piece) => document.tokens.length <= length
  const documents = new Set(
    samples
      .flat()
      .filter(isFitting)
      .map(({ document }) => document),
  )
  let cutsLeft = Math.floor(cutMax * documents.size)
  let opened = 0
  const rows = samples.map(pieces => ({ pieces: [...pieces], put: [] as Piece[], room: 0, opened: 0, isGone: false }))
  const open = (row: (typeof rows)[number]) => {
    const room = length - roomIn([...row.pieces, ...row.put], align)
    Object.assign(row, { room: room < least ? 0 : room, opened: ++opened })
  }
  for (const row of rows) open(row)
  const inOrder = rows
    .map((row, i) => ({ row, i, fitting: row.pieces.filter(isFitting).length, tokens: roomIn(row.pieces, align) }))
    .sort((a, b) => a.fitting - b.fitting || a.tokens - b.tokens || a.i - b.i)
  for (const { row, fitting, tokens } of inOrder) {
    const others = rows.filter(other => other !== row && other.room > 0)
    const room = others.reduce((sum, other) => sum + other.room, 0)
    if (row.put.length > 0 || fitting > cutsLeft || room < tokens + 2 * least * row.pieces.length) continue
    cutsLeft -= fitting
    Object.assign(row, { room: 0, isGone: true })
    for (const { document, start, length: all } of row.pieces)
      for (let done = 0; done < all; ) {
        const rest = all - done
        const found = rows.filter(other => other.room > 0)
        const takes = found.filter(other => other.room >= rest)
        const wanted =
          takes.length > 0 ? Math.min(...takes.map(other => other.room)) : Math.max(...found.map(other => other.room))
        const into = found.filter(other => other.room === wanted).sort((a, b) => b.opened - a.opened)[0]
        const most = Math.min(rest, into.room)
        const left = rest - most
        const isScrap = left > 0 && left < least && rest >= 2 * least
        const take = isScrap ? align * Math.floor((rest - least) / align) : most
        into.put.push({ document, start: start + done, length: take })
        open(into)
        done += take
      }
  }
  const isLeft = rows.filter(({ isGone }) => !isGone)
  return isLeft.map(({ pieces, put }) => [...put, ...pieces])
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
